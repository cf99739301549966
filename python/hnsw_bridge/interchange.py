"""Rows from files of others, and into them; what a file says is checked before it is used.

    .npy                   NumPy's array
    .fvecs .ivecs .bvecs   length i32 | values f32, i32 or u8, for each row (corpus-texmex.irisa.fr)
    .arrow .feather        Arrow IPC: a column of lists of one length, and ids       needs pyarrow
    .parquet               the same                                                 needs pyarrow
    hnswlib's index files  rows and labels; the links too: `Index.import_hnswlib`

Nothing is imported before it is needed. What may not enter: servers, indexes.
"""

from __future__ import annotations

import io
import os
import struct
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from . import _files
from ._errors import CorruptFile, InvalidArgument
from ._numpy import np

if TYPE_CHECKING:
    import numpy.typing as npt

Path = str | os.PathLike[str]
Array: TypeAlias = "npt.NDArray[Any]"

_VECTORS = {".fvecs": "<f4", ".ivecs": "<i4", ".bvecs": "u1"}
_ARROW = (".arrow", ".feather", ".parquet")
_HNSWLIB_HEADER = struct.Struct("<6QiI3QdQ")
_DELETED = 1


class Table(NamedTuple):
    """Rows (n, d), and their ids where the file has some."""

    rows: Array
    ids: Array | None


def read_rows(path: Path) -> Table:
    """The rows of a file, by its suffix.

    Raises
    ------
    FileError
        What the system says of the file.
    CorruptFile
        For a file that is not what its suffix says.
    InvalidArgument
        For another suffix; where pyarrow is needed and missing.
    """
    suffix = _suffix(path)
    if suffix == ".npy":
        return Table(_npy(path), None)
    if suffix in _VECTORS:
        return Table(_vectors(path, np.dtype(_VECTORS[suffix])), None)
    return _arrow(path, suffix)


def write_rows(path: Path, rows: Any, ids: Any = None) -> None:
    """Write rows (n, d), and for Arrow and Parquet their ids, to a file by its suffix.

    The file is there as a whole or not at all. Raises FileError, InvalidArgument.
    """
    suffix = _suffix(path)
    array = np.asarray(rows)
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise InvalidArgument(f"rows must be a matrix of numbers, got {array.dtype} {array.shape}")
    if ids is not None and suffix not in _ARROW:
        raise InvalidArgument(f"{suffix} files hold no ids, allowed: {', '.join(_ARROW)}")
    if suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        _files.write(path, buffer.getvalue())
    elif suffix in _VECTORS:
        _files.write(path, _as_vectors(array, np.dtype(_VECTORS[suffix])))
    else:
        _files.write(path, _as_arrow(array, ids, suffix))


def read_hnswlib(path: Path) -> Table:
    """Rows and labels of an index file of hnswlib with float32 rows, without the deleted ones.

    Raises FileError, CorruptFile.
    """
    return hnswlib_table(path, _files.read(path))


