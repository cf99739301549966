"""Matrix input: anything array-like becomes float32 rows in C order, or a ValueError says why not.

Finiteness is not looked at here: the engine checks every value while it stores it, so a second pass
over the data would only cost time.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._errors import DimensionMismatch, EmptyIndex, InvalidArgument

Rows: TypeAlias = npt.NDArray[np.float32]


def is_sparse(data: Any) -> bool:
    """Whether `data` is a scipy sparse matrix or array, told without importing scipy."""
    module = type(data).__module__
    return module.startswith("scipy.sparse") or (hasattr(data, "tocsr") and hasattr(data, "nnz"))


def stored_rows(data: Any) -> Rows:
    """The rows of an index: a float32 copy (n, d) that the caller's array does not share.

    Raises InvalidArgument (sparse, text, ragged, not 2-D, no columns) or EmptyIndex (no rows).
    """
    array = _numeric(data, "data")
    if array.ndim != 2:
        raise InvalidArgument(f"data must be a 2-D array, got shape {array.shape}")
    if array.shape[0] == 0:
        raise EmptyIndex(f"data must have at least 1 row, got shape {array.shape}")
    if array.shape[1] == 0:
        raise InvalidArgument(f"data must have at least 1 column, got shape {array.shape}")
    return _float32(array, "data", copy=True)


def rows_of_width(data: Any, width: int, name: str) -> Rows:
    """Rows (q, width) for a call on an index; a view of `data` where it already has the form."""
    array = _numeric(data, name)
    if array.ndim != 2 or array.shape[1] != width:
        message = f"{name} must be a 2-D array with {width} features, got shape {array.shape}"
        raise DimensionMismatch(message) if array.ndim == 2 else InvalidArgument(message)
    return _float32(array, name, copy=False)


def _numeric(data: Any, name: str) -> npt.NDArray[Any]:
    if data is None or is_sparse(data):
        kind = "None" if data is None else "a sparse matrix"
        raise InvalidArgument(f"{name} must be a dense 2-D array of numbers, got {kind}")
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise InvalidArgument(f"{name} must have rows of one length: {error}") from None
    if array.dtype.kind not in "biufO":
        raise InvalidArgument(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array


def _float32(array: npt.NDArray[Any], name: str, *, copy: bool) -> Rows:
    # A float64 beyond float32 turns into inf, which the engine refuses by row and column.
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            if copy:
                return np.array(array, dtype=np.float32, order="C")
            return np.ascontiguousarray(array, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"{name} must hold real numbers: {error}") from None
