"""Contract checks 5, 6, 11, 16, 24 to 27, 29, 30 and 36 for sparse rows."""

import pickle

import joblib
import numpy as np
import pytest
import scipy.sparse as sp

import hnsw_bridge
import oracle
from datasets import newsgroups
from golden import TABLE, cases, distances_to, entries, fitting_rows, names
from hnsw_bridge import HnswIndexWrapper
from sides import COMPILES, all_distinct, is_ours, ours_only, same_bytes

_RARE = ours_only(COMPILES)
ENTRIES = {f"{entry['name']}-{i}": entry for i, entry in enumerate(entries("sparse"))}
CASES = cases("sparse")
_NOT_FOR_SPARSE = set(TABLE["names"]["dense"]) - set(TABLE["names"]["sparse"])


def random_csr(n, d, seed=1, density=0.5):
    rows = sp.random(n, d, density, "csr", np.float32, random_state=np.random.RandomState(seed))
    rows.sort_indices()
    return rows


ROWS = random_csr(500, 30)
FRESH = random_csr(40, 30, seed=2)


def _index(index_class=HnswIndexWrapper, rows=ROWS, **kwds):
    return index_class(rows, **{"n_neighbors": 8, "random_state": 3, **kwds})


def _same_csr(left, right):
    return left.shape == right.shape and (left != right).nnz == 0


def test_contract_05_a_sparse_matrix_is_neither_changed_nor_kept():
    rows = ROWS.copy()
    index = _index(rows=rows, metric="cosine")
    expected = index.query(FRESH)
    assert _same_csr(rows, ROWS)
    rows.data[:] = 0
    assert same_bytes(expected, index.query(FRESH))


WHOLE = sp.csr_matrix(np.round(ROWS.toarray() * 10))
UNSORTED = sp.csr_matrix((WHOLE.data.copy(), WHOLE.indices.copy(), WHOLE.indptr), WHOLE.shape)
for _row in range(WHOLE.shape[0]):
    _part = slice(WHOLE.indptr[_row], WHOLE.indptr[_row + 1])
    UNSORTED.data[_part] = WHOLE.data[_part][::-1]
    UNSORTED.indices[_part] = WHOLE.indices[_part][::-1]
UNSORTED.has_sorted_indices = False
_HALVES = sp.coo_matrix(WHOLE)
DOUBLED = sp.coo_matrix(
    (np.tile(_HALVES.data / 2, 2), (np.tile(_HALVES.row, 2), np.tile(_HALVES.col, 2))), WHOLE.shape
)
WITH_ZEROS = sp.csr_matrix(
    (np.r_[WHOLE.data, 0, 0], np.r_[WHOLE.indices, 0, 1], np.r_[WHOLE.indptr[:-1], WHOLE.nnz + 2]),
    WHOLE.shape,
)
WITH_ZEROS.sum_duplicates()
FORMS = {
    "float64": WHOLE.astype(np.float64),
    "int32": WHOLE.astype(np.int32),
    "CSC": WHOLE.tocsc(),
    "COO": WHOLE.tocoo(),
    "LIL": WHOLE.tolil(),
    "BSR": WHOLE.tobsr((10, 5)),
    "an array": sp.csr_array(WHOLE),
    "unsorted": UNSORTED,
    "duplicates": DOUBLED,
    "explicit zeros": WITH_ZEROS,
}


@_RARE
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_contract_06_every_sparse_form_gives_the_same_bytes(index_class, form):
    expected = _index(index_class, WHOLE.astype(np.float32))
    index = _index(index_class, form)
    assert same_bytes(index.neighbor_graph, expected.neighbor_graph)
    assert same_bytes(index.query(form, k=5), expected.query(WHOLE, k=5))
    assert _same_csr(index._raw_data, expected._raw_data)


