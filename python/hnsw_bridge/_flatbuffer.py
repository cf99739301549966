"""Flatbuffers, as far as Arrow's metadata needs them: tables, vectors, strings; little-endian.

    writing   make = table(scalar("i", 3), None, ref(string("rows")));  data = finished(make)
    reading   Table.root(data).scalar(0, "i", default)

A parent is written before its children, because offsets point forwards. Reading goes nowhere
outside the data: struct.error instead. What may not enter: Arrow (that is `_arrow`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Made = Callable[[bytearray], int]  # Writes itself at the end, and tells where it begins.


class Slot(NamedTuple):
    """A field of a table: a number, or something to point at."""

    format: str  # Of struct, its size being its alignment.
    value: Any


def scalar(format: str, value: int) -> Slot:
    return Slot(format, value)


def ref(made: Made) -> Slot:
    return Slot("I", made)


def table(*slots: Slot | None) -> Made:
    """A table; None is a field that has its default."""

    def write(out: bytearray) -> int:
        places, size = [], 4
        for slot in slots:
            if slot is None:
                places.append(0)
                continue
            width = struct.calcsize(slot.format)
            size += -size % width
            places.append(size)
            size += width
        layout = struct.pack(f"<HH{len(places)}H", 4 + 2 * len(places), size, *places)
        out += bytes(-(len(out) + len(layout)) % 8)
        out += layout
        start = len(out)
        out += struct.pack("<i", len(layout)) + bytes(size - 4)
        for slot, place in zip(slots, places, strict=True):
            if slot is not None:
                _fill(out, start + place, slot)
        return start

    return write


def vector(items: Sequence[Made]) -> Made:
    """A vector of tables."""

    def write(out: bytearray) -> int:
        out += bytes(-len(out) % 4)
        start = len(out)
        out += struct.pack("<I", len(items)) + bytes(4 * len(items))
        for number, item in enumerate(items):
            _fill(out, start + 4 + 4 * number, ref(item))
        return start

    return write


def pairs(numbers: Sequence[tuple[int, int]]) -> Made:
    """A vector of structs of two int64."""

    def write(out: bytearray) -> int:
        out += bytes((4 - len(out)) % 8)
        start = len(out)
        out += struct.pack("<I", len(numbers))
        for pair in numbers:
            out += struct.pack("<qq", *pair)
        return start

    return write


def string(text: str) -> Made:
    def write(out: bytearray) -> int:
        out += bytes(-len(out) % 4)
        start, data = len(out), text.encode()
        out += struct.pack("<I", len(data)) + data + b"\0"
        return start

    return write


def finished(root: Made) -> bytes:
    """All of it, padded to a multiple of 8 bytes."""
    out = bytearray(4)
    _fill(out, 0, ref(root))
    return bytes(out + bytes(-len(out) % 8))


def _fill(out: bytearray, place: int, slot: Slot) -> None:
    value = slot.value(out) - place if callable(slot.value) else slot.value
    struct.pack_into(f"<{slot.format}", out, place, value)


class Table:
    """A table to be read. Fields go by their number in the schema."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data, self._start = data, start

    @classmethod
    def root(cls, data: bytes) -> Table:
        return cls(data, _number("I", data, 0))

    def scalar(self, field: int, format: str, default: int = 0) -> int:
        place = self._place(field)
        return _number(format, self._data, place) if place else default

    def table(self, field: int) -> Table:
        return Table(self._data, self._target(field))

    def tables(self, field: int) -> list[Table]:
        places = self._items(field, 4)
        return [Table(self._data, place + _number("I", self._data, place)) for place in places]

    def pairs(self, field: int) -> list[tuple[int, int]]:
        read = struct.Struct("<qq").unpack_from
        return [(a, b) for a, b in (read(self._data, at) for at in self._items(field, 16))]

    def string(self, field: int) -> str:
        start = self._target(field)
        end = start + 4 + _number("I", self._data, start)
        return self._data[start + 4 : end].decode(errors="replace")

    def _items(self, field: int, width: int) -> range:
        if not self._place(field):
            return range(0)
        start = self._target(field)
        end = start + 4 + width * _number("I", self._data, start)
        if end > len(self._data):
            raise struct.error("a vector reaches over the end")
        return range(start + 4, end, width)

    def _target(self, field: int) -> int:
        place = self._place(field)
        if not place:
            raise struct.error(f"field {field} is missing")
        return place + _number("I", self._data, place)

    def _place(self, field: int) -> int:
        """Where the field is; 0 where it is not."""
        layout = self._start - _number("i", self._data, self._start)
        if layout < 0 or 4 + 2 * field >= _number("H", self._data, layout):
            return 0
        within = _number("H", self._data, layout + 4 + 2 * field)
        return self._start + within if within else 0


def _number(format: str, data: bytes, at: int) -> int:
    if at < 0:
        raise struct.error("an offset points before the beginning")
    number: int = struct.unpack_from(f"<{format}", data, at)[0]
    return number
