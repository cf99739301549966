"""Contract checks 8 to 11 and 22, 23: the neighbour graph."""

import numpy as np
import pytest

import hnsw_bridge
import oracle
from datasets import gaussian, stored, with_zero_rows
from hnsw_bridge import HnswIndexWrapper

METRICS = {
    "euclidean": {},
    "sqeuclidean": {},
    "manhattan": {},
    "cosine": {},
    "chebyshev": {},
    "minkowski": {"p": 3},
    "hamming": {},
    "correlation": {},
}
PICKED = {"exact": "exact", "hnsw": "approximate"}  # What the plan says of the graph.
both_algorithms = pytest.mark.parametrize("algorithm", ["exact", "hnsw"])


def test_08_the_graph_is_a_tuple_of_writable_copies():
    index = HnswIndexWrapper(gaussian(300, 8), n_neighbors=7)
    graph = index.neighbor_graph
    assert type(graph) is tuple
    for array, dtype in zip(graph, (np.int32, np.float32), strict=True):
        assert array.shape == (300, 7)
        assert array.dtype == dtype
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.flags.owndata or array.base.flags.owndata


def test_08_a_second_read_is_equal_and_not_computed_again(calls):
    index = HnswIndexWrapper(gaussian(300, 8), n_neighbors=7)
    first = [array.copy() for array in index.neighbor_graph]
    for array in index.neighbor_graph:
        array[:] = 0
    for a, b in zip(first, index.neighbor_graph, strict=True):
        np.testing.assert_array_equal(a, b)
    assert calls() == {"build": 1, "neighbor_graph": 1}


@both_algorithms
@pytest.mark.parametrize(("metric", "kwds"), METRICS.items())
def test_09_column_0_is_the_row_itself_among_tenfold_duplicates(metric, kwds, algorithm):
    rows = np.repeat(np.vstack([gaussian(40, 5), np.zeros((1, 5))]), 10, axis=0)
    with hnsw_bridge.options(algorithm=algorithm):
        indices, distances = HnswIndexWrapper(rows, metric, kwds, 6).neighbor_graph
    np.testing.assert_array_equal(indices[:, 0], np.arange(410))
    assert (distances[:, 0] == 0).all()


@both_algorithms
@pytest.mark.parametrize(("metric", "kwds"), METRICS.items())
def test_10_the_other_columns_ascend_and_ids_are_distinct(metric, kwds, algorithm):
    with hnsw_bridge.options(algorithm=algorithm):
        indices, distances = HnswIndexWrapper(with_zero_rows(), metric, kwds, 12).neighbor_graph
    assert (np.diff(distances[:, 1:], axis=1) >= 0).all()
    assert all(len(set(row)) == 12 for row in indices.tolist())
    assert ((indices >= 0) & (indices < 1002)).all()
    assert np.isfinite(distances).all()


@both_algorithms
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_11_graph_recall_is_at_least_98_percent(metric, algorithm):
    rows = with_zero_rows()
    with hnsw_bridge.options(algorithm=algorithm):
        index = HnswIndexWrapper(rows, metric, {}, 10, random_state=189212)
    assert index.plan["neighbor_graph"]["algorithm"] == PICKED[algorithm]
    _, distances = index.neighbor_graph
    true = oracle.distances(rows, rows, metric)
    np.fill_diagonal(true, 0)
    assert oracle.recall(distances, true, 10) >= 0.98


def test_11_zero_rows_and_duplicates_of_a_set_that_once_hung():
    rows = stored("cosine_duplicates")
    indices, distances = HnswIndexWrapper(rows, "cosine", n_neighbors=10).neighbor_graph
    assert np.isfinite(distances).all()
    assert (distances >= 0).all()
    assert all(len(set(row)) == 10 for row in indices.tolist())


def test_11_near_duplicates_have_no_negative_distance():
    rows = stored("cosine_near_duplicates")
    _, distances = HnswIndexWrapper(rows, "cosine", n_neighbors=10).neighbor_graph
    assert (distances >= 0).all()
    assert (distances < 1e-6).all()


def test_22_a_compressed_index_has_no_graph_and_equal_answers():
    rows = gaussian(400, 6)
    index = HnswIndexWrapper(rows, n_neighbors=5, random_state=0)
    before = index.query(rows[:50], k=4)
    assert index.compress_index() is None
    index.compress_index()
    with pytest.warns(UserWarning, match="Compressed indexes do not have neighbor graph") as caught:
        assert index.neighbor_graph is None
    assert caught[0].filename == __file__
    for a, b in zip(before, index.query(rows[:50], k=4), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("end", ["prepare", "query"])
def test_23_compressed_keeps_the_graph_until_prepare_or_first_query(end):
    rows = gaussian(200, 6)
    index = HnswIndexWrapper(rows, n_neighbors=5, compressed=True)
    assert index.neighbor_graph[0].shape == (200, 5)
    index.prepare() if end == "prepare" else index.query(rows[:1])
    with pytest.warns(UserWarning, match="Compressed indexes"):
        assert index.neighbor_graph is None
    with pytest.raises(ValueError, match="compressed"):
        index.update(rows[:3])
