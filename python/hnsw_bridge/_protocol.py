"""Frames: JSON headers, and Arrow IPC parts around numpy memory.

A message is a header frame and then the parts of one Arrow IPC stream, each a frame of its own:

    header | schema message | record-batch metadata | body (the numpy memory itself) | padding

Nothing here copies row data on the way out. pyarrow is imported on the first encoded batch, not
with the package. What may not enter: sockets, and what an operation means.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ._errors import ProtocolError
from ._matrix import Rows

PROTOCOL_RANGE = (1, 1)
Frame: TypeAlias = "bytes | memoryview"
Header: TypeAlias = dict[str, Any]

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
    frames: list[Frame] = [*_rows_preamble(*rows.shape), body.data]
    padding = -body.nbytes % _ALIGNMENT
    return [*frames, bytes(padding)] if padding else frames


@lru_cache(maxsize=16)
def _rows_preamble(count: int, dim: int) -> tuple[bytes, bytes]:
    """Schema and metadata messages: they depend on the shape only, so zeros are serialised."""
    import pyarrow as pa

    values = pa.py_buffer(np.zeros(count * dim, np.float32))
    child = pa.Array.from_buffers(pa.float32(), count * dim, [None, values])
    field = pa.field("rows", pa.list_(pa.field("item", pa.float32(), nullable=False), dim), False)
    column = pa.Array.from_buffers(field.type, count, [None], children=[child])
    batch = pa.record_batch([column], schema=pa.schema([field]))
    message = batch.serialize()
    # 0xFFFFFFFF, then the length of the metadata (int32), then the metadata, then the body.
    metadata_end = 8 + int.from_bytes(message[4:8].to_pybytes(), "little")
    return batch.schema.serialize().to_pybytes(), message[:metadata_end].to_pybytes()


def decode_hits(frames: Sequence[Frame]) -> Hits:
    """The two columns of a result batch, as views (count, k) of the received memory."""
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(b"".join(frames)) as reader:
            batch = reader.read_next_batch()
        return Hits(
            _matrix(batch.column("indices"), np.int32),
            _matrix(batch.column("distances"), np.float32),
        )
    except (pa.ArrowException, KeyError, StopIteration, OSError, AttributeError) as error:
        raise ProtocolError(f"the server sent a result that cannot be read: {error}") from None


def _matrix(column: Any, dtype: Any) -> npt.NDArray[Any]:
    values = column.flatten().to_numpy(zero_copy_only=True)
    if values.dtype != dtype or column.null_count:
        raise ProtocolError(f"the server sent {values.dtype} values where {dtype} belong")
    matrix: npt.NDArray[Any] = values.reshape(len(column), column.type.list_size)
    return matrix
