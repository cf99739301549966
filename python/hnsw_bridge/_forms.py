"""The forms that rows come in, one class each: how input is taken, and how rows are changed.

    Dense    float32 (n, d)           numpy; without it memoryviews (`_memory.InMemory`)
    Bits     uint8 (n, bytes)         numpy; eight bits in each, for the bit metrics
    Sparse   float32 CSR (n, d)       scipy, imported when the first sparse matrix is seen

Rows in use are never written to: a change makes new ones, so that what is on its way to a server,
or shared with a copy of the index, stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from . import _arrays
from ._errors import InvalidArgument
from ._mapped import path_of
from ._matrix import as_bytes, as_float32, as_numbers, check_stored_shape, check_width, is_sparse
from ._narrow import NarrowRows, narrowed
from ._numpy import PRESENT, np

if TYPE_CHECKING:
    import numpy.typing as npt

Matrix: TypeAlias = Any  # An array of `_arrays`, or a scipy CSR matrix or array; all have `shape`.
Stored: TypeAlias = "Matrix | NarrowRows"  # A matrix, perhaps in fewer bytes; see `wide`.
Positions: TypeAlias = "npt.NDArray[np.int32]"


class Form(Protocol):
    """What an index does with its rows in one form."""

    name: str

    def stored(self, data: Any) -> Stored:
        """The rows of an index (n, d), which nobody can change: a copy, or a read-only file."""

    def kept(self, rows: Matrix) -> Stored:
        """`rows`, which nobody else has, in as few bytes as they need."""

    def given(self, data: Any, width: int, name: str) -> Matrix:
        """Rows (q, width) for a call on an index; may share the caller's memory."""

    def replaced(self, rows: Matrix, positions: Positions, replacing: Matrix) -> Matrix:
        """New rows, with `replacing` at `positions`; of a repeated position the last row stays."""

    def stacked(self, rows: Matrix, fresh: Matrix) -> Matrix:
        """New rows, with `fresh` at the end."""


class _InNumpy:
    _as_rows: Callable[..., Matrix]

    def stored(self, data: Any) -> Matrix:
        rows = self._as_rows(data, "data", copy=True)
        check_stored_shape(rows.shape)
        return rows

    def kept(self, rows: Matrix) -> Stored:
        return rows

    def given(self, data: Any, width: int, name: str) -> Matrix:
        rows = self._as_rows(data, name)
        check_width(rows.shape, width, name)
        return rows

    def replaced(self, rows: Matrix, positions: Positions, replacing: Matrix) -> Matrix:
        changed = rows.copy()
        last = _last_of_each(positions)
        changed[positions[last]] = replacing[last]
        return changed

    def stacked(self, rows: Matrix, fresh: Matrix) -> Matrix:
        return np.vstack([rows, fresh])


class Dense(_InNumpy):
    """float32 in C order."""

    name = "dense"
    _as_rows = staticmethod(as_float32)

    def stored(self, data: Any) -> Stored:
        array = as_numbers(data, "data")
        if path_of(array) is not None:
            check_stored_shape(array.shape)
            return array
        if array.ndim == 2 and array.size and array.dtype.kind != "O":
            narrow = narrowed(array)
            if narrow is not None:
                return narrow
        return super().stored(array)

    def kept(self, rows: Matrix) -> Stored:
        return narrowed(rows) or rows


class Bits(_InNumpy):
    """uint8 in C order, eight bits in each."""

    name = "bits"
    _as_rows = staticmethod(as_bytes)


class Sparse:
    """scipy CSR of float32, columns ascending in each row, each at most once."""

    name = "sparse"

    def stored(self, data: Any) -> Matrix:
        check_stored_shape(data.shape)
        return _csr(data, "data", copy=True)

    def kept(self, rows: Matrix) -> Stored:
        return rows

    def given(self, data: Any, width: int, name: str) -> Matrix:
        if not is_sparse(data):
            from scipy.sparse import csr_matrix

            dense = as_float32(data, name)
            check_width(dense.shape, width, name)
            return csr_matrix(dense)
        check_width(data.shape, width, name)
        return _csr(data, name, copy=False)

    def replaced(self, rows: Matrix, positions: Positions, replacing: Matrix) -> Matrix:
        source = np.arange(rows.shape[0], dtype=np.int64)
        last = _last_of_each(positions)
        source[positions[last]] = rows.shape[0] + last
        return self.stacked(rows, replacing)[source]

    def stacked(self, rows: Matrix, fresh: Matrix) -> Matrix:
        from scipy.sparse import vstack

        # Of a matrix and an array scipy makes an array; what the caller gave decides.
        return type(rows)(vstack([rows, fresh], format="csr", dtype=np.float32))


if PRESENT:
    DENSE: Form = Dense()
else:
    from ._memory import InMemory

    DENSE = InMemory()
BITS: Form = Bits()
SPARSE: Form = Sparse()
FORMS: dict[str, Form] = {form.name: form for form in (DENSE, BITS, SPARSE)}


def wide(stored: Stored) -> Matrix:
    """The rows as a matrix; themselves, if they are one."""
    return stored.wide() if isinstance(stored, NarrowRows) else stored


def none_of(stored: Stored) -> Matrix:
    """No rows, as wide as these."""
    return stored.wide(0, 0) if isinstance(stored, NarrowRows) else _without_rows(stored[:0])


def _without_rows(rows: Matrix) -> Matrix:
    return _arrays.copied(rows) if _arrays.is_array(rows) else rows.copy()


def _csr(data: Any, name: str, *, copy: bool) -> Matrix:
    if data.dtype.kind not in "biuf":
        raise InvalidArgument(f"{name} must hold real numbers, got dtype {data.dtype}")
    csr = data.tocsr()
    with np.errstate(over="ignore", invalid="ignore"):
        # Summing duplicates changes in place, so what may still be the caller's is copied for it.
        rows = csr.astype(np.float32, copy=copy or not csr.has_canonical_format)
    rows.sum_duplicates()
    return rows


def _last_of_each(positions: Positions) -> npt.NDArray[np.intp]:
    """Where the last mention of every distinct position is."""
    _, from_the_end = np.unique(positions[::-1], return_index=True)
    last: npt.NDArray[np.intp] = len(positions) - 1 - from_the_end
    return last
