"""Fits UMAP where only the wheel and umap-learn are installed, and prints what was seen as JSON.

Asserts nothing: test/package/wheel.test.ts does. Only numpy is used to find the exact neighbours.
"""

import json
import shutil
import sys
from time import perf_counter


def seconds_to_import(name: str) -> float:
    start = perf_counter()
    __import__(name)
    return round(perf_counter() - start, 4)


BEFORE = set(sys.modules)
NUMPY_S = seconds_to_import("numpy")
PACKAGE_S = seconds_to_import("hnsw_bridge")
BROUGHT_IN = {name.partition(".")[0] for name in set(sys.modules) - BEFORE}

import hnsw_bridge  # noqa: E402
import numpy as np  # noqa: E402
from hnsw_bridge._launch import find_command  # noqa: E402
from hnsw_bridge.umap import UMAP  # noqa: E402

N, DIM, K = 1200, 16, 15


def exact_neighbours(rows: np.ndarray) -> np.ndarray:
    squares = (rows**2).sum(1)
    return np.argsort(squares[:, None] - 2 * rows @ rows.T + squares, axis=1)[:, :K]


rows = np.random.default_rng(7).normal(size=(N, DIM)).astype(np.float32)
model = UMAP(n_neighbors=K, n_epochs=5, init="random", force_approximation_algorithm=True)
model.fit(rows)
placed = model.transform(rows[:20])
found, exact = model._knn_indices, exact_neighbours(rows.astype(np.float64))
hits = [np.isin(*pair).mean() for pair in zip(found, exact, strict=True)]

print(
    json.dumps(
        {
            "tools": {tool: shutil.which(tool) for tool in ("node", "npm", "cargo")},
            "command": find_command(),
            "package": hnsw_bridge.__file__,
            "engine": type(model._knn_search_index).__module__,
            "calls": hnsw_bridge.stats()["server"]["calls"],
            "recall": float(np.mean(hits)),
            "shapes": [list(model.embedding_.shape), list(placed.shape)],
            "finite": bool(np.isfinite(model.embedding_).all() and np.isfinite(placed).all()),
            "import_s": {"numpy": NUMPY_S, "hnsw_bridge": PACKAGE_S},
            "brought_in": sorted(BROUGHT_IN - sys.stdlib_module_names),
        }
    )
)
