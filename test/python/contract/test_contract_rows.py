"""Contract checks 4 to 7: few rows, the caller's array, its forms, and threads."""

import warnings

import numpy as np
import pytest

from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper
from sides import is_ours, ours_only, same_bytes

ROWS = gaussian(60, 4)
_SHORT = "Failed to correctly find n_neighbors"


@pytest.mark.filterwarnings(f"ignore:{_SHORT}")
def test_contract_04_one_row_is_an_index(index_class):
    index = index_class(np.array([[1.0, 2.0]]), n_neighbors=1)
    indices, distances = index.neighbor_graph
    assert (indices.tolist(), distances.tolist()) == ([[0]], [[0.0]])
    assert index.query(np.array([[1.0, 3.0]]), k=1)[1].tolist() == [[1.0]]


@ours_only("silent for one row, against its own rule")
def test_contract_04_one_row_is_too_few_for_one_neighbour_besides_itself(index_class):
    with pytest.warns(UserWarning, match=_SHORT):
        index_class(np.array([[1.0, 2.0]]), n_neighbors=1)


def test_contract_04_fewer_rows_than_neighbours_are_padded_with_a_warning(index_class):
    with pytest.warns(UserWarning, match=_SHORT) as caught:
        index = index_class(ROWS[:4], n_neighbors=6)
    indices, distances = index.neighbor_graph
    assert indices.shape == distances.shape == (4, 6)
    assert (indices[:, 4:] == -1).all()
    assert np.isposinf(distances[:, 4:]).all()
    assert sorted(indices[2, :4]) == [0, 1, 2, 3]
    assert np.isfinite(distances[:, :4]).all()
    if is_ours(index_class):
        assert caught[0].filename == __file__


def test_contract_04_as_many_rows_as_neighbours_are_complete_with_a_warning(index_class):
    with pytest.warns(UserWarning, match=_SHORT):
        index = index_class(ROWS[:6], n_neighbors=6)
    indices, distances = index.neighbor_graph
    assert (np.sort(indices, axis=1) == np.arange(6)).all()
    assert np.isfinite(distances).all()


def test_contract_04_one_more_row_than_neighbours_warns_not(index_class):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", _SHORT)
        assert (index_class(ROWS[:7], n_neighbors=6).neighbor_graph[0] >= 0).all()


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_contract_05_the_callers_array_is_not_changed(index_class, metric):
    rows = ROWS.copy()
    index = index_class(rows, metric=metric, n_neighbors=5)
    index.prepare()
    index.query(ROWS, k=5)
    np.testing.assert_array_equal(rows, ROWS)


@ours_only("kept by reference until prepare upstream")
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_contract_05_changing_the_array_later_changes_nothing(index_class, metric):
    rows = ROWS.copy()
    index = index_class(rows, metric=metric, n_neighbors=5)
    before = index.query(ROWS, k=5)
    np.testing.assert_array_equal(index._raw_data, ROWS)
    rows[:] = 0
    assert same_bytes(before, index.query(ROWS, k=5))
    assert not np.shares_memory(rows, index._raw_data)


WHOLE = np.round(gaussian(80, 6) * 10).astype(np.float32)
_REFUSED = ours_only("upstream takes numpy arrays of numbers only")
FORMS = [
    pytest.param(WHOLE.astype(np.float64), id="float64"),
    pytest.param(WHOLE.astype(np.float16), id="float16"),
    pytest.param(WHOLE.astype(np.int64), id="int64"),
    pytest.param(WHOLE.astype(np.int8), id="int8"),
    pytest.param(WHOLE.astype(">f4"), id="big endian"),
    pytest.param(WHOLE.astype(object), id="objects"),
    pytest.param(WHOLE.tolist(), id="a list", marks=_REFUSED),
    pytest.param(np.asfortranarray(WHOLE), id="Fortran order"),
    pytest.param(np.repeat(np.repeat(WHOLE, 2, axis=0), 3, axis=1)[::2, ::3], id="strided"),
    pytest.param(WHOLE[::-1, ::-1].copy()[::-1, ::-1], id="reversed"),
    pytest.param(
        np.frombuffer(WHOLE.tobytes(), np.float32).reshape(WHOLE.shape),
        id="read-only",
        marks=ours_only("everything compiles once more for a read-only array"),
    ),
]


@pytest.mark.parametrize("form", FORMS)
def test_contract_06_every_form_of_the_rows_gives_the_same_bytes(index_class, form):
    expected = index_class(WHOLE, n_neighbors=8, random_state=1)
    index = index_class(form, n_neighbors=8, random_state=1)
    assert same_bytes(index.neighbor_graph, expected.neighbor_graph)
    assert same_bytes(index.query(form, k=5), expected.query(WHOLE, k=5))


def test_contract_06_booleans_are_zeros_and_ones(index_class):
    rows = ROWS > 0
    found = index_class(rows, n_neighbors=3, random_state=1).neighbor_graph
    again = index_class(rows.astype(np.float32), n_neighbors=3, random_state=1).neighbor_graph
    assert same_bytes(found, again)


@pytest.mark.parametrize(
    "n_jobs",
    [
        None,
        -1,
        1,
        2,
        pytest.param(10**6, marks=ours_only("at most the cores upstream")),
        np.int64(2),
    ],
)
def test_contract_07_any_number_of_jobs_gives_the_same_bytes(index_class, n_jobs):
    expected = index_class(ROWS, n_neighbors=5, random_state=3).neighbor_graph
    found = index_class(ROWS, n_neighbors=5, random_state=3, n_jobs=n_jobs).neighbor_graph
    assert same_bytes(found, expected)


@pytest.mark.parametrize("n_jobs", [0, pytest.param(True, marks=ours_only("taken as 1 upstream"))])
def test_contract_07_no_jobs_are_a_value_error(index_class, n_jobs):
    with pytest.raises(ValueError, match=r"n_jobs|threads"):
        index_class(ROWS, n_neighbors=5, n_jobs=n_jobs)


def test_contract_07_threads_beyond_the_cores_are_clamped_and_answer():
    index = HnswIndexWrapper(ROWS, n_neighbors=5, n_jobs=10**6)
    assert index.n_jobs == 10**6
    assert index.query(ROWS[:3], k=1)[0].tolist() == [[0], [1], [2]]
