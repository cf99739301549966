"""Transfer: rows on their way up in batches, results on their way down into arrays.

    Upload      parts (dense, bits, CSR), one after another, in batches of whole rows of one part
    Download    HitsDownload | BytesDownload, into memory that the caller will own and may write to

What may not enter: sockets, and what an operation means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from . import _arrays
from ._errors import InvalidArgument, ProtocolError
from ._forms import Matrix, Stored
from ._matrix import Rows
from ._narrow import NarrowRows
from ._numpy import np
from ._protocol import (
    Frame,
    Header,
    Hits,
    decode_bare_hits,
    decode_bytes,
    decode_hits,
    encode_rows,
    encode_sparse,
)

_BATCH_BYTES = 2 << 20  # Fewer bytes cost more messages, more are more memory on its way.
_MOST_BARE_BYTES = 64 << 10  # Guessed: of more bytes, Arrow's share of the time is small.
_OFFSET_BYTES, _ENTRY_BYTES = 4, 8

Limits = dict[str, int]
Kept = TypeVar("Kept", covariant=True)


class Part(Protocol):
    """Rows of one form that a header promises."""

    count: int
    nbytes: int  # As the protocol counts them against its limits.

    def promise(self) -> Header:
        """The header's words for shape and form."""

    def bare(self) -> list[Frame] | None:
        """All values without Arrow's metadata, or None where a form never goes so."""

    def batches(self, batch_bytes: int) -> Iterator[tuple[int, list[Frame]]]:
        """Count and frames of each batch. Raises nothing once the first is made."""

    def check(self, limits: Limits) -> None:
        """InvalidArgument for what no server with these limits takes."""


