"""Indexes in files: written whole or not at all, and what this package adds to them.

    file          what the engine dumps, with its rows; any client of it can load that
    attachment    length of the JSON u64 | JSON | arrays at multiples of 64
                  the attributes of the index, and its rows where the engine keeps others

JSON and arrays, never a pickle: a file may come from anywhere, and loading it must run nothing of
it. What may not enter: servers, and what an attribute means.
"""

from __future__ import annotations

import base64
import contextlib
import json
import mmap
import os
import struct
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from . import _container
from ._errors import CorruptFile, FileError, InvalidArgument
from ._forms import Matrix
from ._matrix import is_sparse
from ._numpy import np
from ._version import __version__

_ALIGN = 64
_READ_BYTES = 1 << 24
# What reading an attachment that was changed can end in.
_UNREADABLE = (
    *(struct.error, ValueError, KeyError, TypeError, AttributeError, IndexError),
    *(OverflowError, MemoryError, SyntaxError, RecursionError),
)
# Under other metrics the engine keeps rows from which those that were given cannot be told.
_SERVE_AS_GIVEN = ("cosine", "dot", "direct_cosine")


class Loaded(NamedTuple):
    """What a file says of an index."""

    shape: _container.Shape
    rows: Matrix
    attributes: dict[str, Any] | None  # None where another client wrote the file.


def write(path: str | os.PathLike[str], data: bytes | bytearray) -> None:
    """Put a file at `path`: whole, durable, in one step. Raises FileError."""
    place = os.path.realpath(os.fspath(path))
    if os.path.exists(place) and not os.path.isfile(place):
        raise FileError(f"{path}: is no regular file")
    try:
        _write_beside(place, data)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error


def _write_beside(place: str, data: bytes | bytearray) -> None:
    folder, name = os.path.split(place)
    handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode_at(place))
        os.replace(temporary, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if os.name == "posix":
        directory = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _mode_at(place: str) -> int:
    """Who could read the old file may read the new one; else what the user's mask leaves."""
    try:
        return os.stat(place).st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask


def read(path: str | os.PathLike[str]) -> bytearray:
    """All bytes of a regular file. Raises FileError."""
    try:
        # Without waiting: a pipe would block until somebody writes.
        handle = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
        with os.fdopen(handle, "rb") as file:
            if not os.path.isfile(path):
                raise FileError(f"{path}: is no regular file")
            data = bytearray(os.fstat(file.fileno()).st_size)
            view, filled = memoryview(data), 0
            while filled < len(data):
                count = file.readinto(view[filled : filled + _READ_BYTES])
                if not count:
                    raise CorruptFile(f"{path}: ends after {filled} of {len(data)} bytes")
                filled += count
            return data
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path}: {error.strerror or error}") from error


@contextlib.contextmanager
def mapped(path: str | os.PathLike[str]) -> Iterator[memoryview]:
    """The bytes of a regular file where they lie, until the block ends. Raises FileError."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise FileError(f"{path}: is no regular file")
        with open(path, "rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise CorruptFile(f"{path}: is empty")
            place = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path}: {error.strerror or error}") from error
    view = memoryview(place)
    try:
        yield view
    finally:
        # What was made of it may be alive still, in the traceback of an error say.
        with contextlib.suppress(BufferError):
            view.release()
            place.close()


def attachment(attributes: Mapping[str, Any], rows: Matrix | None) -> bytes:
    """What is added to a file. `rows` are given where the engine's own are others.

    Raises InvalidArgument for an attribute that JSON and numpy do not hold.
    """
    arrays = [] if rows is None else list(_arrays_of(rows))
    described = {
        "python": 1,
        "release": __version__,
        "attributes": dict(attributes),
        "rows": None if rows is None else {"form": _form_name(rows), "shape": list(rows.shape)},
        "arrays": [{"dtype": each.dtype.str, "length": each.size} for each in arrays],
    }
    text = json.dumps(described, default=_plain).encode()
    parts = [struct.pack("<Q", len(text)), text]
    at = 8 + len(text)
    for array in arrays:
        padding = -at % _ALIGN
        parts += [bytes(padding), array.tobytes()]
        at += padding + array.nbytes
    return b"".join(parts)


def load(data: bytes | bytearray) -> Loaded:
    """What the bytes of a file say. Raises CorruptFile, UnsupportedVersion, InvalidArgument."""
    found = _container.sections(data)
    if _container.OPTIONS not in found:
        raise CorruptFile("these bytes are not an index: they have no options")
    shape = _container.shape_of(found[_container.OPTIONS])
    added = found.get(_container.ATTACHMENT)
    attributes, given = (None, None) if added is None else _taken_apart(added)
    if _container.ROWS not in found and _container.ROW_STARTS not in found:
        raise CorruptFile("these bytes are products without rows, for an index that has them")
    if given is None and attributes is None and not _serves(shape, found):
        raise InvalidArgument(
            f"a file of metric {shape.metric} that another client saved holds no rows as they were "
            f"given, allowed: files that Python saved, or the metrics that keep rows as they are"
        )
    rows = _container.stored_rows(found, shape) if given is None else given
    return Loaded(shape, rows, attributes)


def same_rows(data: bytes | bytearray, rows: Matrix) -> bool:
    """Whether the engine's rows in `data` are the very `rows`."""
    found = _container.sections(data)
    own = _container.stored_rows(found, _container.shape_of(found[_container.OPTIONS]))
    if own.shape != rows.shape:
        return False
    if not is_sparse(rows):
        return bool(np.array_equal(own, rows))
    return type(rows).__name__ == "csr_matrix" and (own != rows).nnz == 0


