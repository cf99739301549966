"""Contract checks 12 to 20: queries."""

import threading

import numpy as np
import pytest
import scipy.sparse

import oracle
from datasets import gaussian, with_zero_rows
from hnsw_bridge import HnswIndexWrapper
from sides import all_distinct, cases, is_ours, ours_only, same_bytes

ROWS = gaussian(2000, 6)
QUERIES = gaussian(50, 6, seed=7)


@pytest.fixture(scope="module")
def index(index_class):
    return index_class(ROWS, n_neighbors=15, random_state=42)


@pytest.mark.parametrize("k", [1, 15, 2000])
def test_contract_12_results_are_complete_ascending_writable_and_distinct(index, k):
    indices, distances = index.query(QUERIES, k=k)
    assert indices.shape == distances.shape == (50, k)
    assert (indices.dtype, distances.dtype) == (np.int32, np.float32)
    for array in (indices, distances):
        assert array.flags.c_contiguous
        assert array.flags.writeable
    assert (np.diff(distances, axis=1) >= 0).all()
    assert all_distinct(indices)
    expected = np.linalg.norm(ROWS[indices] - QUERIES[:, None], axis=2)
    np.testing.assert_allclose(distances, expected, rtol=1e-5, atol=1e-6)


def test_contract_12_results_survive_later_queries(index):
    first = index.query(QUERIES, k=5)
    kept = [array.copy() for array in first]
    index.query(QUERIES[::-1], k=5)
    assert same_bytes(first, kept)
    for array in first:
        array[:] = 0
    assert same_bytes(index.query(QUERIES, k=5), kept)


def test_contract_12_queries_of_any_form_are_float32_rows(index):
    whole = np.round(QUERIES * 10)
    expected = index.query(whole.astype(np.float32), k=5)
    for form in (
        whole.astype(np.float64),
        whole.astype(int),
        whole.tolist(),
        np.asfortranarray(whole),
    ):
        assert same_bytes(index.query(form, k=5), expected)


@ours_only("ties in any order")
def test_contract_12_ties_are_ordered_by_id(index_class):
    rows = np.repeat(gaussian(30, 4), 10, axis=0)
    indices, _ = index_class(rows, n_neighbors=5).query(rows[:1], k=10)
    assert indices.tolist() == [list(range(10))]


_PADDING = ours_only("one valid id is repeated")


@_PADDING
def test_contract_13_more_than_all_rows_are_padded(index_class):
    rows = gaussian(20, 3)
    indices, distances = index_class(rows, n_neighbors=5).query(rows, k=25)
    assert (np.sort(indices[:, :20], axis=1) == np.arange(20)).all()
    assert (indices[:, 20:] == -1).all()
    assert np.isposinf(distances[:, 20:]).all()
    assert np.isfinite(distances[:, :20]).all()


@_PADDING
def test_contract_13_padding_stays_infinite_for_cosine(index_class):
    rows = gaussian(5, 3)
    _, distances = index_class(rows, "cosine", n_neighbors=2).query(rows, k=7)
    assert np.isposinf(distances[:, 5:]).all()
    assert (distances[:, :5] <= 1).all()


def test_contract_14_600_of_2000_rows_are_full_and_distinct(make_index):
    indices, distances = make_index(ROWS, n_neighbors=15).query(QUERIES, k=600)
    assert (indices >= 0).all()
    assert np.isfinite(distances).all()
    assert all_distinct(indices)


def test_contract_15_nothing_asked_is_an_empty_answer(index):
    for queries, k, shape in ((QUERIES, 0, (50, 0)), (QUERIES[:0], 4, (0, 4))):
        indices, distances = index.query(queries, k=k)
        assert indices.shape == distances.shape == shape
        assert (indices.dtype, distances.dtype) == (np.int32, np.float32)


_NO_ERROR = ours_only("no error upstream, or another kind")
BAD_QUERIES = {
    "wrong width": QUERIES[:, :5],
    "one-dimensional": QUERIES[0],
    "three-dimensional": QUERIES[None],
    "NaN": (np.where(np.arange(6) == 3, np.nan, QUERIES), _NO_ERROR),
    "infinity": (np.where(np.arange(6) == 3, np.inf, QUERIES), _NO_ERROR),
    "None": None,
    "text": [["a"] * 6],
    "ragged": [[1.0] * 6, [1.0] * 5],
    "an empty list": [],
}


@pytest.mark.parametrize("bad", cases(BAD_QUERIES))
def test_contract_16_a_bad_query_is_a_value_error_and_the_index_lives_on(index, index_class, bad):
    with pytest.raises(ValueError, match=r"\S") as caught:
        index.query(bad, k=3)
    assert index.query(ROWS[:1], k=1)[0].tolist() == [[0]]
    if is_ours(index_class):
        assert caught.value.code.startswith("ERR_")


def test_contract_16_a_wrong_shape_is_named(index):
    with pytest.raises(ValueError, match=r"must be a 2-D array with 6 features, got shape \(50, 5"):
        index.query(QUERIES[:, :5])


