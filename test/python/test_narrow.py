"""Rows of whole numbers are kept in a byte each, and nobody can tell."""

import gc
import pickle
import weakref

import numpy as np
import pytest

from hnsw_bridge import HnswIndexWrapper
from hnsw_bridge._forms import DENSE, wide
from hnsw_bridge._narrow import NarrowRows, narrowed

IMAGES = np.random.default_rng(5).integers(0, 256, (3000, 100)).astype(np.float32)


def _index(rows):
    return HnswIndexWrapper(rows, n_neighbors=5, random_state=3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int64, np.uint16])
def test_whole_numbers_of_any_type_are_kept_in_bytes(dtype):
    given = IMAGES.astype(dtype)
    stored = DENSE.stored(given)
    assert isinstance(stored, NarrowRows)
    given[:] = 0
    assert wide(stored).dtype == np.float32
    np.testing.assert_array_equal(wide(stored), IMAGES)
    np.testing.assert_array_equal(stored.wide(7, 9), IMAGES[7:9])


@pytest.mark.parametrize("value", [0.5, -1, 256, 1e30, -0.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 2999])
def test_one_value_that_no_byte_holds_keeps_all_rows_wide(value, row):
    rows = IMAGES.copy()
    rows[row, 99] = value
    stored = DENSE.stored(rows)
    assert isinstance(stored, np.ndarray)
    assert not np.shares_memory(stored, rows)
    assert stored.tobytes() == rows.tobytes()


@pytest.mark.parametrize("order", ["transposed", "every other", "Fortran"])
def test_rows_in_any_order_of_memory_are_kept_in_bytes(order):
    given = {
        "transposed": np.ascontiguousarray(IMAGES.T).T,
        "every other": np.repeat(IMAGES, 2, axis=0)[::2],
        "Fortran": np.asfortranarray(IMAGES),
    }[order]
    np.testing.assert_array_equal(wide(DENSE.stored(given)), IMAGES)


def test_few_rows_are_kept_as_they_are():
    assert narrowed(IMAGES[:100]) is None


def test_answers_are_those_of_rows_that_are_kept_wide():
    narrow, plain = _index(IMAGES), _index(IMAGES)
    plain._raw_data = IMAGES.copy()
    for ours, theirs in zip(narrow.neighbor_graph, plain.neighbor_graph, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for index in (narrow, plain):
        index._remote_index.close()  # The next call sends the rows again.
    queries = IMAGES[:50] + 0.5
    for ours, theirs in zip(narrow.query(queries), plain.query(queries), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_raw_data_are_one_array_that_may_be_written_to_replaced_and_taken_off():
    index = _index(IMAGES)
    rows = index._raw_data
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, IMAGES)
    rows[0, 0] = 0.5
    assert index._raw_data is rows
    del index._raw_data
    assert not hasattr(index, "_raw_data")
    index._raw_data = rows
    assert index._raw_data is rows


def test_pickles_and_updates_keep_values():
    index = pickle.loads(pickle.dumps(_index(IMAGES)))
    assert isinstance(index._stored(), NarrowRows)
    index.update(xs_updated=IMAGES[5:6], updated_indices=[2])
    assert isinstance(index._stored(), NarrowRows)
    expected = IMAGES.copy()
    expected[2] = IMAGES[5]
    np.testing.assert_array_equal(index._raw_data, expected)
    index = _index(IMAGES)
    index.update(xs_fresh=IMAGES[:1] + 0.5)
    np.testing.assert_array_equal(index._raw_data, np.vstack([IMAGES, IMAGES[:1] + 0.5]))


def test_rows_that_are_not_finite_are_refused_as_ever():
    rows = IMAGES.copy()
    rows[2999, 3] = np.nan
    with pytest.raises(ValueError, match="row 2999"):
        _index(rows)


def test_a_closed_index_holds_no_rows():
    index = _index(IMAGES)
    held = weakref.ref(index._stored())
    index.close()
    gc.collect()
    assert held() is None
    assert index._raw_data.shape == (0, 100)