def test_contract_08_a_sparse_index_shows_its_rows_and_graph_as_pynndescent_does(index_class):
    index = _index(index_class)
    indices, distances = index.neighbor_graph
    assert index._is_sparse is True
    assert sp.isspmatrix_csr(index._raw_data)
    assert (index._raw_data.dtype, index._raw_data.shape, index.dim) == (np.float32, (500, 30), 30)
    assert indices.shape == distances.shape == (500, 8)
    assert (indices.dtype, distances.dtype) == (np.int32, np.float32)
    np.testing.assert_array_equal(indices[:, 0], np.arange(500))
    assert (distances[:, 0] == 0).all()
    assert all_distinct(indices)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_contract_11_sparse_graph_recall_is_at_least_85_percent(make_index, metric):
    rows = random_csr(1000, 50)
    index = make_index(rows, metric, n_neighbors=20, random_state=1)
    true = oracle.distances(rows.toarray(), rows.toarray(), metric)
    np.fill_diagonal(true, 0)
    least = 0.98 if make_index.side.startswith("ours") else 0.85
    assert oracle.recall(index.neighbor_graph[1], true, 20) >= least


@_RARE
@pytest.mark.parametrize("metric", ["cosine", "hellinger"])
@pytest.mark.parametrize("name", ["newsgroups_pcmac", "newsgroups_basehock"])
def test_contract_11_newsgroups_by_words_are_found_and_told_apart(make_index, name, metric):
    rows, labels = newsgroups(name)
    true = oracle.sparse_distances(rows, metric)
    np.fill_diagonal(true, -1)  # The row itself is first, whatever is as near.
    indices, distances = make_index(rows, metric, n_neighbors=16, random_state=1).neighbor_graph
    assert oracle.recall(distances[:, 1:], np.delete(np.sort(true, axis=1), 0, 1), 15) >= 0.98
    found = (labels[indices[:, 1]] == labels).mean()
    np.fill_diagonal(true, np.inf)
    assert abs(found - (labels[true.argmin(axis=1)] == labels).mean()) <= 0.005


def test_contract_12_sparse_queries_are_answered_in_any_form(index_class):
    index = _index(index_class)
    expected = index.query(FRESH, k=6)
    true = oracle.distances(FRESH.toarray(), ROWS.toarray())
    assert oracle.recall(expected[1], true, 6) >= (0.95 if is_ours(index_class) else 0.7)
    for form in (FRESH.toarray(), FRESH.tocsc(), FRESH.astype(np.float64)):
        assert same_bytes(index.query(form, k=6), expected)


@_RARE
def test_contract_13_sparse_answers_beyond_all_rows_are_padded(index_class):
    index = _index(index_class, ROWS[:10], n_neighbors=5)
    indices, distances = index.query(FRESH, k=14)
    assert (np.sort(indices[:, :10], axis=1) == np.arange(10)).all()
    assert (indices[:, 10:] == -1).all()
    assert np.isposinf(distances[:, 10:]).all()


def _poisoned(value):
    rows = FRESH.copy()
    rows.data[7] = value
    return rows


_ACCEPTED = ours_only("accepted upstream")
BAD_QUERIES = [
    pytest.param(FRESH[:, :20], id="too narrow", marks=_ACCEPTED),
    pytest.param(sp.hstack([FRESH, FRESH]).tocsr(), id="too wide", marks=_ACCEPTED),
    pytest.param(FRESH.toarray()[:, :20], id="dense, too narrow", marks=_ACCEPTED),
    pytest.param(FRESH.toarray()[0], id="one-dimensional"),
    pytest.param(FRESH.toarray()[None], id="three-dimensional"),
    pytest.param(_poisoned(np.nan), id="NaN"),
    pytest.param(_poisoned(np.inf), id="infinity"),
    pytest.param(None, id="None"),
]


@pytest.mark.parametrize("bad", BAD_QUERIES)
def test_contract_16_a_bad_query_of_sparse_rows_is_a_value_error(index_class, bad):
    index = _index(index_class)
    with pytest.raises(ValueError, match=r"\S") as caught:
        index.query(bad, k=3)
    if is_ours(index_class):
        assert caught.value.code.startswith("ERR_")
        assert index.query(ROWS[:1], k=1)[0].tolist() == [[0]]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_contract_16_sparse_rows_that_are_not_finite_are_a_value_error(index_class, value):
    with pytest.raises(ValueError, match=r"\S"):
        _index(index_class, _poisoned(value))


