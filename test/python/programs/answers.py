"""What an index answers, as JSON: the same program for every way to the engine.

Run on ordinary Python, with numpy or without, and inside Pyodide; the output is to be the same.
`without-numpy` as argument takes numpy away first.
"""

from __future__ import annotations

import copy
import json
import math
import pickle
import sys
import warnings
from array import array
from collections.abc import Callable
from hashlib import sha256
from random import Random
from typing import Any

if "without-numpy" in sys.argv:
    sys.modules["numpy"] = None  # type: ignore[assignment]

import hnsw_bridge
from hnsw_bridge import HnswIndexWrapper
from hnsw_bridge._engine import engine

N, DIM = 600, 9


def gaussian(count: int, dim: int, seed: int) -> list[list[float]]:
    random = Random(seed)
    return [[random.gauss(0, 1) for _ in range(dim)] for _ in range(count)]


ROWS, FRESH, QUERIES = (gaussian(count, DIM, seed) for count, seed in ((N, 1), (7, 2), (20, 3)))


def made(rows: Any = ROWS, metric: str = "euclidean", **more: Any) -> HnswIndexWrapper:
    return HnswIndexWrapper(rows, metric, **{"n_neighbors": 6, "random_state": 5, **more})


def plain(value: Any) -> Any:
    """Numbers in lists, infinity as a word: JSON has none."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return "inf" if value == math.inf else value


def flat(rows: list[list[float]], letter: str = "d") -> memoryview:
    """The rows as a buffer of two dimensions."""
    numbers = array(letter, [number for row in rows for number in row])
    shape = (len(rows), len(rows[0]))
    return memoryview(numbers).cast("B").cast(letter, shape)  # type: ignore[call-overload]


def query() -> Any:
    index = made()
    few = made(ROWS[:3])
    return {
        "lists": index.query(QUERIES),
        "a buffer of doubles": index.query(flat(QUERIES), k=4),
        "a buffer of floats": index.query(flat(QUERIES, "f"), k=4),
        "tuples": index.query(tuple(map(tuple, QUERIES)), 1, 0.3),
        "indices alone": index.query(QUERIES, k=2, return_distances=False),
        "more than there are": few.query(QUERIES[:2], k=5),
    }


def neighbor_graph() -> Any:
    graph = made().neighbor_graph
    assert graph is not None
    return {
        "itself first": plain(graph[0])[17][0] == 17,
        "shape": [graph[0].shape, graph[1].shape],
        "graph": graph,
        "of integers": made(flat([[i, i * i] for i in range(50)], "q")).neighbor_graph,
        "short": made(ROWS[:3]).neighbor_graph,
        "again": made().neighbor_graph,
    }


def metrics() -> Any:
    angles = made(metric="cosine", n_neighbors=N)
    wide = made(metric="minkowski", metric_kwds={"p": 3})
    table = engine().greeting.metrics
    without_parameters = sorted(
        name for name, of in table.items() if "dense" in of.forms and not set(of.params) - {"p"}
    )
    places = [[0.1 + 0.9 * abs(math.sin(i)), 0.1 + 0.9 * abs(math.cos(i * i))] for i in range(60)]
    return {
        **{name: made(places, name).query(places[:9], k=4) for name in without_parameters},
        "codes": made(quantization="uint8").query(QUERIES, k=5),
        "angles": angles.query([[-x for x in row] for row in ROWS[:3]], k=N),
        "p = 3": wide.query(QUERIES, k=3),
        "graph": made(metric="l1").neighbor_graph,
    }


def update() -> Any:
    index = made()
    before = index.query(QUERIES)
    index.update(FRESH)
    appended = index.query(FRESH, k=2)
    index.update(xs_updated=[[0] * DIM, [9] * DIM, [1] * DIM], updated_indices=[3, -1, 3])
    index.update(FRESH[:2], FRESH[2:4], range(2))
    return {
        "before": before,
        "appended": appended,
        "replaced": index.query([[1] * DIM, [9] * DIM], k=3),
        "graph": index.neighbor_graph,
    }


def prepare() -> Any:
    with hnsw_bridge.options(algorithm="hnsw", m=8):
        walks = made(gaussian(2000, DIM, 4), n_jobs=2)
    walks.prepare()
    walked = walks.query(QUERIES)
    walks.update(FRESH)
    walks.compress_index()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dropped = walks.neighbor_graph
    return {
        "answers": walked,
        "after an update": walks.query(QUERIES),
        "algorithm": walks.plan["query"]["algorithm"],
        "m": walks.engine_parameters["m"],
        "dropped": [dropped, len(caught)],
        "rows": walks.stats()["rows"],
    }


def batches() -> Any:
    """More than one message holds, of rows and of ids, and results of the same kind."""
    random, n, dim = Random(7), 6000, 64
    numbers = array("f", [random.random() for _ in range(n * dim)])
    rows = memoryview(numbers).cast("B").cast("f", (n, dim))
    index = made(rows, n_neighbors=40)
    graph = digest(index.neighbor_graph)
    index.update(rows[:100], rows[100:1600], range(3000, 4500))
    return {"graph": graph, "changed": digest(index.query(rows[:2000], k=20))}


def digest(found: Any) -> list[str]:
    return [sha256(part.tobytes()).hexdigest() for part in found]


def bad_input() -> Any:
    index, closed, compressed = made(), made(), made()
    closed.close()
    compressed.compress_index()
    cases: dict[str, Callable[[], Any]] = {
        "None": lambda: made(None),
        "text": lambda: made("rows"),
        "rows of text": lambda: made([["a", "b"]]),
        "complex": lambda: made([[1j, 2j]]),
        "a number": lambda: made(3),
        "one dimension": lambda: made(ROWS[0]),
        "three dimensions": lambda: made([ROWS]),
        "no rows": lambda: made([]),
        "no columns": lambda: made([[], []]),
        "rows of two lengths": lambda: made([[1, 2], [3]]),
        "NaN": lambda: made([[1, math.nan]]),
        "infinity": lambda: made([[1, math.inf]]),
        "beyond float32": lambda: made([[1, 1e300]]),
        "a metric that is none": lambda: made(metric="euclidian"),
        "a parameter that is none": lambda: made(metric_kwds={"q": 3}),
        "p = -1": lambda: made(metric="minkowski", metric_kwds={"p": -1}),
        "a callable metric": lambda: made(metric=lambda x, y: 0),
        "n_neighbors 0": lambda: made(n_neighbors=0),
        "n_neighbors 2**17": lambda: made(n_neighbors=2**17),
        "random_state text": lambda: made(random_state="seed"),
        "random_state -1": lambda: made(random_state=-1),
        "quantization": lambda: made(quantization="uint3"),
        "queries too narrow": lambda: index.query([[1] * (DIM - 1)]),
        "one query": lambda: index.query(QUERIES[0]),
        "queries of NaN": lambda: index.query([[math.nan] * DIM]),
        "k = -1": lambda: index.query(QUERIES, k=-1),
        "k = 2**40": lambda: index.query(QUERIES, k=2**40),
        "k = 1.5": lambda: index.query(QUERIES, k=1.5),
        "epsilon": lambda: index.query(QUERIES, epsilon="more"),
        "an update too wide": lambda: index.update([[1] * (DIM + 1)]),
        "an update of NaN": lambda: index.update([[math.nan] * DIM]),
        "an id outside": lambda: index.update(None, FRESH[:1], [N]),
        "ids that are none": lambda: index.update(None, FRESH[:1], ["first"]),
        "fewer ids than rows": lambda: index.update(None, FRESH[:2], [0]),
        "no ids": lambda: index.update(None, FRESH[:2]),
        "closed": lambda: closed.query(QUERIES),
        "an update of a compressed one": lambda: compressed.update(FRESH),
    }
    return {**{name: refused(case) for name, case in cases.items()}, "after": index.query(QUERIES)}


def refused(case: Callable[[], Any]) -> Any:
    try:
        return ["nothing was raised", plain(case())]
    except Exception as error:
        return [type(error).__name__, getattr(error, "code", None)]


def pickling() -> Any:
    index = made()
    expected = plain([index.neighbor_graph, index.query(QUERIES)])
    copies = {
        "pickled": pickle.loads(pickle.dumps(index)),
        "protocol 2": pickle.loads(pickle.dumps(index, protocol=2)),
        "copied": copy.deepcopy(index),
    }
    index.close()
    return {
        "answers": expected,
        **{
            name: plain([each.neighbor_graph, each.query(QUERIES)]) == expected
            for name, each in copies.items()
        },
        "updated after": _updated(copies["pickled"]),
    }


def _updated(index: HnswIndexWrapper) -> Any:
    index.update(FRESH)
    return index.query(FRESH, k=2)


TOPICS = (query, neighbor_graph, metrics, update, prepare, batches, bad_input, pickling)


def report() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = {topic.__name__: cases(topic()) for topic in TOPICS}
    return json.dumps({"answers": answers, "server": hnsw_bridge.stats()["server"]})


def cases(found: dict[str, Any]) -> dict[str, Any]:
    return {case: plain(value) for case, value in found.items()}


if __name__ == "__main__":
    print(report())
