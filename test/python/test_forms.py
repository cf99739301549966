"""Rows of each form: what is taken, what is copied, and how they change."""

import numpy as np
import pytest
import scipy.sparse as sp

from hnsw_bridge import InvalidArgument
from hnsw_bridge._changes import checked_changes
from hnsw_bridge._forms import BITS, DENSE, FORMS, SPARSE

DATA = np.array([[0, 1, 2], [3, 0, 0], [0, 0, 0], [5, 0, 7]], np.float32)
INPUTS = {
    "dense": {"float32": DATA, "strided": np.repeat(DATA, 2, axis=0)[::2], "list": DATA.tolist()},
    "bits": {"uint8": DATA.astype(np.uint8), "float": DATA, "list": DATA.astype(int).tolist()},
    "sparse": {
        name: getattr(sp, f"{name}_{kind}")(DATA.astype(dtype))
        for name in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
        for kind in ("matrix", "array")
        for dtype in ("float32", "float64", "int64")
    },
}
CASES = [(form, name) for form, inputs in INPUTS.items() for name in inputs]


def _as_numpy(rows):
    return rows.toarray() if sp.issparse(rows) else rows


@pytest.mark.parametrize(("form", "name"), CASES)
def test_every_kind_of_input_is_stored_as_a_copy(form, name):
    data = INPUTS[form][name]
    rows = FORMS[form].stored(data)
    np.testing.assert_array_equal(_as_numpy(rows), DATA)
    assert rows.dtype == (np.uint8 if form == "bits" else np.float32)
    if form == "sparse":
        assert rows.format == "csr"
        assert rows.has_canonical_format
    elif name != "list":
        assert rows.flags.c_contiguous
        assert not np.shares_memory(rows, data)


def test_a_csr_matrix_of_float32_is_copied_too():
    data = sp.csr_matrix(DATA)
    rows = SPARSE.stored(data)
    data.data[:] = 9
    np.testing.assert_array_equal(rows.toarray(), DATA)


def test_duplicate_entries_are_summed_without_touching_the_callers():
    data = sp.csr_matrix((np.ones(3, np.float32), [2, 0, 2], [0, 3]), (1, 3))
    for take in (SPARSE.stored, lambda rows: SPARSE.given(rows, 3, "xs")):
        assert take(data).toarray().tolist() == [[1, 0, 2]]
        assert data.indices.tolist() == [2, 0, 2]


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix, sp.csc_array])
def test_dense_and_sparse_rows_are_given_to_a_sparse_index(kind):
    rows = SPARSE.given(kind(DATA), 3, "query_data")
    assert sp.issparse(rows)
    np.testing.assert_array_equal(rows.toarray(), DATA)


REFUSED = {
    "sparse to dense": (DENSE, sp.csr_matrix(DATA), "dense 2-D array of numbers, got a sparse"),
    "sparse to bits": (BITS, sp.csr_matrix(DATA), "dense 2-D array of numbers, got a sparse"),
    "a fraction as bits": (BITS, DATA + 0.5, "whole numbers from 0 to 255"),
    "more than 255 as bits": (BITS, DATA + 255, "whole numbers from 0 to 255"),
    "below 0 as bits": (BITS, -DATA, "whole numbers from 0 to 255"),
    "nan as bits": (BITS, DATA * np.nan, "whole numbers from 0 to 255"),
    "complex and sparse": (SPARSE, sp.csr_matrix(DATA * 1j), "real numbers, got dtype complex"),
    "another width, sparse": (SPARSE, sp.csr_matrix(DATA[:, :2]), r"3 features, got shape \(4, 2"),
    "another width, bits": (BITS, DATA[:, :2], r"3 features, got shape \(4, 2"),
    "1-D to sparse": (SPARSE, DATA[0], r"3 features, got shape \(3,"),
    "text": (DENSE, [["a", "b", "c"]], "real numbers, got dtype"),
    "none to sparse": (SPARSE, None, "got None"),
}


@pytest.mark.parametrize(("form", "data", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_row_of_the_form_is_a_value_error(form, data, said):
    with pytest.raises(ValueError, match=said):
        form.given(data, 3, "xs")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_changes_replace_then_append_and_leave_the_old_rows(form):
    rows = form.stored(sp.csr_array(DATA) if form is SPARSE else DATA)
    updated, fresh = np.repeat([[8], [9], [10]], 3, axis=1), np.full((2, 3), 6)
    changes = checked_changes(fresh, updated, [1, -1, 1], form, rows.shape)
    changed = changes.applied_to(rows, form)
    expected = np.vstack([DATA, fresh])
    expected[1], expected[3] = 10, 9  # Of the repeated position the last row stays.
    np.testing.assert_array_equal(_as_numpy(changed), expected)
    np.testing.assert_array_equal(_as_numpy(rows), DATA)
    assert changed.dtype == rows.dtype
    assert type(changed) is type(rows)
    assert changes.positions.tolist() == [1, 3, 1]


@pytest.mark.parametrize(
    "asked", [(sp.csr_matrix(DATA), None, None), (None, sp.csr_matrix(DATA), range(4))]
)
def test_a_sparse_change_of_a_dense_index_is_a_value_error(asked):
    with pytest.raises(InvalidArgument, match="got a sparse matrix"):
        checked_changes(*asked, DENSE, (4, 3))