def test_contract_27_a_sparse_update_works_or_is_not_implemented(index_class):
    index = _index(index_class)
    try:
        index.update(FRESH)
    except NotImplementedError:
        assert not is_ours(index_class)
        return
    indices, distances = index.query(FRESH, k=1)
    np.testing.assert_array_equal(indices[:, 0], np.arange(500, 540))
    assert (distances == 0).all()
    assert _same_csr(index._raw_data, sp.vstack([ROWS, FRESH]).tocsr())


@pytest.mark.parametrize("prepared", [False, True])
def test_contract_27_sparse_rows_are_replaced_and_appended_in_one_call(prepared):
    index = _index()
    if prepared:
        index.prepare()
    index.update(FRESH[2:], FRESH[:2], [3, -1])
    assert index.query(FRESH[:3], k=1)[0].tolist() == [[3], [499], [500]]
    assert index.query(ROWS[3], k=1)[1] > 0
    expected = sp.vstack([ROWS, FRESH[2:]]).tolil()
    expected[[3, 499]] = FRESH[:2]
    assert _same_csr(index._raw_data, expected.tocsr())
    true = oracle.distances(expected.toarray(), expected.toarray())
    assert oracle.recall(index.neighbor_graph[1], true, 8) >= 0.99


@pytest.mark.parametrize(
    "bad",
    [
        {"xs_fresh": FRESH[:, :20]},
        {"xs_fresh": _poisoned(np.nan)},
        {"xs_fresh": FRESH[:0]},
        {"xs_updated": FRESH[:2], "updated_indices": [1]},
        {"xs_fresh": _poisoned(np.inf), "xs_updated": FRESH[:1], "updated_indices": [1]},
    ],
    ids=["too narrow", "NaN", "no rows", "unequal lengths", "good replaced, infinite appended"],
)
def test_contract_27_after_a_bad_sparse_update_nothing_has_changed(bad):
    index = _index()
    before = (*index.neighbor_graph, *index.query(FRESH))
    with pytest.raises(ValueError, match=r"\S"):
        index.update(**bad)
    assert same_bytes(before, (*index.neighbor_graph, *index.query(FRESH)))
    assert _same_csr(index._raw_data, ROWS)


@_RARE
def test_contract_29_the_same_seed_gives_the_same_sparse_bytes(make_index):
    rows = random_csr(2000, 40)
    answers = []
    for n_jobs in (1, 2):
        index = make_index(rows, n_neighbors=8, random_state=9, n_jobs=n_jobs)
        answers.append((*index.neighbor_graph, *index.query(random_csr(99, 40, seed=5), k=8)))
    assert same_bytes(*answers)


@pytest.mark.parametrize("metric", ["euclidean", pytest.param("cosine", marks=_RARE)])
def test_contract_30_a_sparse_index_pickles(index_class, metric):
    index = _index(index_class, metric=metric)
    expected = index.query(FRESH)
    again = pickle.loads(pickle.dumps(index))
    assert same_bytes(expected, again.query(FRESH))
    assert same_bytes(index.neighbor_graph, again.neighbor_graph)


def test_contract_30_a_sparse_joblib_file_answers_in_a_fresh_process(tmp_path, run_program):
    index = _index(metric="correlation")
    joblib.dump(index, tmp_path / "index.joblib")
    np.save(tmp_path / "queries.npy", FRESH.toarray())
    run_program("load_and_query.py", str(tmp_path))
    with np.load(tmp_path / "found.npz") as found:
        expected = (*index.query(FRESH, k=6), *index.neighbor_graph)
        assert same_bytes(expected, [found[name] for name in ("i", "d", "gi", "gd")])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.filterwarnings("ignore:Failed to correctly find")
