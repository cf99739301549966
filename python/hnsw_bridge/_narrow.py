"""Rows of whole numbers from 0 to 255, kept in a byte each where an index would keep float32.

Images and counts are such rows. The bytes stand for the very float32 values, signs of zeros
included, so nothing is lost; whoever needs values gets them widened. What may not enter: bits,
which are bytes by nature (`_forms.Bits`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._matrix import Rows, Shape
from ._numpy import np

if TYPE_CHECKING:
    import numpy.typing as npt

_LEAST_BYTES = 1 << 20  # Of float32 rows; of fewer it is not worth the look.
_BLOCK_BYTES = 1 << 19  # A block, its bytes and their values again stay in a core's cache.


class NarrowRows:
    """Rows (n, d) in bytes."""

    def __init__(self, narrow: npt.NDArray[np.uint8]) -> None:
        self._narrow = narrow
        self.shape: Shape = narrow.shape

    def wide(self, start: int = 0, stop: int | None = None) -> Rows:
        """The float32 values of rows `start` to `stop`, in memory of their own."""
        return self._narrow[start:stop].astype(np.float32)


def narrowed(array: npt.NDArray[Any]) -> NarrowRows | None:
    """A copy of 2-D `array` in bytes, or None where these would not hold its values as float32.

    Looks at the rows block by block and ends at the first that does not fit: O(1) for most rows.
    """
    n, dim = array.shape
    if 4 * n * dim < _LEAST_BYTES:
        return None
    narrow = np.empty(array.shape, np.uint8)
    step = max(1, _BLOCK_BYTES // (4 * dim))
    with np.errstate(invalid="ignore", over="ignore"):
        for start in range(0, n, step):
            block = np.asarray(array[start : start + step], np.float32, order="C")
            bytes_of_it = narrow[start : start + step]
            np.copyto(bytes_of_it, block, casting="unsafe")
            # By bits: a negative zero is no zero.
            again = bytes_of_it.astype(np.float32)
            if not np.array_equal(again.view(np.int32), block.view(np.int32)):
                return None
    return NarrowRows(narrow)
