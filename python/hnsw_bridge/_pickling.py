"""An index as a pickle holds it: versioned and checksummed, loadable by whoever has this package.

    _state_version   of this form; read before anything else is looked at
    release          that wrote it
    attributes       bytes: a pickle of the parameters and what else was set on the index
    random_state     as it is, so that a model that shares it goes on sharing it
    rows             {"form", "shape", "arrays"}; None where the caller took them off before
    products         bytes: neighbour graph and search index as the server dumps them; or None
    checksum         of attributes, rows and products

The rows stay arrays, so that pickle (protocol 5) and joblib need no second copy of them; without
numpy they are bytes, which every Python can load, while arrays need numpy. Nothing of scipy's or
numpy's own classes is inside, for those change between their releases. What may not enter: servers,
and what an attribute means.
"""

from __future__ import annotations

import pickle
from hashlib import blake2b
from typing import Any, NamedTuple

from . import _arrays
from ._errors import CorruptFile, UnsupportedVersion
from ._forms import Matrix
from ._numpy import np
from ._version import __version__

STATE_VERSION = 2

State = dict[str, Any]


class Kept(NamedTuple):
    """What outlives a process."""

    attributes: dict[str, Any]
    random_state: Any
    rows: Matrix | None
    products: bytes | bytearray | None


def to_state(kept: Kept) -> State:
    """The state to be pickled. Shares the memory of the rows."""
    state = {
        "_state_version": STATE_VERSION,
        "release": __version__,
        "attributes": pickle.dumps(kept.attributes, protocol=5),
        "random_state": kept.random_state,
        "rows": None if kept.rows is None else _taken_apart(kept.rows),
        "products": kept.products,
    }
    return {**state, "checksum": _checksum(state)}


def from_state(state: State) -> Kept:
    """What `to_state` was given.

    Raises UnsupportedVersion for another version's, CorruptFile for what was changed since.
    """
    version = state.get("_state_version") if isinstance(state, dict) else None
    if version != STATE_VERSION:
        raise UnsupportedVersion(
            f"this pickle holds state version {version!r}, written by release "
            f"{_release(state)}; this release, {__version__}, reads version {STATE_VERSION}"
        )
    try:
        if state["checksum"] != _checksum(state):
            raise CorruptFile("this pickle of an index is damaged: its checksum does not fit")
        rows = None if state["rows"] is None else _put_together(state["rows"])
        attributes = pickle.loads(state["attributes"])
        return Kept(dict(attributes), state["random_state"], rows, state["products"])
    except (KeyError, TypeError, ValueError, AttributeError, BufferError) as error:
        if isinstance(error, CorruptFile):
            raise
        raise CorruptFile(f"this pickle of an index cannot be read: {error!r}") from error


def _release(state: Any) -> str:
    return str(state.get("release", "unknown")) if isinstance(state, dict) else "unknown"


def _taken_apart(rows: Matrix) -> State:
    if isinstance(rows, memoryview):
        return {"form": "bytes", "shape": rows.shape, "arrays": (rows.tobytes(),)}
    if _arrays.is_array(rows):
        return {"form": "array", "shape": rows.shape, "arrays": (rows,)}
    arrays = (rows.data, rows.indices, rows.indptr)
    return {"form": type(rows).__name__, "shape": rows.shape, "arrays": arrays}


def _put_together(parts: State) -> Matrix:
    if parts["form"] == "array":
        return parts["arrays"][0]
    if parts["form"] == "bytes":
        return _arrays.copied(_arrays.view(parts["arrays"][0], "float32", parts["shape"]))
    import scipy.sparse

    make = {"csr_matrix": scipy.sparse.csr_matrix, "csr_array": scipy.sparse.csr_array}
    rows = make[parts["form"]](parts["arrays"], shape=parts["shape"])
    rows.has_canonical_format = True  # As the index stores them.
    return rows


def _checksum(state: State) -> str:
    digest = blake2b(state["attributes"], digest_size=16)
    rows = state["rows"]
    if rows is not None:
        digest.update(repr((rows["form"], tuple(rows["shape"]))).encode())
        for array in rows["arrays"]:
            if not isinstance(array, bytes):
                digest.update(repr((array.dtype.str, array.shape)).encode())
                array = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
            digest.update(array)
    digest.update(b"none" if state["products"] is None else state["products"])
    return digest.hexdigest()
