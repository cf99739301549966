"""An `Index` in files and bytes: its own format, and that of hnswlib.

What may not enter: the bytes themselves (they are `_files`' and `interchange`'s).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from . import _files, interchange
from ._engine import engine
from ._errors import InvalidArgument
from ._progress import progress_bar
from ._saved import COMMON, write
from ._taken import Making, TakenIndex

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_Made = TypeVar("_Made", bound="StoredIndex")


class StoredIndex(TakenIndex):
    """The methods of an index that write it down, and those that make one of what was written."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file: rows, products and parameters.

        The file is there as a whole or not at all, over what was there before. It is the engine's
        own format (docs/file-format.md): TypeScript loads it too. Prepares the index. O(bytes).

        Raises
        ------
        FileError
            What the system says of the file; also an ``OSError``.
        """
        write(path, self)

    @classmethod
    def load(cls: type[_Made], path: str | os.PathLike[str], *, mmap: bool = False) -> _Made:
        """The index in a file of `save`, of `HnswIndexWrapper.save`, or of TypeScript's. O(bytes).

        Parameters
        ----------
        path : path
        mmap : bool
            Look at the file where it lies, without a copy of it in this process' memory. It must
            not be changed meanwhile; `save` never does that.

        Raises
        ------
        FileError
            What the system says of the file.
        CorruptFile, UnsupportedVersion
            For a file that is no index, is damaged, or was written by a newer release. Every byte
            is compared with a checksum, here and by the engine; nothing in the file is run.
        """
        if not mmap:
            return cls._of_bytes(_files.read(path))
        with _files.mapped(path) as data:
            return cls._of_bytes(data)

    @classmethod
    def import_hnswlib(
        cls: type[_Made],
        path: str | os.PathLike[str],
        *,
        metric: str = "euclidean",
        metric_kwds: dict[str, Any] | None = None,
        n_neighbors: int = 30,
        ef: int | None = None,
        algorithm: str | None = None,
        graph_recall: float | None = None,
        seed: int = 42,
        quantization: str | None = None,
        n_threads: int | None = None,
        verbose: bool = False,
    ) -> tuple[_Made, npt.NDArray[np.uint64]]:
        """The index in a file of hnswlib (``save_index``, float32 rows), with its links. O(bytes).

        Parameters
        ----------
        path : path
        metric : str
            The file does not say by which metric it was made: hnswlib's ``l2`` is ``sqeuclidean``,
            ``ip`` ``inner_product``, ``cosine`` ``cosine``.
        metric_kwds, n_neighbors, ef, algorithm, graph_recall, seed, quantization
            As for `Index`. `m` and `ef_construction` are the file's.
        n_threads, verbose
            As for `Index`.

        Returns
        -------
        index : Index
            Without the rows that were marked as deleted; where there are some, the others are
            linked anew when first needed.
        labels : ndarray of uint64, shape (n,)
            The label of each row. Results name rows by their ids, 0 to n - 1.

        Raises
        ------
        FileError
            What the system says of the file.
        CorruptFile
            For a file that is not hnswlib's, or whose rows are not float32.
        ValueError
            For wrong options, as `Index` does; where the engine cannot import.

        Examples
        --------
        >>> index, labels = Index.import_hnswlib("items.bin", metric="cosine")
        >>> labels[index.query(queries, 10).indices]
        """
        greeting = engine().greeting
        if "import_hnswlib" not in greeting.features:
            raise InvalidArgument(f"{greeting.server} cannot import files of hnswlib here")
        data = _files.read(path)
        making = Making(
            metric=metric,
            metric_kwds=metric_kwds,
            n_neighbors=n_neighbors,
            seed=seed,
            quantization=quantization,
            n_threads=n_threads,
            verbose=verbose,
            engine={"ef": ef, "algorithm": algorithm, "graph_recall": graph_recall},
        )
        index = cls.__new__(cls)
        index._take_rows(interchange.hnswlib_table(path, data).rows, making)
        with progress_bar(verbose) as listener:
            remote, labels = engine().import_hnswlib(data, index._wire_options(), listener)
        index._keep_effort_of(remote)
        index._remote_index = remote
        return index, labels

    def dump(self) -> bytearray:
        """What `save` writes, as bytes. O(bytes)."""
        with self._lock:
            return self._dumped()

    @classmethod
    def restore(cls: type[_Made], data: bytes | bytearray | memoryview) -> _Made:
        """The index that `dump` or a file gave. Raises as `load` does. O(bytes)."""
        return cls._of_bytes(data)

    @classmethod
    def _attributes_of(cls, loaded: _files.Loaded) -> dict[str, Any]:
        """Those that every index has; the defaults where another client wrote the file."""
        given = loaded.attributes
        if given is not None:
            return {name: given[name] for name in COMMON if name in given}
        form, _, dim, metric = loaded.shape
        return {
            "dim": dim,
            "metric": metric,
            "metric_kwds": None,
            "n_neighbors": 30,
            "n_jobs": None,
            "quantization": None,
            "verbose": False,
            "_form_name": form,
            "_is_sparse": form == "sparse",
            "_seed": 42,
            "_effort": {},
            "_engine_options": {},
        }