def test_contract_16_a_sparse_query_on_dense_rows_is_a_value_error(index, index_class):
    with pytest.raises(ValueError, match="sparse" if is_ours(index_class) else r"\S"):
        index.query(scipy.sparse.csr_matrix(QUERIES))


BAD_COUNTS = {
    "negative": -1,
    "a fraction": (2.5, _NO_ERROR),
    "text": ("3", _NO_ERROR),
    "None": (None, _NO_ERROR),
    "a boolean": (True, _NO_ERROR),
    "NaN": (float("nan"), _NO_ERROR),
}


@pytest.mark.parametrize("k", cases(BAD_COUNTS))
def test_contract_16_a_bad_k_is_a_value_error(index, index_class, k):
    with pytest.raises(ValueError, match="k must be" if is_ours(index_class) else r"\S"):
        index.query(QUERIES, k=k)


def test_contract_16_a_whole_float_is_a_k(index):
    assert index.query(QUERIES, k=3.0)[0].shape == (50, 3)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_contract_17_recall_at_the_default_effort_is_95_percent_and_grows_with_it(
    make_index, metric
):
    rows, queries = with_zero_rows(), gaussian(200, 5, seed=3) ** 2
    true = oracle.distances(queries, rows, metric)
    index = make_index(rows, metric, {}, 10, random_state=1)

    def at(epsilon):
        return oracle.recall(index.query(queries, k=10, epsilon=epsilon)[1], true, 10)

    recalls = [at(epsilon) for epsilon in (0, 0.1, 0.12, 0.24, 0.5)]
    assert recalls[1] >= 0.95
    assert recalls == sorted(recalls)


@pytest.mark.parametrize("epsilon", [-1, 0, np.float32(0.12), 7, np.inf])
def test_contract_17_any_effort_is_an_answer(index, epsilon):
    indices, _ = index.query(ROWS[:20], k=1, epsilon=epsilon)
    np.testing.assert_array_equal(indices[:, 0], np.arange(20))


@_NO_ERROR
@pytest.mark.parametrize("epsilon", [np.nan, "much", None])
def test_contract_17_an_effort_that_is_no_number_is_a_value_error(index, epsilon):
    with pytest.raises(ValueError, match="epsilon must be a number"):
        index.query(QUERIES, epsilon=epsilon)


@ours_only("not searched: one id k times")
@pytest.mark.parametrize("metric", ["cosine", "dot", "direct_cosine"])
def test_contract_18_a_zero_query_finds_distinct_rows_at_one(make_index, metric):
    indices, distances = make_index(ROWS, metric, n_neighbors=10).query(np.zeros((2, 6)), k=10)
    assert (distances == 1).all()
    assert all_distinct(indices)
    assert (indices >= 0).all()


def test_contract_19_the_indices_alone_are_those_of_the_pair(index):
    indices, _ = index.query(QUERIES, k=4, epsilon=0.2)
    alone = index.query(QUERIES, k=4, epsilon=0.2, return_distances=False)
    np.testing.assert_array_equal(alone, indices)
    np.testing.assert_array_equal(index.query_indices(QUERIES, 4, 0.2), indices)
    np.testing.assert_array_equal(index.query_indices(QUERIES, k=4, epsilon=0.2), indices)


def test_contract_19_pre_normalized_is_a_value_error_for_other_metrics(index):
    with pytest.raises(ValueError, match="pre_normalized"):
        index.query(QUERIES, pre_normalized=True)


@pytest.mark.parametrize(
    "metric",
    ["cosine", *(pytest.param(m, marks=ours_only("as cosine")) for m in ("dot", "direct_cosine"))],
)
def test_contract_19_pre_normalized_queries_by_cosine_find_the_same(index_class, metric):
    angular = index_class(ROWS, metric, n_neighbors=10, random_state=1)
    unit = QUERIES / np.linalg.norm(QUERIES, axis=1, keepdims=True)
    indices, distances = angular.query(unit, k=5)
    found = angular.query(unit, k=5, pre_normalized=True)
    np.testing.assert_array_equal(found[0], indices)
    np.testing.assert_allclose(found[1], distances, atol=1e-6)


def test_contract_19_the_widths_of_quantised_search_are_accepted(index):
    found = index.query(QUERIES, 5, 0.1, 4, 100, 50)
    np.testing.assert_array_equal(found[0], index.query(QUERIES, 5, 0.1)[0])


def test_contract_20_four_threads_get_what_one_gets(index):
    expected = [index.query(QUERIES[i % 50][None], k=5) for i in range(100)]
    wrong: list[object] = []

    def work():
        for i in range(100):
            found = index.query(QUERIES[i % 50][None], k=5)
            wrong.extend([] if same_bytes(found, expected[i]) else [i])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_query_of_ours_counts_as_one_call(calls):
    HnswIndexWrapper(ROWS, n_neighbors=15).query(QUERIES, k=5)
    assert calls() == {"build": 1, "query": 1}
