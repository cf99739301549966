"""Arrays as results, ids and received bytes are kept: numpy's, or memoryviews where it is missing.

    with numpy       ndarray (n, d), C order
    without          memoryview (n, d) of "f", "i" or "B", C order: `m[i, j]`, `m.tolist()`

Here is what both kinds can do, so that whoever handles them need not ask which they are. What may
not enter: what callers hand over as rows (`_matrix`, `_memory`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeAlias

from ._matrix import Shape
from ._numpy import PRESENT, np

if not PRESENT:
    from . import _memory

Array: TypeAlias = Any  # A numpy array or a memoryview.

_NAMES = {"f": "float32", "i": "int32", "B": "uint8"}
_FORMATS = {name: letter for letter, name in _NAMES.items()}
ITEM_BYTES = {"float32": 4, "int32": 4, "uint8": 1}


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray if PRESENT else memoryview)


def empty(rows: int, columns: int, dtype: str) -> Array:
    """Memory of its own, to be filled."""
    if PRESENT:
        return np.empty((rows, columns), dtype)
    return _memory.matrix(rows, columns, _FORMATS[dtype])


def copied(array: Array) -> Array:
    return array.copy() if PRESENT else _memory.copied(array)


def view(memory: Any, dtype: str, shape: Shape, offset: int = 0) -> Array:
    """The numbers that lie in `memory` from byte `offset` on."""
    if PRESENT:
        return np.frombuffer(memory, dtype, shape[0] * shape[1], offset).reshape(shape)
    return _memory.view(memory, _FORMATS[dtype], shape, offset)


def flat(array: Array) -> memoryview:
    """The bytes of an array in C order, without a copy."""
    flattened: memoryview = (
        array.reshape(-1).view(np.uint8).data if PRESENT else _memory.flat(array)
    )
    return flattened


def dtype_name(array: Array) -> str:
    return _name_of(array.dtype) if PRESENT else _NAMES[array.format]


@cache
def _name_of(dtype: Any) -> str:
    """numpy puts a name together anew each time."""
    return str(dtype.name)


def place(target: Array, start: int, rows: Array) -> None:
    """Copy `rows` over those of `target` from `start` on."""
    if PRESENT:
        target[start : start + len(rows)] = rows
    else:
        _memory.place(target, start, rows)


def raveled(array: Array, dtype: str) -> Array:
    """All numbers in one row, as `dtype`."""
    if PRESENT:
        return np.ascontiguousarray(array, dtype).ravel()
    return _memory.flat(array).cast(_FORMATS[dtype])


def int64s(numbers: Sequence[int]) -> Array:
    """Raises OverflowError for a number that needs more."""
    return np.array(numbers, dtype=np.int64) if PRESENT else _memory.int64s(numbers)


def outside(positions: Array, n: int) -> int | None:
    """The first that counts neither from the start nor from the end of `n` rows."""
    if PRESENT:
        wrong = positions[(positions < -n) | (positions >= n)]
        return int(wrong[0]) if len(wrong) else None
    return next((int(i) for i in positions if not -n <= i < n), None)


def from_the_start(positions: Array, n: int) -> Array:
    """int32 positions, with those that count from the end turned round."""
    if PRESENT:
        return (positions % n).astype(np.int32)
    return _memory.int32s([i % n for i in positions])


def cap(distances: Array, indices: Array, most: float) -> None:
    """Lower to `most` every distance that has a neighbour."""
    if PRESENT:
        np.minimum(distances, most, out=distances, where=indices >= 0)
    else:
        _memory.cap(distances, indices, most)
