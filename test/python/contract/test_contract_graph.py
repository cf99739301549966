"""Contract checks 8 to 11, 22 and 23: the neighbour graph."""

import numpy as np
import pytest

import oracle
from datasets import gaussian, stored, with_zero_rows
from hnsw_bridge import HnswIndexWrapper
from sides import COMPILES, all_distinct, is_ours, ours_only, same_bytes

_compiles = ours_only(COMPILES)
METRICS = [
    pytest.param("euclidean", {}),
    pytest.param("cosine", {}),
    pytest.param("sqeuclidean", {}, marks=_compiles),
    pytest.param("manhattan", {}, marks=_compiles),
    pytest.param("chebyshev", {}, marks=_compiles),
    pytest.param("minkowski", {"p": 3}, marks=_compiles),
    pytest.param("hamming", {}, marks=_compiles),
    pytest.param("correlation", {}, marks=_compiles),
]
PICKED = {"ours-exact": "exact", "ours-walk": "approximate"}  # What the plan says of the graph.


def test_contract_08_the_graph_is_a_tuple_of_writable_copies(index_class):
    index = index_class(gaussian(300, 8), n_neighbors=7)
    graph = index.neighbor_graph
    assert type(graph) is tuple
    for array, dtype in zip(graph, (np.int32, np.float32), strict=True):
        assert array.shape == (300, 7)
        assert array.dtype == dtype
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.flags.owndata or array.base.flags.owndata


def test_contract_08_a_second_read_is_equal(index_class):
    index = index_class(gaussian(300, 8), n_neighbors=7)
    first = [array.copy() for array in index.neighbor_graph]
    for array in index.neighbor_graph:
        array[:] = 0
    assert same_bytes(first, index.neighbor_graph)


def test_contract_08_a_second_read_is_not_computed_again(calls):
    index = HnswIndexWrapper(gaussian(300, 8), n_neighbors=7)
    assert same_bytes(index.neighbor_graph, index.neighbor_graph)
    assert calls() == {"build": 1, "neighbor_graph": 1}


@ours_only("float64 for cosine upstream")
@pytest.mark.parametrize("metric", ["cosine", "dot", "jaccard", "hellinger", "inner_product"])
def test_contract_08_distances_are_float32_for_every_metric(index_class, metric):
    index = index_class(np.abs(gaussian(60, 4)), metric, n_neighbors=5)
    assert index.neighbor_graph[1].dtype == np.float32
    assert index.query(np.abs(gaussian(3, 4)), k=2)[1].dtype == np.float32


@pytest.mark.parametrize(("metric", "kwds"), METRICS)
def test_contract_09_column_0_is_the_row_itself_among_tenfold_duplicates(make_index, metric, kwds):
    rows = np.repeat(np.vstack([gaussian(40, 5), np.zeros((1, 5))]), 10, axis=0)
    indices, distances = make_index(rows, metric, kwds, 6).neighbor_graph
    np.testing.assert_array_equal(indices[:, 0], np.arange(410))
    assert (distances[:, 0] == 0).all()


@pytest.mark.parametrize(("metric", "kwds"), METRICS)
def test_contract_10_the_other_columns_ascend_and_ids_are_distinct(make_index, metric, kwds):
    indices, distances = make_index(with_zero_rows(), metric, kwds, 12).neighbor_graph
    assert (np.diff(distances[:, 1:], axis=1) >= 0).all()
    assert all_distinct(indices)
    assert ((indices >= 0) & (indices < 1002)).all()
    assert np.isfinite(distances).all()


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_contract_11_graph_recall_is_at_least_98_percent(make_index, metric):
    rows = with_zero_rows()
    index = make_index(rows, metric, {}, 10, random_state=189212)
    _, distances = index.neighbor_graph
    true = oracle.distances(rows, rows, metric)
    np.fill_diagonal(true, 0)
    assert oracle.recall(distances, true, 10) >= 0.98
    if make_index.side in PICKED:
        assert index.plan["neighbor_graph"]["algorithm"] == PICKED[make_index.side]


def test_contract_11_zero_rows_and_duplicates_of_a_set_that_once_hung(index_class):
    rows = stored("cosine_duplicates")
    indices, distances = index_class(rows, "cosine", n_neighbors=10).neighbor_graph
    assert np.isfinite(distances).all()
    assert all_distinct(indices)
    if is_ours(index_class):  # Upstream: tiny negative ones.
        assert (distances >= 0).all()


@ours_only("tiny negative distances upstream")
def test_contract_11_near_duplicates_have_no_negative_distance(index_class):
    rows = stored("cosine_near_duplicates")
    _, distances = index_class(rows, "cosine", n_neighbors=10).neighbor_graph
    assert (distances >= 0).all()
    assert (distances < 1e-6).all()


def test_contract_22_a_compressed_index_has_no_graph_and_equal_answers(index_class):
    rows = gaussian(400, 6)
    index = index_class(rows, n_neighbors=5, random_state=0)
    before = index.query(rows[:50], k=4)
    assert index.compress_index() is None
    index.compress_index()
    with pytest.warns(UserWarning, match="Compressed indexes do not have neighbor graph") as caught:
        assert index.neighbor_graph is None
    assert same_bytes(before, index.query(rows[:50], k=4))
    if is_ours(index_class):
        assert caught[0].filename == __file__


@pytest.mark.parametrize("end", ["prepare", "query"])
def test_contract_23_compressed_keeps_the_graph_until_prepare_or_first_query(index_class, end):
    rows = gaussian(200, 6)
    index = index_class(rows, n_neighbors=5, compressed=True)
    assert index.neighbor_graph[0].shape == (200, 5)
    index.prepare() if end == "prepare" else index.query(rows[:1])
    with pytest.warns(UserWarning, match="Compressed indexes"):
        assert index.neighbor_graph is None


@ours_only("an AttributeError upstream")
def test_contract_23_a_compressed_index_cannot_be_updated(index_class):
    index = index_class(gaussian(200, 6), n_neighbors=5, compressed=True)
    index.prepare()
    with pytest.raises(ValueError, match="compressed"):
        index.update(gaussian(3, 6))
