"""Matrices without numpy: memoryviews of float32, int32 or bytes, with a shape, in C order.

A memoryview knows shape, `m[i, j]`, slices of whole rows and `tolist`, but cannot be made with 0 in
its shape: no rows are a slice of one row, no columns a plain empty view. What may not enter: numpy.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, TypeAlias

from ._errors import InvalidArgument
from ._matrix import Shape, check_stored_shape, check_width, is_sparse

View: TypeAlias = Any  # A memoryview, whose type says less than its format does.

# Formats of buffers that `array` reads, with the letter it has for them.
_LETTERS = {**{letter: letter for letter in "bBhHiIlLqQfd"}, "?": "B"}
_NATIVE = "@=<" if sys.byteorder == "little" else "@=>"


class InMemory:
    """Dense rows, as a memoryview of float32. One of the forms of `_forms`."""

    name = "dense"

    def stored(self, data: Any) -> View:
        numbers, shape = _taken(data, "data")
        check_stored_shape(shape)
        return _shaped(numbers, shape, "data")

    def kept(self, rows: View) -> View:
        return rows

    def given(self, data: Any, width: int, name: str) -> View:
        numbers, shape = _taken(data, name)
        check_width(shape, width, name)
        return _shaped(numbers, shape, name)

    def replaced(self, rows: View, positions: Any, replacing: View) -> View:
        changed = copied(rows)
        for i, position in enumerate(positions):  # In order: of a repeated one the last row stays.
            place(changed, position, replacing[i : i + 1])
        return changed

    def stacked(self, rows: View, fresh: View) -> View:
        count, width = rows.shape
        both = matrix(count + len(fresh), width, "f")
        place(both, 0, rows)
        place(both, count, fresh)
        return both


def _taken(data: Any, name: str) -> tuple[Iterable[float], tuple[int, ...]]:
    """The numbers one after another, and their shape; from a buffer, or a sequence of rows."""
    if data is None or is_sparse(data):
        kind = "None" if data is None else "a sparse matrix"
        raise InvalidArgument(f"{name} must be a dense 2-D array of numbers, got {kind}")
    try:
        buffer: View = memoryview(data)
    except TypeError:
        return _from_rows(data, name)
    return _from_buffer(buffer, name), buffer.shape


def _from_buffer(buffer: View, name: str) -> array[Any]:
    letter = _LETTERS.get(buffer.format.lstrip(_NATIVE))
    numbers = array(letter or "B")
    if letter is None or numbers.itemsize != buffer.itemsize:
        raise InvalidArgument(f"{name} must hold real numbers, got format {buffer.format!r}")
    numbers.frombytes(buffer.tobytes())
    return numbers


def _from_rows(data: Any, name: str) -> tuple[Iterable[float], tuple[int, ...]]:
    if not _has_length(data) or isinstance(data, str):
        raise InvalidArgument(f"{name} must hold real numbers, got {type(data).__name__}")
    rows = list(data)
    widths = {len(row) if _has_length(row) else -1 for row in rows}
    if widths <= {-1}:
        return rows, (len(rows),)
    if len(widths) > 1:
        raise InvalidArgument(f"{name} must have rows of one length, got {sorted(widths)}")
    (width,) = widths
    return chain.from_iterable(rows), (len(rows), width)


def _has_length(data: Any) -> bool:
    return hasattr(data, "__len__")


def _shaped(numbers: Iterable[float], shape: tuple[int, ...], name: str) -> View:
    """Memory of its own with these numbers, as float32; what is beyond that becomes inf."""
    try:
        floats = array("f", numbers)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgument(f"{name} must hold real numbers: {error}") from None
    return view(floats, "f", (shape[0], shape[1]))


def matrix(rows: int, columns: int, letter: str) -> View:
    """Zeros."""
    numbers = array(letter)
    if columns == 0:
        return memoryview(numbers)
    shape = max(rows, 1), columns
    made: View = memoryview(bytearray(shape[0] * columns * numbers.itemsize))
    return made.cast(letter, shape)[:rows]


def view(memory: Any, letter: str, shape: Shape, offset: int = 0) -> View:
    """The numbers that lie in `memory` from byte `offset` on."""
    count = shape[0] * shape[1]
    if not count:
        return matrix(*shape, letter)
    numbers = flat(memoryview(memory))[offset : offset + count * array(letter).itemsize]
    return numbers.cast(letter, shape)


def flat(rows: View) -> View:
    """The bytes of all rows."""
    return rows.cast("B") if rows.nbytes else memoryview(b"")


def copied(rows: View) -> View:
    """The same in memory of its own."""
    made = matrix(rows.shape[0], rows.shape[1] if rows.ndim == 2 else 0, rows.format)
    place(made, 0, rows)
    return made


def place(target: View, start: int, rows: View) -> None:
    """Copy `rows` over those of `target` from `start` on."""
    if rows.nbytes:
        at = start * (target.nbytes // len(target))
        flat(target)[at : at + rows.nbytes] = flat(rows)


def int64s(numbers: Sequence[int]) -> View:
    return memoryview(array("q", numbers))


def int32s(numbers: Sequence[int]) -> View:
    return memoryview(array("i", numbers))


def cap(distances: View, indices: View, most: float) -> None:
    """Lower to `most` every distance that has a neighbour."""
    lengths, ids = flat(distances).cast("f"), flat(indices).cast("i")
    for place_, distance in enumerate(lengths):
        if distance > most and ids[place_] >= 0:
            lengths[place_] = most
