"""The scan of a numba function: exact, in threads, and with errors that say what is wrong."""

import copy
import pickle
import threading
import warnings

import numba
import numpy as np
import pytest
import scipy.sparse as sp

import oracle
from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper, InvalidArgument, NonFinite
from hnsw_bridge._scan import Scan, check_finite

ROWS = gaussian(300, 6)
QUERIES = gaussian(40, 6, seed=5)


@numba.njit
def power_sum(x, y, p, w):
    return np.sum(w * np.abs(x - y) ** p) ** (1 / p)


@numba.njit
def first_column(x, y):
    """Many ties, NaN between the rows of two signs, infinity to rows above 1."""
    if x[0] * y[0] < 0:
        return np.nan
    return np.inf if y[0] > 1 else np.floor(abs(x[0] - y[0]) * 2)


@numba.njit
def city_of_entries(columns_x, x, columns_y, y, scale):
    total = 0.0
    for i in range(len(columns_x)):
        other = 0.0
        for j in range(len(columns_y)):
            if columns_y[j] == columns_x[i]:
                other = y[j]
        total += abs(x[i] - other)
    for j in range(len(columns_y)):
        if not np.any(columns_x == columns_y[j]):
            total += abs(y[j])
    return total * scale


@numba.njit
def raising(x, y):
    if x[0] != y[0]:
        raise ZeroDivisionError("the function's own")
    return 0.0


KWDS = {"p": 3.0, "w": np.arange(1, 7)}


@pytest.mark.parametrize("n_jobs", [1, 2, None])
def test_all_distances_are_looked_at_whatever_the_number_of_threads(n_jobs):
    index = HnswIndexWrapper(ROWS, power_sum, KWDS, n_neighbors=9, n_jobs=n_jobs)
    for queries, (indices, distances) in (
        (ROWS, index.neighbor_graph),
        (QUERIES, index.query(QUERIES, k=9)),
    ):
        true = oracle.distances(queries, ROWS, "minkowski", p=3, w=KWDS["w"])
        order, nearest = oracle.nearest(true, 9)
        np.testing.assert_array_equal(indices, order)
        np.testing.assert_allclose(distances, nearest, rtol=1e-5, atol=1e-6)


def test_ties_come_by_id_and_what_is_infinite_or_nan_is_no_neighbour():
    rows, queries = ROWS[:150], ROWS[150:170]
    expected = np.abs(queries[:, None, 0] - rows[None, :, 0])
    with np.errstate(invalid="ignore"):
        expected = np.floor(expected * 2)
    expected[(queries[:, None, 0] * rows[None, :, 0] < 0) | (rows[None, :, 0] > 1)] = np.inf
    indices, distances = HnswIndexWrapper(rows, first_column).query(queries, k=150)
    order, nearest = oracle.nearest(expected, 150)
    np.testing.assert_array_equal(distances, nearest)
    np.testing.assert_array_equal(indices, np.where(np.isinf(nearest), -1, order))


def test_sparse_rows_go_as_columns_and_values():
    data = sp.random(120, 50, 0.1, format="csc", random_state=1)
    index = HnswIndexWrapper(data, city_of_entries, {"scale": 2.0}, n_neighbors=7)
    true = 2 * oracle.distances(data.toarray(), data.toarray(), "manhattan")
    for indices, distances in (index.neighbor_graph, index.query(data.toarray(), k=7)):
        np.testing.assert_allclose(distances, np.take_along_axis(true, indices, 1), rtol=1e-5)
        assert oracle.recall(distances, true, 7) == 1
    index.update(data[:3].toarray() + 1, data[:2] * 3, [0, -1])
    assert index.query(data[:2] * 3, k=1)[0].ravel().tolist() == [0, 119]


def test_an_update_changes_rows_and_graph_and_a_bad_one_nothing():
    index = HnswIndexWrapper(ROWS, power_sum, KWDS, n_neighbors=4)
    before = index.neighbor_graph
    for wrong in (QUERIES * np.nan, QUERIES[:, :3]):
        with pytest.raises(ValueError, match=r"finite|features"):
            index.update(wrong)
    np.testing.assert_array_equal(index.neighbor_graph[0], before[0])
    index.update(QUERIES, QUERIES[:1], [7])
    assert index.neighbor_graph[0].shape == (340, 4)
    assert index.query(QUERIES[:1], k=2)[0].tolist() == [[7, 300]]


