"""Frames: JSON headers, and Arrow IPC parts around the memory of arrays.

A message is a header frame and then the parts of one Arrow IPC stream, each a frame of its own:

    header | schema message | record-batch metadata | body (the rows' own memory) | padding

Nothing here copies row data on the way out. Metadata depends on shapes alone and is made, or read,
once for each (see `_arrow`). What may not enter: sockets, and what an operation means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from . import _arrays, _arrow
from ._errors import ProtocolError
from ._matrix import Rows
from ._numpy import np

if TYPE_CHECKING:
    import numpy.typing as npt

PROTOCOL_RANGE = (1, 1)
Frame: TypeAlias = "bytes | memoryview"
Header: TypeAlias = dict[str, Any]

_ARROW_TYPES = {"int32": _arrow.INT32, "float32": _arrow.FLOAT32, "uint8": _arrow.UINT8}
_from_json = json.JSONDecoder().decode
_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Hits(NamedTuple):
    """Neighbours, ascending by distance: int32 indices and float32 distances, both (rows, k)."""

    indices: npt.NDArray[np.int32]
    distances: npt.NDArray[np.float32]

    @classmethod
    def empty(cls, rows: int, k: int) -> Hits:
        """Memory for them, to be filled."""
        return cls(_arrays.empty(rows, k, "int32"), _arrays.empty(rows, k, "float32"))


def encode_header(header: Header) -> bytes:
    return _to_json(header).encode()


def decode_header(frame: Frame) -> Header:
    try:
        header = _from_json(str(frame, "utf-8"))
    except ValueError as error:
        raise ProtocolError(f"the server sent a header that is not JSON: {error}") from None
    if not isinstance(header, dict) or not isinstance(header.get("type"), str):
        raise ProtocolError("the server sent a header without a type")
    return header


def encode_rows(rows: Rows) -> list[Frame]:
    """The Arrow frames of one batch: `rows` (count, dim) itself is the body frame."""
    body = _arrays.flat(rows)
    frames: list[Frame] = [*_rows_preamble(*rows.shape, _arrays.dtype_name(rows)), body]
    padding = _arrow.padded(body.nbytes) - body.nbytes
    return [*frames, bytes(padding)] if padding else frames


@lru_cache(maxsize=16)
def _rows_preamble(count: int, dim: int, dtype: str) -> tuple[bytes, bytes]:
    """Schema and metadata messages."""
    items = count * dim
    item = _arrow.field("item", _ARROW_TYPES[dtype])
    rows = _arrow.field("rows", _arrow.fixed_size_list(dim), item)
    nbytes = items * _arrays.ITEM_BYTES[dtype]
    return _arrow.schema_message(rows), _arrow.batch_message(count, (count, items), (0, 0, nbytes))


def encode_sparse(
    offsets: npt.NDArray[np.int32], columns: npt.NDArray[np.uint32], values: Rows, frame_bytes: int
) -> list[Frame]:
    """The Arrow frames of one batch of CSR rows, `offsets` (count + 1) beginning with 0.

    The body is cut at its buffers, and so that no frame is larger than `frame_bytes`.
    """
    count, entries = len(offsets) - 1, len(columns)
    buffers = (offsets, columns, values)
    lengths = [part.nbytes for part in buffers]
    metadata = _arrow.batch_message(
        count, (count, entries, entries, entries), (0, lengths[0], 0, 0, lengths[1], 0, lengths[2])
    )
    body = [frame for part in buffers for frame in _cut(part, frame_bytes)]
    return [_sparse_schema(), metadata, *body]


def _cut(numbers: npt.NDArray[Any], frame_bytes: int) -> Iterator[Frame]:
    """The bytes of a buffer in frames, and its padding."""
    memory = np.ascontiguousarray(numbers).view(np.uint8).data
    for start in range(0, len(memory), frame_bytes):
        yield memory[start : start + frame_bytes]
    if padding := _arrow.padded(len(memory)) - len(memory):
        yield bytes(padding)


@lru_cache(maxsize=1)
def _sparse_schema() -> bytes:
    index = _arrow.field("index", _arrow.UINT32)
    value = _arrow.field("value", _arrow.FLOAT32)
    entry = _arrow.field("item", _arrow.STRUCT, index, value)
    return _arrow.schema_message(_arrow.field("rows", _arrow.LIST, entry))


def decode_hits(frames: Sequence[Frame]) -> Hits:
    """The two columns of a result batch, as views (count, k) of the received memory."""
    indices, distances = _columns(frames, indices="int32", distances="float32")
    return Hits(indices, distances)


def decode_bare_hits(frames: Sequence[Frame], count: int, k: int) -> Hits:
    """A result without metadata, `count` times `k` indices and then as many distances, as views."""
    body = frames[0] if len(frames) == 1 else b"".join(frames)
    numbers = count * k
    if len(body) != 8 * numbers:
        raise ProtocolError(f"the server sent {len(body)} bytes for {count} x {k} neighbours")
    indices = _arrays.view(body, "int32", (count, k), 0)
    return Hits(indices, _arrays.view(body, "float32", (count, k), 4 * numbers))


def decode_bytes(frames: Sequence[Frame]) -> memoryview:
    """The column of a batch of bytes, as a view of the received memory."""
    (column,) = _columns(frames, bytes="uint8")
    return _arrays.flat(column)


def decode_columns(frames: Sequence[Frame], dtypes: dict[str, str]) -> list[npt.NDArray[Any]]:
    """The columns of these names and types of plain numbers, as views of the received memory."""
    return [column.reshape(-1) for column in _columns(frames, **dtypes)]


_layout_of = lru_cache(maxsize=64)(_arrow.layout_of)


def _columns(frames: Sequence[Frame], **dtypes: str) -> list[_arrays.Array]:
    """The columns of these names and types, as matrices."""
    stream = b"".join(frames)
    start = _arrow.metadata_bytes(stream)
    layout = _layout_of(stream[:start])
    if len(stream) < start + layout.body_bytes:
        raise ProtocolError(f"the server sent {len(stream)} bytes of a result that has more")
    return [_matrix(stream, start, layout.columns.get(name), dtypes[name]) for name in dtypes]


def _matrix(stream: bytes, start: int, column: _arrow.Column | None, dtype: str) -> _arrays.Array:
    if column is None or column.dtype != dtype:
        raise ProtocolError(f"the server sent {column} where a column of {dtype} belongs")
    shape = column.numbers // column.width, column.width
    return _arrays.view(stream, dtype, shape, start + column.offset)
