"""The metadata messages of Arrow IPC streams that go over the wire: schemas and record batches.

    FF FF FF FF | length i32 | flatbuffer Message, padded | body

They are written and read here, by Arrow's own schema (Message.fbs, Schema.fbs), because all that is
needed of Arrow is these two messages, and pyarrow takes 30 MB and a tenth of a second to import;
tests hold them against pyarrow. What may not enter: values, and what is sent when.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from ._errors import ProtocolError
from ._flatbuffer import Made, Slot, Table, finished, pairs, ref, scalar, string, table, vector

_CONTINUATION = b"\xff\xff\xff\xff"
_PREFIX = 8
_V4, _V5 = 3, 4
_SCHEMA, _RECORD_BATCH = 1, 3
_INT, _FLOAT, _LIST, _STRUCT, _FIXED_SIZE_LIST = 2, 3, 12, 13, 16
_SINGLE, _DOUBLE = 1, 2
_ALIGNMENT = 8
_ITEM_BYTES = {"uint8": 1, "int32": 4, "float32": 4, "float64": 8, "uint64": 8}


class Type(NamedTuple):
    """One of Arrow's types: its number in the union, and its table."""

    kind: int
    slots: tuple[Slot | None, ...] = ()


UINT8 = Type(_INT, (scalar("i", 8),))
UINT32 = Type(_INT, (scalar("i", 32),))
INT32 = Type(_INT, (scalar("i", 32), scalar("b", 1)))
FLOAT32 = Type(_FLOAT, (scalar("h", _SINGLE),))
LIST = Type(_LIST)
STRUCT = Type(_STRUCT)


def fixed_size_list(size: int) -> Type:
    return Type(_FIXED_SIZE_LIST, (scalar("i", size),))


def field(name: str, type: Type, *children: Made) -> Made:
    """A field that is never null."""
    of_type = scalar("B", type.kind), ref(table(*type.slots))
    return table(ref(string(name)), None, *of_type, None, ref(vector(children)))


def schema_message(*fields: Made) -> bytes:
    return _message(_SCHEMA, table(None, ref(vector(fields))), 0)


def batch_message(count: int, nodes: Sequence[int], buffers: Sequence[int]) -> bytes:
    """A batch of `count` rows: lengths of its nodes, bytes of its buffers, one after another."""
    spans, end = [], 0
    for nbytes in buffers:
        spans.append((end, nbytes))
        end += padded(nbytes)
    lengths = pairs([(length, 0) for length in nodes])
    return _message(_RECORD_BATCH, table(scalar("q", count), ref(lengths), ref(pairs(spans))), end)


def padded(nbytes: int) -> int:
    return -(-nbytes // _ALIGNMENT) * _ALIGNMENT


def _message(kind: int, header: Made, body_bytes: int) -> bytes:
    fields = scalar("h", _V5), scalar("B", kind), ref(header), scalar("q", body_bytes)
    metadata = finished(table(*fields))
    return _CONTINUATION + struct.pack("<i", len(metadata)) + metadata


class Column(NamedTuple):
    """Numbers of a received batch: where they lie in its body."""

    dtype: str
    numbers: int
    width: int  # Of a list; 1 for plain numbers.
    offset: int


class Layout(NamedTuple):
    """The columns of a received batch by name, and the bytes of its body."""

    columns: dict[str, Column]
    body_bytes: int


def metadata_bytes(stream: bytes) -> int:
    """Bytes of the two messages at the beginning of a stream of one batch."""
    end = 0
    for _ in range(2):
        if stream[end : end + 4] != _CONTINUATION or len(stream) < end + _PREFIX:
            raise ProtocolError("the server sent a result that is not Arrow")
        end += _PREFIX + int.from_bytes(stream[end + 4 : end + _PREFIX], "little")
    return end


def layout_of(metadata: bytes) -> Layout:
    """Reads the two messages. Raises ProtocolError for what is not Arrow, or has other types."""
    try:
        split = _PREFIX + int.from_bytes(metadata[4:_PREFIX], "little")
        schema, _ = _opened(metadata[:split], _SCHEMA)
        batch, body_bytes = _opened(metadata[split:], _RECORD_BATCH)
        return Layout(_columns(schema, batch, body_bytes), body_bytes)
    except (struct.error, StopIteration, ValueError) as error:
        raise ProtocolError(f"the server sent a result that cannot be read: {error!r}") from None


def _opened(message: bytes, kind: int) -> tuple[Table, int]:
    root = Table.root(message[_PREFIX:])
    version, seen = root.scalar(0, "h"), root.scalar(1, "B")
    if version not in (_V4, _V5) or seen != kind:
        raise ProtocolError(f"the server sent Arrow message {seen} of version {version}")
    return root.table(2), root.scalar(3, "q")


def _columns(schema: Table, batch: Table, body_bytes: int) -> dict[str, Column]:
    nodes, buffers = iter(batch.pairs(1)), iter(batch.pairs(2))
    columns = {}
    for column in schema.tables(1):
        width, numbers = 1, column
        if column.scalar(2, "B") == _FIXED_SIZE_LIST:
            width = column.table(3).scalar(0, "i")
            (numbers,) = column.tables(5) or (column,)
            next(nodes), next(buffers)
        dtype = _dtype(numbers)
        (count, nulls), _, (offset, nbytes) = next(nodes), next(buffers), next(buffers)
        needed = count * _ITEM_BYTES[dtype]
        if nulls or count < 0 or width < 1 or count % width or nbytes < needed:
            raise ProtocolError(f"the server sent a column of {count} numbers and {nulls} nulls")
        if not 0 <= offset <= body_bytes - needed:
            raise ProtocolError("the server sent a column that reaches over its batch")
        columns[column.string(0)] = Column(dtype, count, width, offset)
    return columns


def _dtype(field: Table) -> str:
    kind = field.scalar(2, "B")
    if kind == _FLOAT:
        precisions = {_SINGLE: "float32", _DOUBLE: "float64"}
        if (precision := field.table(3).scalar(0, "h")) in precisions:
            return precisions[precision]
    if kind == _INT:
        of = field.table(3)
        known = {(8, 0): "uint8", (32, 1): "int32", (64, 0): "uint64"}
        if (form := (of.scalar(0, "i"), of.scalar(1, "b"))) in known:
            return known[form]
    raise ProtocolError(f"the server sent a column of Arrow type {kind}")
