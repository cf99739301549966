"""Contract check 38: metrics that are functions."""

import numba
import numpy as np
import pytest

import oracle
from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper
from sides import ours_only

ROWS = gaussian(400, 5)
QUERIES = gaussian(30, 5, seed=3)


@numba.njit(fastmath=True)
def largest_step(x, y):
    """The chebyshev distance."""
    result = 0.0
    for i in range(x.shape[0]):
        result = max(result, np.abs(x[i] - y[i]))
    return result


@numba.njit(fastmath=True)
def weighted_city(x, y, w):
    result = 0.0
    for i in range(x.shape[0]):
        result += w[i] * np.abs(x[i] - y[i])
    return result


def test_contract_38_a_compiled_metric_is_answered(index_class):
    index = index_class(ROWS, largest_step, n_neighbors=10, random_state=1)
    for found, queries in ((index.neighbor_graph, ROWS), (index.query(QUERIES, k=10), QUERIES)):
        true = oracle.distances(queries, ROWS, "chebyshev")
        indices, distances = found
        assert (indices.shape, indices.dtype) == ((len(queries), 10), np.int32)
        np.testing.assert_allclose(distances, np.take_along_axis(true, indices, 1), rtol=1e-5)
        assert oracle.recall(distances, true, 10) >= 0.95


def test_contract_38_a_compiled_metric_is_scanned_exactly_without_a_warning():
    index = HnswIndexWrapper(ROWS, largest_step, n_neighbors=10)
    assert type(index) is HnswIndexWrapper
    true = oracle.distances(QUERIES, ROWS, "chebyshev")
    assert oracle.recall(index.query(QUERIES, k=10)[1], true, 10) == 1
    assert (
        oracle.recall(index.neighbor_graph[1], oracle.distances(ROWS, ROWS, "chebyshev"), 10) == 1
    )
    index.update(QUERIES)
    assert index.query(QUERIES, k=1)[0].ravel().tolist() == list(range(400, 430))


@ours_only("another metric compiles for long")
def test_contract_38_its_parameters_go_along(index_class):
    w = np.arange(1, 6, dtype=np.float32)
    index = index_class(ROWS, weighted_city, {"w": w}, 10)
    true = (np.abs(QUERIES[:, None] - ROWS).astype(np.float64) * w).sum(axis=2)
    assert oracle.recall(index.query(QUERIES, k=10)[1], true, 10) == 1


@ours_only("a TypingError upstream")
@pytest.mark.parametrize("metric", [lambda x, y: 0.0, abs, oracle.recall])
def test_contract_38_a_plain_function_is_a_clear_error(index_class, metric):
    with pytest.raises(ValueError, match="numba"):
        index_class(ROWS, metric, n_neighbors=10)
