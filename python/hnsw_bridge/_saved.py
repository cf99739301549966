"""An index that outlives its process: files, dumps and pickles, written and read.

    file, dump   the engine's own format (docs/file-format.md), and the attributes of this object
    pickle       the rows, the attributes, and the products as the engine dumps them

What may not enter: the bytes themselves (they are `_files`' and `_pickling`'s).
"""

from __future__ import annotations

import os
from typing import Any, ClassVar, TypeVar

from . import _files
from ._engine import engine
from ._errors import CorruptFile, HnswError, InvalidArgument
from ._forms import FORMS, wide
from ._held import HeldIndex
from ._ids import Ids
from ._pickling import Kept, State, from_state, to_state
from ._progress import progress_bar
from ._remote import RemoteIndex

# What every index has to tell of itself; classes add their own.
COMMON = frozenset(
    {
        *("dim", "metric", "metric_kwds", "n_neighbors", "n_jobs", "verbose", "quantization"),
        *("_form_name", "_effort", "_engine_options", "_seed", "_is_sparse"),
    }
)


_Made = TypeVar("_Made", bound="SavedIndex")


class SavedIndex(HeldIndex):
    """Files and pickles of an index."""

    _NEEDED: ClassVar[frozenset[str]] = COMMON

    @classmethod
    def _attributes_of(cls, loaded: _files.Loaded) -> dict[str, Any]:
        """The attributes of an index of this class, whoever wrote the file."""
        raise NotImplementedError

    def _dumped(self) -> bytearray:
        """Rows, products and attributes in the format of files. Prepares the index."""
        remote = self._remote()
        if not isinstance(remote, RemoteIndex):
            raise InvalidArgument(
                "only an index at a server can be saved: no function as its metric, not Pyodide"
            )
        self._before_saving()
        attributes = self._kept_attributes()
        attributes.pop("_ids", None)  # The engine writes them.
        if "random_state" in self.__dict__:
            attributes["random_state"] = self.__dict__["random_state"]
        data = remote.dump_with_rows(_files.attachment(attributes, None))
        rows = wide(self._stored())
        if not _files.same_rows(data, rows):
            # The engine keeps them transformed for the metric: ours go along.
            data = remote.dump_with_rows(_files.attachment(attributes, rows))
        return data

    def _before_saving(self) -> None:
        self._prepare()

    def _kept_attributes(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in self._RUNTIME}

    @classmethod
    def _of_bytes(cls: type[_Made], data: Any) -> _Made:
        """The index in a file's bytes."""
        loaded = _files.load(data)
        index = cls.__new__(cls)
        index._take(loaded)
        with progress_bar(index.verbose) as listener:
            remote = engine().load(data, index._threads(), listener)
        index._keep_effort_of(remote)
        if loaded.attributes is None:
            index.n_neighbors = remote.n_neighbors
        if isinstance(remote, RemoteIndex) and remote.next_id != index._stored().shape[0]:
            index._ids = Ids.of(remote.ids(), remote.next_id)
        index._remote_index = remote
        return index

    def _take(self, loaded: _files.Loaded) -> None:
        self.__dict__.update(self._attributes_of(loaded))
        if not set(self.__dict__) >= self._NEEDED or self._form_name not in FORMS:
            raise CorruptFile("what Python added to this file is not all that an index needs")
        self._start_unconnected()
        self._closed = False
        self._rows = self._form.kept(loaded.rows)

    def __getstate__(self) -> State:
        """Parameters, rows and products; prepares the index. See `_pickling`."""
        with self._lock:
            products = self._products_to_keep()
            own = self.__dict__
            rows = wide(own.get("_rows"))
            return to_state(Kept(self._kept_attributes(), own.get("random_state"), rows, products))

    def __setstate__(self, state: State) -> None:
        kept = from_state(state)
        self.__dict__.update(kept.attributes)
        self._take_random_state(kept.random_state)
        if kept.rows is not None:
            self._rows = self._form.kept(kept.rows)
        self._start_unconnected()
        self._products = kept.products

    def _take_random_state(self, random_state: Any) -> None:
        """Only PyNNDescent's indexes have one."""

    def _products_to_keep(self) -> bytes | bytearray | None:
        """The products, for whoever loads this; without a server they are made again there."""
        if self._products is not None or self._closed:
            return self._products
        try:
            self._before_saving()
            return self._remote().dump()
        except HnswError:
            return None


def write(path: str | os.PathLike[str], index: SavedIndex) -> None:
    """Put an index into a file. Raises FileError; InvalidArgument for what no file holds."""
    with index._lock:
        _files.write(path, index._dumped())