def test_contract_36_golden_values_of_sparse_rows(case):
    x, y = (
        sp.csr_matrix(np.array(rows, np.float32))
        for rows in zip(*[p[1:3] for p in case.valued], strict=True)
    )
    index = HnswIndexWrapper(y, case.metric, case.kwds, 1)
    found = distances_to(index, x, y.shape[0]).diagonal()
    expected = [pair.expected for pair in case.valued]
    labels = [pair.label for pair in case.valued]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=labels)


@pytest.mark.parametrize("algorithm", ["exact", "hnsw"])
@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES.keys())
def test_contract_36_sparse_rows_are_at_the_distances_of_dense_ones(entry, algorithm):
    kwds, width = entry["random_params"], fitting_rows(entry).shape[1]
    rows = random_csr(120, width, seed=4, density=0.6)
    rows = sp.csr_matrix(rows[np.diff(rows.indptr) > 0])
    count = rows.shape[0]
    for name in names(entry, "sparse"):
        with hnsw_bridge.options(algorithm=algorithm):
            sparse, dense = (
                HnswIndexWrapper(each, name, kwds, 10) for each in (rows, rows.toarray())
            )
        found, expected = (distances_to(index, rows.toarray(), count) for index in (sparse, dense))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=name)
        graphs = [np.sort(index.neighbor_graph[1], axis=1) for index in (sparse, dense)]
        np.testing.assert_allclose(*graphs, rtol=1e-5, atol=1e-5, err_msg=name)


def test_contract_36_all_names_for_sparse_rows_are_covered():
    covered = {name for entry in entries("sparse") for name in names(entry, "sparse")}
    assert set(TABLE["names"]["sparse"]) == covered
    assert len(covered) == 35


def test_contract_36_a_million_columns_are_no_matter():
    rng = np.random.RandomState(1)
    columns = rng.randint(0, 2000, (300, 20)) * 500  # Rows have columns in common.
    rows = sp.coo_matrix(
        (rng.rand(6000).astype(np.float32) + 0.1, (np.repeat(np.arange(300), 20), columns.ravel())),
        (300, 10**6),
    ).tocsr()
    index = HnswIndexWrapper(rows, "cosine", n_neighbors=5, random_state=1)
    narrow = rows[:, np.unique(rows.indices)].toarray()
    true = oracle.distances(narrow, narrow, "cosine")
    np.fill_diagonal(true, 0)
    np.testing.assert_allclose(
        index.neighbor_graph[1], np.sort(true, axis=1)[:, :5], rtol=1e-5, atol=1e-5
    )
    assert index.query(rows[7], k=1)[0].tolist() == [[7]]


def test_contract_36_sparse_rows_take_at_most_one_and_a_half_times_their_csr():
    rows = random_csr(2000, 5000, density=0.01)
    stats = HnswIndexWrapper(rows, "cosine", n_neighbors=5).stats()
    assert stats["rows_bytes"] <= 1.5 * (
        rows.data.nbytes + rows.indices.nbytes + rows.indptr.nbytes
    )


UNSUPPORTED = [
    pytest.param(name, marks=ours_only("a TypeError upstream") if name.startswith("bit") else ())
    for name in sorted(_NOT_FOR_SPARSE - set(TABLE["rejected"]))
]


@pytest.mark.parametrize("metric", UNSUPPORTED)
def test_contract_37_a_metric_not_for_sparse_rows_is_a_value_error_naming_it(index_class, metric):
    with pytest.raises(ValueError, match=rf"{metric}.* not supported for sparse data"):
        _index(index_class, metric=metric)


@ours_only("padded upstream")
def test_rows_of_nothing_are_rows(make_index):
    rows = sp.vstack([ROWS[:50], sp.csr_matrix((3, 30), dtype=np.float32)]).tocsr()
    index = make_index(rows, n_neighbors=4)
    indices, distances = index.neighbor_graph
    assert np.isfinite(distances).all()
    assert (distances[50:, 1:3] == 0).all()
    assert all_distinct(indices)
    assert index.query(np.zeros((1, 30)), k=3)[0].tolist() == [[50, 51, 52]]
