"""Matrix input: anything array-like becomes rows in C order, or a ValueError says why not.

Finiteness is not looked at here: the engine checks every value while it stores it, so a second pass
over the data would only cost time. What rows of each form are is `_forms`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from ._errors import DimensionMismatch, EmptyIndex, InvalidArgument
from ._numpy import np

if TYPE_CHECKING:
    import numpy.typing as npt

Rows: TypeAlias = "npt.NDArray[Any]"  # 2-D, C order
Shape: TypeAlias = tuple[int, int]


def is_sparse(data: Any) -> bool:
    """Whether `data` is a scipy sparse matrix or array, told without importing scipy."""
    module = type(data).__module__
    return module.startswith("scipy.sparse") or (hasattr(data, "tocsr") and hasattr(data, "nnz"))


def as_float32(data: Any, name: str, *, copy: bool = False) -> Rows:
    """An array (n, d) of float32; a view of `data` where it has that form and no copy is wanted."""
    array = as_numbers(data, name)
    if array.dtype == np.float32:
        return _converted(array, np.float32, name, copy)
    # A float64 beyond float32 turns into inf, which the engine refuses by row and column.
    with np.errstate(over="ignore", invalid="ignore"):
        return _converted(array, np.float32, name, copy)


def as_bytes(data: Any, name: str, *, copy: bool = False) -> Rows:
    """An array (n, d) of uint8, each of eight packed bits; other whole numbers are converted."""
    array = as_numbers(data, name)
    if array.dtype != np.uint8:
        numbers = _converted(array, np.float64, name, False)
        if not np.array_equal(numbers, np.clip(np.rint(numbers), 0, 255)):
            raise InvalidArgument(f"{name} must hold packed bits: whole numbers from 0 to 255")
    return _converted(array, np.uint8, name, copy)


def check_stored_shape(shape: tuple[int, ...]) -> None:
    """The shape that rows of an index have: 2-D, at least one row and one column."""
    if len(shape) != 2:
        raise InvalidArgument(f"data must be a 2-D array, got shape {shape}")
    if shape[0] == 0:
        raise EmptyIndex(f"data must have at least 1 row, got shape {shape}")
    if shape[1] == 0:
        raise InvalidArgument(f"data must have at least 1 column, got shape {shape}")


def check_width(shape: tuple[int, ...], width: int, name: str) -> None:
    """The shape that rows for a call on an index have. The message is PyNNDescent's."""
    if len(shape) == 2 and shape[1] == width:
        return
    message = f"{name} must be a 2-D array with {width} features, got shape {shape}"
    raise DimensionMismatch(message) if len(shape) == 2 else InvalidArgument(message)


def as_numbers(data: Any, name: str) -> npt.NDArray[Any]:
    """An array of real numbers, or of objects that may be some; `data` itself where it is one."""
    if data is None or is_sparse(data):
        kind = "None" if data is None else "a sparse matrix"
        raise InvalidArgument(f"{name} must be a dense 2-D array of numbers, got {kind}")
    asarray = np.asarray  # A missing numpy is no fault of the rows.
    try:
        array = asarray(data)
    except ValueError as error:
        raise InvalidArgument(f"{name} must have rows of one length: {error}") from None
    if array.dtype.kind not in "biufO":
        raise InvalidArgument(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array


def _converted(array: npt.NDArray[Any], dtype: Any, name: str, copy: bool) -> Rows:
    try:
        if copy:
            return np.array(array, dtype=dtype, order="C")
        # Keeps 1-D and 0-D as they are, unlike ascontiguousarray: the shape is still to be checked.
        return np.asarray(array, dtype=dtype, order="C")
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"{name} must hold real numbers: {error}") from None