def _serves(shape: _container.Shape, found: Mapping[int, memoryview]) -> bool:
    """Whether the engine's rows stand for those that were given."""
    keeps = (
        "euclidean sqeuclidean manhattan chebyshev canberra braycurtis inner_product "
        "hamming bit_hamming bit_jaccard jaccard"
    )
    return shape.metric in _SERVE_AS_GIVEN or shape.metric in keeps.split()


def _taken_apart(added: memoryview) -> tuple[dict[str, Any], Matrix | None]:
    try:
        (length,) = struct.unpack_from("<Q", added, 0)
        described = json.loads(bytes(added[8 : 8 + length]), object_hook=_unplain)
        if described["python"] != 1:
            raise CorruptFile(f"attributes of form {described['python']!r}, allowed: 1")
        arrays, at = [], 8 + length
        for each in described["arrays"]:
            at += -at % _ALIGN
            dtype, count = np.dtype(each["dtype"]), int(each["length"])
            if dtype.hasobject or count < 0:
                raise CorruptFile(f"an array of {count} x {dtype}")
            arrays.append(np.frombuffer(added, dtype, count, at).copy())
            at += arrays[-1].nbytes
        return dict(described["attributes"]), _put_together(described["rows"], arrays)
    except _UNREADABLE as error:
        if isinstance(error, CorruptFile):
            raise
        raise CorruptFile(f"what Python added to this file cannot be read: {error!r}") from error


def _form_name(rows: Matrix) -> str:
    return "array" if isinstance(rows, np.ndarray) else type(rows).__name__


def _arrays_of(rows: Matrix) -> tuple[Any, ...]:
    return (
        (rows.ravel(),) if isinstance(rows, np.ndarray) else (rows.data, rows.indices, rows.indptr)
    )


def _put_together(rows: Any, arrays: list[Any]) -> Matrix | None:
    if rows is None:
        return None
    shape = tuple(int(size) for size in rows["shape"])
    if rows["form"] == "array":
        return arrays[0].reshape(shape)
    import scipy.sparse

    make = {"csr_matrix": scipy.sparse.csr_matrix, "csr_array": scipy.sparse.csr_array}
    made = make[rows["form"]](tuple(arrays), shape=shape)
    made.has_canonical_format = True  # As the index stores them.
    return made


def _plain(value: Any) -> Any:
    """What JSON does not know, in its words."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        content = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"__array__": [value.dtype.str, list(value.shape), content]}
    if isinstance(value, np.random.RandomState):
        name, keys, *rest = value.get_state(legacy=True)
        return {"__random__": [name, np.asarray(keys).tolist(), *rest]}
    raise InvalidArgument(f"an index with {value!r} cannot be saved to a file, allowed: pickle")


def _unplain(value: dict[str, Any]) -> Any:
    if set(value) == {"__array__"}:
        dtype, shape, content = value["__array__"]
        return np.frombuffer(base64.b64decode(content), np.dtype(dtype)).reshape(shape).copy()
    if set(value) == {"__random__"}:
        name, keys, *rest = value["__random__"]
        state = np.random.RandomState()
        state.set_state((name, np.array(keys, np.uint32), *rest))
        return state
    return value
