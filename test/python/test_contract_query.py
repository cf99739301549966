"""Contract checks 12 to 20: queries."""

import threading

import numpy as np
import pytest

import hnsw_bridge
import oracle
from datasets import gaussian, with_zero_rows
from hnsw_bridge import HnswIndexWrapper

ROWS = gaussian(2000, 6)
QUERIES = gaussian(50, 6, seed=7)


@pytest.fixture(scope="module")
def index():
    return HnswIndexWrapper(ROWS, n_neighbors=15, random_state=42)


@pytest.mark.parametrize("k", [1, 15, 2000])
def test_12_results_are_complete_ascending_writable_and_distinct(index, k):
    indices, distances = index.query(QUERIES, k=k)
    assert indices.shape == distances.shape == (50, k)
    assert (indices.dtype, distances.dtype) == (np.int32, np.float32)
    for array in (indices, distances):
        assert array.flags.c_contiguous
        assert array.flags.writeable
    assert (np.diff(distances, axis=1) >= 0).all()
    assert all(len(set(row)) == k for row in indices.tolist())
    expected = np.linalg.norm(ROWS[indices] - QUERIES[:, None], axis=2)
    np.testing.assert_allclose(distances, expected, rtol=1e-5, atol=1e-6)


def test_12_results_survive_later_queries(index):
    first = index.query(QUERIES, k=5)
    kept = [array.copy() for array in first]
    index.query(QUERIES[::-1], k=5)
    for array, copy in zip(first, kept, strict=True):
        np.testing.assert_array_equal(array, copy)
        array[:] = 0
    np.testing.assert_array_equal(index.query(QUERIES, k=5)[0], kept[0])


def test_12_ties_are_ordered_by_id():
    rows = np.repeat(gaussian(30, 4), 10, axis=0)
    indices, _ = HnswIndexWrapper(rows, n_neighbors=5).query(rows[:1], k=10)
    assert indices.tolist() == [list(range(10))]


def test_13_more_than_all_rows_are_padded():
    rows = gaussian(20, 3)
    indices, distances = HnswIndexWrapper(rows, n_neighbors=5).query(rows, k=25)
    assert (np.sort(indices[:, :20], axis=1) == np.arange(20)).all()
    assert (indices[:, 20:] == -1).all()
    assert np.isposinf(distances[:, 20:]).all()
    assert np.isfinite(distances[:, :20]).all()


def test_13_padding_stays_infinite_for_cosine():
    rows = gaussian(5, 3)
    _, distances = HnswIndexWrapper(rows, "cosine", n_neighbors=2).query(rows, k=7)
    assert np.isposinf(distances[:, 5:]).all()
    assert (distances[:, :5] <= 1).all()


@pytest.mark.parametrize("algorithm", ["exact", "hnsw"])
def test_14_600_of_2000_rows_are_full_and_distinct(algorithm):
    with hnsw_bridge.options(algorithm=algorithm):
        indices, distances = HnswIndexWrapper(ROWS, n_neighbors=15).query(QUERIES, k=600)
    assert (indices >= 0).all()
    assert np.isfinite(distances).all()
    assert all(len(set(row)) == 600 for row in indices.tolist())


def test_15_nothing_asked_is_an_empty_answer(index):
    for queries, k, shape in ((QUERIES, 0, (50, 0)), (QUERIES[:0], 4, (0, 4))):
        indices, distances = index.query(queries, k=k)
        assert indices.shape == distances.shape == shape
        assert (indices.dtype, distances.dtype) == (np.int32, np.float32)


BAD_QUERIES = {
    "wrong width": QUERIES[:, :5],
    "one-dimensional": QUERIES[0],
    "three-dimensional": QUERIES[None],
    "NaN": np.where(np.arange(6) == 3, np.nan, QUERIES),
    "infinity": np.where(np.arange(6) == 3, np.inf, QUERIES),
    "None": None,
    "text": [["a"] * 6],
    "ragged": [[1.0] * 6, [1.0] * 5],
    "an empty list": [],
}


@pytest.mark.parametrize("bad", BAD_QUERIES.values(), ids=BAD_QUERIES.keys())
def test_16_a_bad_query_is_a_value_error_and_the_index_lives_on(index, bad):
    with pytest.raises(ValueError, match=r"\S") as caught:
        index.query(bad, k=3)
    assert caught.value.code.startswith("ERR_")
    assert index.query(ROWS[:1], k=1)[0].tolist() == [[0]]


