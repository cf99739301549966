"""Rows that go, and rows in the place of others, by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._changes import Changes, checked_rows
from ._errors import EmptyIndex, InvalidArgument
from ._held import HeldIndex
from ._numpy import np

if TYPE_CHECKING:
    import numpy.typing as npt


class Deletes(HeldIndex):
    """The methods of an index that delete and replace rows."""

    @property
    def ids(self) -> npt.NDArray[np.int32]:
        """The id of each row, ascending: what results speak of, and the rows of `neighbor_graph`.

        0 to n - 1 until rows are deleted; an id is never given again. O(n).
        """
        with self._lock:
            return self._names().all

    def delete(self, ids: Any) -> None:
        """Delete rows: no call that comes after it returns them.

        Parameters
        ----------
        ids : array-like of ints
            One that comes twice counts once. Links that led to a deleted row lead past it.

        Raises
        ------
        KeyError
            For an id that no row has.
        ValueError
            For what is no list of ids, and where no row would be left. Nothing is deleted then.
        """
        with self._lock:
            gone = np.unique(self._names().positions(ids))
            if len(gone) == self._stored().shape[0]:
                raise EmptyIndex("0 rows would be left, allowed: at least 1")
            if len(gone):
                self._apply(Changes(None, None, None, removed=gone), self._remote())

    def replace(self, ids: Any, rows: Any) -> None:
        """Put rows in the places of others, which keep their ids.

        Parameters
        ----------
        ids : array-like of u ints
            Of one that comes twice the last row counts.
        rows : array-like or sparse matrix of shape (u, d)

        Raises
        ------
        KeyError
            For an id that no row has.
        ValueError
            For rows of a wrong shape or not finite, and lengths that differ.
        """
        with self._lock:
            positions = self._names().positions(ids)
            replacing = checked_rows(rows, self._form, self.dim, "rows")
            if len(positions) != replacing.shape[0]:
                raise InvalidArgument(
                    f"{len(positions)} ids for {replacing.shape[0]} rows, allowed: one for each"
                )
            self._apply(Changes(positions, replacing, None), self._remote())
