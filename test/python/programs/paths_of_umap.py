"""Which calls each of umap's rarer ways makes. Run without numba's compiler, which costs most.

Prints one JSON object: way -> {call: count, "finite": whether all results are}.
"""

import json
import warnings
from collections import Counter

warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import umap  # noqa: E402

import hnsw_bridge  # noqa: E402

ROWS = np.random.RandomState(0).standard_normal((150, 4)).astype(np.float32)
COUNTED = ("build", "neighbor_graph", "prepare", "query", "update")
LARGE = 4200
FORCED = {"n_neighbors": 10, "n_epochs": 11, "force_approximation_algorithm": True}
PLAIN = {"n_neighbors": 10, "n_epochs": 11}


def calls():
    seen = hnsw_bridge.stats()["server"]["calls"]
    return Counter({name: seen.get(name, 0) for name in COUNTED})


def aligned(**parameters):
    relation = {i + 30: i for i in range(30)}
    model = umap.AlignedUMAP(n_neighbors=10, n_epochs=11, **parameters)
    model.fit([ROWS[:60], ROWS[30:90]], relations=[relation])
    return np.vstack(model.embeddings_)


def supervised(target, metric, n):
    rows = np.random.RandomState(1).standard_normal((n, 2)).astype(np.float32)
    model = umap.UMAP(n_neighbors=3, n_epochs=0, init="random", target_metric=metric)
    return model.fit(rows, target(rows)).embedding_


def updated(few, more, **parameters):
    model = umap.UMAP(**parameters).fit(few)
    model.update(more)
    return model.embedding_


def grown_large():
    # Each new row finds an old one among its neighbours: umap divides by their number.
    near_them = np.tile(ROWS, (28, 1)) + 0.001
    return updated(ROWS, near_them, n_neighbors=30, n_epochs=0, init="random")


def inverted():
    model = umap.UMAP(**PLAIN).fit(ROWS)
    return model.inverse_transform(model.embedding_[:2])


def transformed(new, **parameters):
    return umap.UMAP(**parameters).fit(ROWS[:140]).transform(new)


def fitted(rows, **parameters):
    return umap.UMAP(**parameters).fit(rows).embedding_


def classes(rows):
    return (rows[:, 0] > 0).astype(int)


def numbers(rows):
    return rows[:, 0]


def distances():
    return np.linalg.norm(ROWS[:, None] - ROWS[None], axis=2)


WAYS = {
    "small fit": lambda: fitted(ROWS, **PLAIN),
    "small transform": lambda: transformed(ROWS[140:], **PLAIN),
    "small update": lambda: updated(ROWS[:140], ROWS[140:], **PLAIN),
    "inverse transform": inverted,
    "precomputed distances": lambda: fitted(distances(), metric="precomputed", **PLAIN),
    "forced fit": lambda: fitted(ROWS, **FORCED),
    "forced transform": lambda: transformed(ROWS[140:], **FORCED),
    "transform of the fitted rows": lambda: transformed(ROWS[:140], **FORCED),
    "forced update": lambda: updated(ROWS[:140], ROWS[140:], **FORCED),
    "update beyond 4096 rows": grown_large,
    "density output": lambda: fitted(ROWS, output_dens=True, **PLAIN)[0],
    "densmap with density output": lambda: fitted(ROWS, densmap=True, output_dens=True, **FORCED),
    "unique rows": lambda: fitted(np.vstack([ROWS, ROWS]), unique=True, **FORCED),
    "aligned": lambda: aligned(force_approximation_algorithm=True),
    "aligned small": aligned,
    "classes": lambda: supervised(classes, "categorical", LARGE),
    "numbers": lambda: supervised(numbers, "l2", LARGE),
}


def tried(way):
    before = calls()
    result = way()
    return {**(calls() - before), "finite": bool(np.isfinite(np.asarray(result)).all())}


hnsw_bridge.install("on")
print(json.dumps({name: tried(way) for name, way in WAYS.items()}))