def test_16_a_wrong_shape_is_named_as_pynndescent_names_it(index):
    with pytest.raises(ValueError, match=r"must be a 2-D array with 6 features, got shape \(50, 5"):
        index.query(QUERIES[:, :5])


def test_16_a_sparse_query_on_dense_rows_is_a_value_error(index):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match="sparse"):
        index.query(sparse.csr_matrix(QUERIES))


@pytest.mark.parametrize("k", [-1, 2.5, "3", None, True, float("nan")])
def test_16_a_bad_k_is_a_value_error(index, k):
    with pytest.raises(ValueError, match="k must be"):
        index.query(QUERIES, k=k)


def test_16_a_whole_float_is_a_k(index):
    assert index.query(QUERIES, k=3.0)[0].shape == (50, 3)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_17_recall_at_the_default_effort_is_95_percent_and_grows_with_it(metric):
    rows, queries = with_zero_rows(), gaussian(200, 5, seed=3) ** 2
    true = oracle.distances(queries, rows, metric)
    with hnsw_bridge.options(algorithm="hnsw"):
        index = HnswIndexWrapper(rows, metric, {}, 10, random_state=1)

    def at(epsilon):
        return oracle.recall(index.query(queries, k=10, epsilon=epsilon)[1], true, 10)

    recalls = [at(epsilon) for epsilon in (0, 0.1, 0.12, 0.24, 0.5)]
    assert recalls[1] >= 0.95
    assert recalls == sorted(recalls)


@pytest.mark.parametrize("epsilon", [-1, 0, np.float32(0.12), 7, np.inf])
def test_17_any_effort_is_an_answer(index, epsilon):
    indices, _ = index.query(ROWS[:20], k=1, epsilon=epsilon)
    np.testing.assert_array_equal(indices[:, 0], np.arange(20))


@pytest.mark.parametrize("epsilon", [np.nan, "much", None])
def test_17_an_effort_that_is_no_number_is_a_value_error(index, epsilon):
    with pytest.raises(ValueError, match="epsilon must be a number"):
        index.query(QUERIES, epsilon=epsilon)


@pytest.mark.parametrize("algorithm", ["exact", "hnsw"])
def test_18_a_zero_query_by_cosine_finds_distinct_rows_at_one(algorithm):
    with hnsw_bridge.options(algorithm=algorithm):
        index = HnswIndexWrapper(ROWS, "cosine", n_neighbors=10)
    indices, distances = index.query(np.zeros((2, 6)), k=10)
    assert (distances == 1).all()
    assert all(len(set(row)) == 10 for row in indices.tolist())
    assert (indices >= 0).all()


def test_19_the_indices_alone_are_those_of_the_pair(index):
    indices, _ = index.query(QUERIES, k=4, epsilon=0.2)
    alone = index.query(QUERIES, k=4, epsilon=0.2, return_distances=False)
    np.testing.assert_array_equal(alone, indices)
    np.testing.assert_array_equal(index.query_indices(QUERIES, 4, 0.2), indices)
    np.testing.assert_array_equal(index.query_indices(QUERIES, k=4, epsilon=0.2), indices)


def test_19_pre_normalized_is_for_cosine(index):
    with pytest.raises(ValueError, match="pre_normalized needs the metric cosine"):
        index.query(QUERIES, pre_normalized=True)
    angular = HnswIndexWrapper(ROWS, "cosine", n_neighbors=10)
    unit = QUERIES / np.linalg.norm(QUERIES, axis=1, keepdims=True)
    expected = angular.query(unit, k=5)
    for a, b in zip(angular.query(unit, k=5, pre_normalized=True), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_19_the_widths_of_quantised_search_are_accepted(index):
    found = index.query(QUERIES, 5, 0.1, 4, 100, 50)
    np.testing.assert_array_equal(found[0], index.query(QUERIES, 5, 0.1)[0])


def test_20_four_threads_get_what_one_gets(index):
    expected = [index.query(QUERIES[i % 50][None], k=5) for i in range(100)]
    wrong: list[object] = []

    def work():
        for i in range(100):
            found = index.query(QUERIES[i % 50][None], k=5)
            if any(a.tobytes() != b.tobytes() for a, b in zip(found, expected[i], strict=True)):
                wrong.append(i)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