@pytest.mark.parametrize("duplicate", [lambda i: pickle.loads(pickle.dumps(i)), copy.deepcopy])
def test_a_copy_answers_equally(duplicate):
    index = HnswIndexWrapper(ROWS, power_sum, KWDS, n_neighbors=4)
    again = duplicate(index)
    for a, b in zip(index.query(QUERIES), again.query(QUERIES), strict=True):
        np.testing.assert_array_equal(a, b)


WRONG = {
    "of one row": numba.njit(lambda x: 0.0),
    "that gives text": numba.njit(lambda x, y: "text"),
    "that wants more": numba.njit(lambda x, y, z: 0.0),
}


@pytest.mark.parametrize("metric", WRONG.values(), ids=WRONG.keys())
def test_a_function_that_does_not_fit_is_refused_when_the_index_is_made(metric):
    with pytest.raises(InvalidArgument, match="must be a numba function of two rows"):
        HnswIndexWrapper(ROWS, metric)


def test_an_error_of_the_function_reaches_the_caller():
    index = HnswIndexWrapper(ROWS, raising, n_neighbors=4)
    with pytest.raises(ZeroDivisionError, match="the function's own"):
        index.query(QUERIES)


def test_progress_is_told_and_a_listener_that_raises_ends_the_scan():
    scan = Scan(power_sum, tuple(KWDS.values()), 2)
    told = []
    scan.query(ROWS, ROWS, 3, lambda *event: told.append(event))
    assert told == [("scan", i, 5) for i in range(1, 6)]

    def listener(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        scan.query(ROWS, ROWS, 3, listener)


def test_threads_of_the_caller_may_scan_at_once():
    index = HnswIndexWrapper(ROWS, power_sum, KWDS, n_neighbors=4)
    expected = index.query(QUERIES)[0]
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(index.query(QUERIES)[0])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for each in found:
        np.testing.assert_array_equal(each, expected)


def test_rows_that_are_not_finite_are_named():
    wrong = ROWS.copy()
    wrong[17, 2] = np.inf
    for rows in (wrong, sp.csr_matrix(wrong)):
        with pytest.raises(NonFinite, match="row 17"):
            check_finite(rows, "data")
        with pytest.raises(NonFinite, match="row 17"):
            HnswIndexWrapper(rows, power_sum, KWDS)
    check_finite(ROWS, "data")


def test_bits_and_angular_trees_are_the_functions_own():
    rows = np.random.RandomState(0).randint(0, 256, (50, 3))
    hamming = numba.njit(lambda x, y: np.sum(x != y))
    index = HnswIndexWrapper(rows, hamming, n_neighbors=4, bit_metric=True, angular_trees=True)
    assert index._raw_data.dtype == np.uint8
    assert index._angular_trees is True
    assert HnswIndexWrapper(ROWS, first_column)._angular_trees is False


UMAPS_OWN = {
    "ll_dirichlet": np.abs(gaussian(200, 4)).round() + 1,
    "ll_dirichlet of sparse rows": sp.csr_matrix(np.abs(gaussian(200, 9)).round()),
}


@pytest.mark.parametrize("name", UMAPS_OWN)
def test_metrics_that_only_umap_knows_reach_us_as_functions(name):
    from hnsw_bridge.umap import UMAP

    rows = UMAPS_OWN[name]
    model = UMAP(
        metric=name.split(" ")[0], n_neighbors=6, n_epochs=5, random_state=1, init="random",
        force_approximation_algorithm=True,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "gradient function is not yet implemented")
        model.fit(rows[:180])
    index = model._knn_search_index
    assert type(index) is HnswIndexWrapper
    assert callable(index.metric)
    assert model.transform(rows[180:]).shape == (20, 2)
    model.update(rows[180:]) if not sp.issparse(rows) else None
    again = pickle.loads(pickle.dumps(model))
    assert again.transform(rows[:9]).shape == (9, 2)
