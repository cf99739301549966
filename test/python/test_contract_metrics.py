"""Contract checks 32 to 35: every metric by value, against the golden table and SciPy."""

import numpy as np
import pytest

import hnsw_bridge
import oracle
from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper

A = ([1, 2, 0, 3], [2, 0, 0, 4])
BINARY = ([1, 1, 0, 1], [1, 0, 0, 1])
WITH_ZERO = ([1, 2, 0, 3], [0, 0, 0, 0])
BOTH_ZERO = ([0, 0, 0, 0], [0, 0, 0, 0])
OPPOSITE = ([1, 2, 0, 3], [-1, -2, 0, -3])
PAIRS = {"A": A, "bin": BINARY, "x0": WITH_ZERO, "00": BOTH_ZERO, "neg": OPPOSITE}

# PyNNDescent's values, from the contract: A, bin, x0, 00, neg.
GOLDEN = {
    "euclidean l2": ({}, (2.449490, 1, 3.741657, 0, 7.483315)),
    "sqeuclidean": ({}, (6, 1, 14, 0, 56)),
    "manhattan taxicab l1": ({}, (4, 1, 6, 0, 12)),
    "chebyshev linfinity linfty linf": ({}, (2, 1, 3, 0, 6)),
    "minkowski": ({"p": 3}, (2.154435, 1, 3.301927, 0, 6.603854)),
    "cosine": ({}, (0.163340, 0.183503, 1, 1, 1)),
    "correlation": ({}, (0.325800, 0.422650, 1, 0, 2)),
    "hamming": ({}, (0.75, 0.25, 0.75, 0, 0.75)),
}
CASES = [
    pytest.param(name, kwds, pair, value, id=f"{name}-{label}")
    for names, (kwds, values) in GOLDEN.items()
    for name in names.split()
    for (label, pair), value in zip(PAIRS.items(), values, strict=True)
]
METRICS = [(name, kwds) for names, (kwds, _) in GOLDEN.items() for name in names.split()]
ANGULAR = {"cosine", "correlation", "hamming"}


@pytest.mark.parametrize(("metric", "kwds", "pair", "value"), CASES)
@pytest.mark.filterwarnings("ignore:Failed to correctly find")
def test_32_golden_values(metric, kwds, pair, value):
    x, y = pair
    _, distances = HnswIndexWrapper([y], metric, kwds, 1).query([x], k=1)
    assert distances[0, 0] == pytest.approx(value, abs=1e-5)


def test_32_minkowski_has_p_2_by_default():
    rows = gaussian(50, 4)
    found = HnswIndexWrapper(rows, "minkowski", n_neighbors=5).neighbor_graph[1]
    expected = HnswIndexWrapper(rows, "euclidean", n_neighbors=5).neighbor_graph[1]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_32_orthogonal_rows():
    e = np.eye(4)[:2]
    for metric, value in (("cosine", 1), ("correlation", 1.333333), ("hamming", 0.5)):
        found = HnswIndexWrapper(e, metric, n_neighbors=1).query(e[:1], k=2)[1]
        assert found[0, 1] == pytest.approx(value, abs=1e-5), metric


@pytest.mark.parametrize("algorithm", ["exact", "hnsw"])
@pytest.mark.parametrize(("metric", "kwds"), METRICS)
def test_32_distances_are_scipys(metric, kwds, algorithm):
    rows = gaussian(300, 19)
    if metric == "hamming":
        rows = np.round(rows)
    with hnsw_bridge.options(algorithm=algorithm):
        index = HnswIndexWrapper(rows, metric, kwds, 12, random_state=1)
    graph_indices, graph_distances = index.neighbor_graph
    indices, distances = index.query(rows[:40], k=12)
    true = oracle.distances(rows, rows, metric, **kwds)
    for i, d, t in ((graph_indices, graph_distances, true), (indices, distances, true[:40])):
        np.testing.assert_allclose(d, np.take_along_axis(t, i, 1), rtol=1e-5, atol=2e-6)
        assert oracle.recall(d, t, 12) >= (1.0 if algorithm == "exact" else 0.98)


@pytest.mark.parametrize(("metric", "kwds"), METRICS)
def test_33_the_angular_mark_is_pynndescents(metric, kwds):
    assert HnswIndexWrapper(gaussian(20, 4), metric, kwds, 5)._angular_trees is (metric in ANGULAR)


def test_34_opposite_rows_by_cosine_are_at_one():
    rows = np.vstack([gaussian(50, 3), -gaussian(50, 3)])
    indices, distances = HnswIndexWrapper(rows, "cosine", n_neighbors=99).neighbor_graph
    assert distances.max() == 1
    assert (distances[indices == (np.arange(100)[:, None] + 50) % 100] == 1).all()