class DensePart:
    """An array (n, d) in C order, sent as it lies in memory."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.count, self._dim = rows.shape
        self.nbytes = rows.nbytes

    def promise(self) -> Header:
        return {"rows": self.count, "dim": self._dim, "dtype": _arrays.dtype_name(self._rows)}

    def bare(self) -> list[Frame] | None:
        return [_arrays.flat(self._rows)] if self.count else []

    def batches(self, batch_bytes: int) -> Iterator[tuple[int, list[Frame]]]:
        step = max(1, batch_bytes // (self._dim * self._rows.itemsize))
        for start in range(0, self.count, step):
            batch = self._rows[start : start + step]
            yield len(batch), encode_rows(batch)

    def check(self, limits: Limits) -> None:
        if self._dim > limits["maxDim"]:
            raise InvalidArgument(f"rows have at most {limits['maxDim']} columns, got {self._dim}")


class NarrowPart(DensePart):
    """Rows kept in bytes, sent as the float32 that they are: a batch at a time is widened."""

    def __init__(self, rows: NarrowRows) -> None:
        self._narrow = rows
        self.count, self._dim = rows.shape
        self.nbytes = 4 * self.count * self._dim

    def promise(self) -> Header:
        return {"rows": self.count, "dim": self._dim, "dtype": "float32"}

    def bare(self) -> list[Frame] | None:
        return DensePart(self._narrow.wide()).bare()

    def batches(self, batch_bytes: int) -> Iterator[tuple[int, list[Frame]]]:
        step = max(1, batch_bytes // (self._dim * 4))
        for start in range(0, self.count, step):
            batch = self._narrow.wide(start, start + step)
            yield len(batch), encode_rows(batch)


class SparsePart:
    """A scipy CSR matrix (n, d) of float32."""

    def __init__(self, rows: Matrix) -> None:
        self._rows = rows
        self.count, self._dim = rows.shape
        self.nbytes = (self.count + 1) * _OFFSET_BYTES + rows.nnz * _ENTRY_BYTES

    def promise(self) -> Header:
        shape = {"rows": self.count, "dim": self._dim, "dtype": "float32"}
        return {**shape, "layout": "csr", "nnz": int(self._rows.nnz)}

    def bare(self) -> list[Frame] | None:
        return None

    def batches(self, batch_bytes: int) -> Iterator[tuple[int, list[Frame]]]:
        offsets = self._rows.indptr.astype(np.int64)
        room = batch_bytes - _OFFSET_BYTES
        ends = offsets * _ENTRY_BYTES + np.arange(self.count + 1) * _OFFSET_BYTES
        start = 0
        while start < self.count:
            stop = int(np.searchsorted(ends, ends[start] + room, side="right")) - 1
            stop = max(stop, start + 1)  # A single row may be larger than a batch.
            yield stop - start, self._frames(offsets[start : stop + 1], batch_bytes)
            start = stop

    def _frames(self, offsets: Any, frame_bytes: int) -> list[Frame]:
        entries = slice(int(offsets[0]), int(offsets[-1]))
        columns = self._rows.indices[entries].astype(np.uint32, copy=False)
        within = (offsets - offsets[0]).astype(np.int32)
        return encode_sparse(within, columns, self._rows.data[entries], frame_bytes)

    def check(self, limits: Limits) -> None:
        if self._dim > limits["maxSparseDim"]:
            most = limits["maxSparseDim"]
            raise InvalidArgument(f"sparse rows have at most {most} columns, got {self._dim}")
        entries = np.diff(self._rows.indptr)
        if self.count and entries.max() > limits["maxRowEntries"]:
            raise InvalidArgument(
                f"a sparse row has at most {limits['maxRowEntries']} entries, "
                f"row {entries.argmax()} has {entries.max()}"
            )


def part(rows: Stored) -> Part:
    """Rows of any form, ready to be sent."""
    if isinstance(rows, NarrowRows):
        return NarrowPart(rows)
    return DensePart(rows) if _arrays.is_array(rows) else SparsePart(rows)


class Upload:
    """Parts on their way up: inline in the request, or batch by batch under credits.

    `header` says which. Few bytes go bare, where the server takes them so: Arrow's metadata would
    take longer to make and to read than the values.
    """

    def __init__(self, parts: Sequence[Part], limits: Limits, takes_bare: bool = False) -> None:
        for each in parts:
            each.check(limits)
        self.inline = len(parts) == 1 and parts[0].nbytes <= limits["inlineBytes"]
        few = takes_bare and self.inline and parts[0].nbytes <= _MOST_BARE_BYTES
        self._bare = parts[0].bare() if few else None
        filled = [each for each in parts if each.count]
        batch_bytes = min(_BATCH_BYTES, limits["batchBytes"])
        self._batches = _numbered(filled, limits["inlineBytes"] if self.inline else batch_bytes)

    def header(self) -> Header:
        """What the request says of how its rows travel."""
        if self._bare is not None:
            return {"inline": True, "bare": True}
        return {"inline": self.inline}

    def inline_frames(self) -> list[Frame]:
        """All rows, for the request itself; empty where they follow, and where there are none."""
        if self._bare is not None:
            return self._bare
        return next((frames for _, frames in self._batches), []) if self.inline else []

    def next_batches(self, credits: int) -> Iterator[tuple[Header, list[Frame]]]:
        """The batches that so many credits allow."""
        return islice(self._batches, credits)


def _numbered(parts: list[Part], batch_bytes: int) -> Iterator[tuple[Header, list[Frame]]]:
    start = 0
    for each in parts:
        for count, frames in each.batches(batch_bytes):
            yield {"op": "rows", "start": start, "count": count}, frames
            start += count


class Download(Protocol, Generic[Kept]):
    """What an operation answers with besides its reply, batch by batch."""

    kind: str
    done: bool

    def place(self, header: Header, frames: list[Frame]) -> None:
        """Copy one batch to where it belongs. ProtocolError when it is not the next one."""

    def result(self) -> Kept:
        """All of it, once `done`."""


class HitsDownload:
    """Neighbours, into arrays of their own."""

    kind = "result"

    def __init__(self) -> None:
        self._hits: Hits | None = None
        self._received = 0
        self.done = False
        # What the last message says besides.
        self.told: Header = {}

    def place(self, header: Header, frames: list[Frame]) -> None:
        rows, k, start, count = header_numbers(header, "rows", "k", "start", "count")
        if self._hits is None:
            self._hits = Hits.empty(rows, k)
        if count:
            bare = header.get("bare") is True
            batch = decode_bare_hits(frames, count, k) if bare else decode_hits(frames)
            if start != self._received or batch.indices.shape != (count, k):
                raise ProtocolError(f"the server sent rows {start}+{count} out of order")
            _arrays.place(self._hits.indices, start, batch.indices)
            _arrays.place(self._hits.distances, start, batch.distances)
            self._received += count
        self.done = header.get("last") is True
        self.told = header
        if self.done and self._received != rows and k:
            raise ProtocolError(f"the server sent {self._received} of {rows} rows")

    def result(self) -> Hits:
        assert self._hits is not None
        return self._hits


class BytesDownload:
    """A dump."""

    kind = "bytes"

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.done = False

    def place(self, header: Header, frames: list[Frame]) -> None:
        total, start, count = header_numbers(header, "total", "start", "count")
        batch = decode_bytes(frames) if count else memoryview(b"")
        if start != len(self._bytes) or len(batch) != count:
            raise ProtocolError(f"the server sent bytes {start}+{count} out of order")
        self._bytes += batch
        self.done = header.get("last") is True
        if self.done and len(self._bytes) != total:
            raise ProtocolError(f"the server sent {len(self._bytes)} of {total} bytes")

    def result(self) -> bytearray:
        return self._bytes


def header_numbers(header: Header, *names: str) -> list[int]:
    """The numbers of these names. ProtocolError where one is missing."""
    try:
        return [int(header[name]) for name in names]
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"the server sent a result without {error}") from None
