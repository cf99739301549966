"""Frames: JSON headers, and Arrow IPC parts around numpy memory.

A message is a header frame and then the parts of one Arrow IPC stream, each a frame of its own:

    header | schema message | record-batch metadata | body (the numpy memory itself) | padding

Nothing here copies row data on the way out. pyarrow is imported while the server starts, not
with the package. What may not enter: sockets, and what an operation means.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ._errors import ProtocolError
from ._matrix import Rows

PROTOCOL_RANGE = (1, 1)
Frame: TypeAlias = "bytes | memoryview"
Header: TypeAlias = dict[str, Any]

_ARROW_NAMES = {np.int32: "int32", np.float32: "float", np.uint8: "uint8"}
_ALIGNMENT = 8  # Arrow pads every buffer of a body to this many bytes.


class Hits(NamedTuple):
    """Neighbours, ascending by distance: int32 indices and float32 distances, both (rows, k)."""

    indices: npt.NDArray[np.int32]
    distances: npt.NDArray[np.float32]


def encode_header(header: Header) -> bytes:
    return json.dumps(header, separators=(",", ":"), allow_nan=False).encode()


def decode_header(frame: Frame) -> Header:
    try:
        header = json.loads(bytes(frame))
    except ValueError as error:
        raise ProtocolError(f"the server sent a header that is not JSON: {error}") from None
    if not isinstance(header, dict) or not isinstance(header.get("type"), str):
        raise ProtocolError("the server sent a header without a type")
    return header


def encode_rows(rows: Rows) -> list[Frame]:
    """The Arrow frames of one batch: `rows` (count, dim) itself is the body frame."""
    body = rows.reshape(-1).view(np.uint8)
    frames: list[Frame] = [*_rows_preamble(*rows.shape, rows.dtype.name), body.data]
    padding = -body.nbytes % _ALIGNMENT
    return [*frames, bytes(padding)] if padding else frames


@lru_cache(maxsize=16)
def _rows_preamble(count: int, dim: int, dtype: str) -> tuple[bytes, bytes]:
    """Schema and metadata messages: they depend on the shape only, so zeros are serialised."""
    import pyarrow as pa

    kind = getattr(pa, dtype)()
    values = pa.py_buffer(np.zeros(count * dim, dtype))
    child = pa.Array.from_buffers(kind, count * dim, [None, values])
    field = pa.field("rows", pa.list_(pa.field("item", kind, nullable=False), dim), False)
    column = pa.Array.from_buffers(field.type, count, [None], children=[child])
    batch = pa.record_batch([column], schema=pa.schema([field]))
    message = batch.serialize()
    return _schema_message(batch), message[: _metadata_end(message)].to_pybytes()


def encode_sparse(
    offsets: npt.NDArray[np.int32], columns: npt.NDArray[np.uint32], values: Rows, frame_bytes: int
) -> list[Frame]:
    """The Arrow frames of one batch of CSR rows, `offsets` (count + 1) beginning with 0.

    The body is cut at its buffers, and so that no frame is larger than `frame_bytes`. Its metadata
    depends on the number of entries, so the batch is serialised as a whole: the one copy here.
    """
    import pyarrow as pa

    def array(kind: Any, numbers: npt.NDArray[Any]) -> Any:
        return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])

    fields = [pa.field("index", pa.uint32(), False), pa.field("value", pa.float32(), False)]
    children = [array(pa.uint32(), columns), array(pa.float32(), values)]
    entries = pa.Array.from_buffers(pa.struct(fields), len(columns), [None], children=children)
    field = pa.field("rows", pa.list_(pa.field("item", entries.type, nullable=False)), False)
    buffers = [None, pa.py_buffer(offsets)]
    column = pa.Array.from_buffers(field.type, len(offsets) - 1, buffers, children=[entries])
    batch = pa.record_batch([column], schema=pa.schema([field]))
    message = memoryview(batch.serialize())
    metadata_end = _metadata_end(message)
    lengths = [-(-numbers.nbytes // _ALIGNMENT) * _ALIGNMENT for numbers in (offsets, columns)]
    borders = [metadata_end, metadata_end + lengths[0], metadata_end + sum(lengths), len(message)]
    body = [
        message[start : min(start + frame_bytes, end)]
        for begin, end in pairwise(borders)
        for start in range(begin, end, frame_bytes)
    ]
    return [_schema_message(batch), message[:metadata_end], *body]


def _schema_message(batch: Any) -> bytes:
    message: bytes = batch.schema.serialize().to_pybytes()
    return message


def _metadata_end(message: Any) -> int:
    """0xFFFFFFFF, then the length of the metadata (int32), then the metadata, then the body."""
    return 8 + int.from_bytes(bytes(message[4:8]), "little")


def decode_hits(frames: Sequence[Frame]) -> Hits:
    """The two columns of a result batch, as views (count, k) of the received memory."""
    indices, distances = _columns(frames, "indices", "distances")
    return Hits(_matrix(indices, np.int32), _matrix(distances, np.float32))


def decode_bytes(frames: Sequence[Frame]) -> npt.NDArray[np.uint8]:
    """The column of a batch of bytes, as a view of the received memory."""
    (column,) = _columns(frames, "bytes")
    return _values(column, np.uint8)


def _columns(frames: Sequence[Frame], *names: str) -> list[Any]:
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(b"".join(frames)) as reader:
            batch = reader.read_next_batch()
        return [batch.column(name) for name in names]
    except (pa.ArrowException, KeyError, StopIteration, OSError) as error:
        raise ProtocolError(f"the server sent a result that cannot be read: {error}") from None


def _matrix(column: Any, dtype: Any) -> npt.NDArray[Any]:
    try:
        values, width = column.flatten(), column.type.list_size
    except AttributeError:
        raise ProtocolError(f"the server sent {column.type} where a list belongs") from None
    return _values(values, dtype).reshape(len(column), width)


def _values(column: Any, dtype: Any) -> npt.NDArray[Any]:
    if str(column.type) != _ARROW_NAMES[dtype] or column.null_count:
        raise ProtocolError(f"the server sent {column.type} where {dtype.__name__} belongs")
    values: npt.NDArray[Any] = column.to_numpy(zero_copy_only=True)
    return values