def hnswlib_table(path: Path, data: bytes | bytearray) -> Table:
    """Rows and labels in the bytes of such a file; `path` is what errors call it."""
    if len(data) < _HNSWLIB_HEADER.size:
        raise CorruptFile(f"{path}: {len(data)} bytes are too few for an index file of hnswlib")
    zero, _, n, width, label, values, _, _, above, base, m, _, _ = _HNSWLIB_HEADER.unpack_from(data)
    laid_out = zero == 0 and 2 <= m <= 512 and (above, base, values) == (m, 2 * m, 8 * m + 4)
    if not laid_out or label <= values or (label - values) % 4 or width != label + 8:
        raise CorruptFile(f"{path}: is not laid out as an index file of hnswlib with float32 rows")
    if n * (width + 4) > len(data) - _HNSWLIB_HEADER.size:
        raise CorruptFile(f"{path}: {n} rows of {width} bytes in {len(data)} bytes")
    record = np.dtype(
        [
            ("count", "<u2"),
            ("mark", "u1"),
            ("zero", "u1"),
            ("links", "<u4", (2 * m,)),
            ("values", "<f4", ((label - values) // 4,)),
            ("label", "<u8"),
        ]
    )
    records = np.frombuffer(data, record, n, _HNSWLIB_HEADER.size)
    kept = (records["mark"] & _DELETED) == 0
    return Table(np.ascontiguousarray(records["values"][kept]), records["label"][kept].copy())


def _suffix(path: Path) -> str:
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    known = (".npy", *_VECTORS, *_ARROW)
    if suffix not in known:
        raise InvalidArgument(f"{path}: suffix is {suffix!r}, allowed: {', '.join(known)}")
    return suffix


def _npy(path: Path) -> Array:
    try:
        array: Array = np.load(io.BytesIO(_files.read(path)), allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, OverflowError, MemoryError) as error:
        if isinstance(error, CorruptFile):
            raise
        raise CorruptFile(f"{path}: is no array of NumPy: {error}") from error
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "fiub":
        raise CorruptFile(f"{path}: is no matrix of numbers")
    return array


def _vectors(path: Path, dtype: np.dtype[Any]) -> Array:
    data = _files.read(path)
    if not data:
        return np.empty((0, 0), dtype)
    dim = struct.unpack_from("<i", data)[0] if len(data) >= 4 else -1
    row = 4 + dim * dtype.itemsize
    if dim < 1 or len(data) % row:
        raise CorruptFile(f"{path}: {len(data)} bytes are no rows of {dim} columns")
    records = np.frombuffer(data, np.dtype([("dim", "<i4"), ("values", dtype, (dim,))]))
    wrong = np.flatnonzero(records["dim"] != dim)
    if wrong.size:
        seen = records["dim"][wrong[0]]
        raise CorruptFile(f"{path}: row {wrong[0]} has {seen} columns, the first has {dim}")
    return np.ascontiguousarray(records["values"])


def _as_vectors(array: Array, dtype: np.dtype[Any]) -> bytes:
    n, dim = array.shape
    if dim < 1:
        raise InvalidArgument("rows must have columns")
    with np.errstate(over="ignore", invalid="ignore"):
        values = array.astype(dtype)
    if dtype.kind in "iu" and not np.array_equal(values, array):
        raise InvalidArgument(f"rows must hold what {dtype} holds")
    records = np.empty(n, np.dtype([("dim", "<i4"), ("values", dtype, (dim,))]))
    records["dim"], records["values"] = dim, values
    return records.tobytes()


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise InvalidArgument("Arrow and Parquet files need the package pyarrow") from error
    return pa


def _arrow(path: Path, suffix: str) -> Table:
    pa = _pyarrow()
    data = pa.py_buffer(bytes(_files.read(path)))
    try:
        if suffix == ".parquet":
            import pyarrow.parquet

            table = pyarrow.parquet.read_table(pa.BufferReader(data))
        else:
            table = pa.ipc.open_file(pa.BufferReader(data)).read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorruptFile(f"{path}: is no table: {error}") from error
    lists = [i for i, field in enumerate(table.schema) if _is_list(pa, field.type)]
    if len(lists) != 1:
        raise CorruptFile(f"{path}: {len(lists)} columns of lists, allowed: one, the rows")
    others = [i for i in range(table.num_columns) if i not in lists]
    ids = next((table.column(i).to_numpy() for i in others if _is_id(table.schema.field(i))), None)
    return Table(_matrix(path, table.column(lists[0]).combine_chunks()), ids)


def _is_list(pa: Any, kind: Any) -> bool:
    return bool(
        pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)
    )


def _is_id(field: Any) -> bool:
    return field.name in ("id", "ids")


def _matrix(path: Path, column: Any) -> Array:
    n = len(column)
    values = column.flatten()
    lengths = np.diff(column.offsets.to_numpy()) if hasattr(column, "offsets") else None
    same = lengths is None or n == 0 or bool((lengths == lengths[0]).all())
    if column.null_count or values.null_count or not same or (n and len(values) % n):
        raise CorruptFile(f"{path}: rows are missing, or not all of one length")
    array: Array = values.to_numpy(zero_copy_only=False)
    if array.dtype.kind not in "fiub":
        raise CorruptFile(f"{path}: rows of {array.dtype}, allowed: numbers")
    return array.reshape(n, len(values) // n if n else 0)


def _as_arrow(array: Array, ids: Any, suffix: str) -> bytes:
    pa = _pyarrow()
    n, dim = array.shape
    if ids is not None and len(ids) != n:
        raise InvalidArgument(f"{len(ids)} ids for {n} rows, allowed: as many")
    flat = pa.array(np.ascontiguousarray(array).ravel())
    rows = pa.FixedSizeListArray.from_arrays(flat, dim)
    columns = {"id": pa.array(ids), "vector": rows} if ids is not None else {"vector": rows}
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    if suffix == ".parquet":
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, sink)
    else:
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return bytes(sink.getvalue())
