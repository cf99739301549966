"""A stored index as this package reads it: docs/file-format.md, sections by number.

Every byte is compared with a checksum, or must be zero, before anything is believed. What may not
enter: what becomes of the sections, and the file system.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from ._errors import CorruptFile, UnsupportedVersion
from ._forms import Matrix
from ._numpy import np

OPTIONS, ROWS, ROW_STARTS, ROW_COLUMNS, ROW_VALUES, ATTACHMENT = 1, 2, 3, 4, 5, 14
_MAGIC = b"HNSWBRDG"
_VERSION = 2
_HEADERS = {1: 32, 2: 64}
_ENTRY = struct.Struct("<IIQQQ")
_ALIGN = 64
_LANE = 16  # Floats that the rows' padding makes whole.
_MOST_SECTIONS = 1024


class Shape(NamedTuple):
    """What the options say of the rows."""

    form: str
    rows: int
    dim: int
    metric: str


def sections(data: bytes | bytearray) -> dict[int, memoryview]:
    """The sections that are there, by number. Raises CorruptFile, UnsupportedVersion."""
    view = memoryview(data)
    header, entries = _table(view)
    end = header + _ENTRY.size * len(entries)
    found: dict[int, memoryview] = {}
    for kind, checksum, offset, length, zero in entries:
        if zero or kind in found:
            raise _corrupt(f"section {kind} twice, or with more than this version knows")
        if offset == 0:
            continue
        start = _aligned(end)
        if offset != start or length > len(view) - start:
            raise _corrupt(f"section {kind} lies at {offset}")
        _check_zeros(view, end, start)
        end = start + length
        found[kind] = view[start:end]
        if zlib.crc32(found[kind]) != checksum:
            raise _corrupt(f"the checksum of section {kind} is wrong")
    if _aligned(end) != len(view):
        raise _corrupt("bytes behind the last section")
    _check_zeros(view, end, len(view))
    return found


def _table(view: memoryview) -> tuple[int, list[tuple[int, int, int, int, int]]]:
    if len(view) < 32 or view[:8] != _MAGIC:
        raise _corrupt("it does not begin as an index does")
    version, count, length, checksum, zero = struct.unpack("<IIQII", view[8:32])
    if version not in _HEADERS:
        raise UnsupportedVersion(f"an index of format version {version}, allowed: 1 to {_VERSION}")
    header = _HEADERS[version]
    end = header + _ENTRY.size * count
    if length != len(view) or count > _MOST_SECTIONS or end > len(view):
        raise _corrupt(f"{len(view)} bytes, {length} were written, with {count} sections")
    if zlib.crc32(view[32:end], zlib.crc32(view[:24])) != checksum or zero:
        raise _corrupt("the header's checksum is wrong")
    return header, list(_ENTRY.iter_unpack(view[header:end]))


def shape_of(options: memoryview) -> Shape:
    """The shape in the section of options. Raises CorruptFile."""
    try:
        form, at = _text(options, 0)
        rows, dim, _ = struct.unpack_from("<QQQ", options, at)
        metric, _ = _text(options, at + 24)
    except (struct.error, UnicodeDecodeError) as error:
        raise _corrupt(f"its options cannot be read: {error}") from error
    return Shape(form, rows, dim, metric)


def _text(options: memoryview, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<Q", options, at)
    end = at + 8 + length
    if end > len(options):
        raise _corrupt("its options are cut short")
    return bytes(options[at + 8 : end]).decode(), end


def stored_rows(found: dict[int, memoryview], shape: Shape) -> Matrix:
    """The rows as the engine keeps them, transformed for their metric. Raises CorruptFile."""
    form, n, dim, _ = shape
    try:
        if form == "sparse":
            return _sparse_rows(found, n, dim)
        if form == "bits":
            padded = np.frombuffer(found[ROWS], np.uint8).reshape(n, -(-dim // _ALIGN) * _ALIGN)
        else:
            stride = -(-(dim + 1) // _LANE) * _LANE
            padded = np.frombuffer(found[ROWS], "<f4").reshape(n, stride)
        return np.array(padded[:, :dim], order="C")  # A copy, also where there is no padding.
    except (KeyError, ValueError, OverflowError) as error:
        raise _corrupt(f"its rows are not {n} of {dim} columns: {error!r}") from error


def _sparse_rows(found: dict[int, memoryview], n: int, dim: int) -> Matrix:
    from scipy.sparse import csr_matrix

    starts = np.frombuffer(found[ROW_STARTS], "<u8").astype(np.int64)
    columns = np.frombuffer(found[ROW_COLUMNS], "<u4").astype(np.int64)
    values = np.frombuffer(found[ROW_VALUES], "<f4").copy()
    # Rows of no entries may have a mark of the engine's own behind the last column.
    marked = csr_matrix((values, columns, starts), shape=(n, dim + 1))
    rows = marked[:, :dim]
    rows.sort_indices()
    return rows


def _aligned(at: int) -> int:
    return -(-at // _ALIGN) * _ALIGN


def _check_zeros(view: memoryview, start: int, stop: int) -> None:
    if any(view[start:stop]):
        raise _corrupt("padding is not zero")


def _corrupt(what: str) -> CorruptFile:
    return CorruptFile(f"these bytes are not an index: {what}")
