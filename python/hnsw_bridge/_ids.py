"""Which row has which id: the same numbers until rows are deleted.

Rows are in the order of their ids. An id is given once. The engine keeps the same list; this one is
what rows that outlive their server are named by again. What may not enter: rows, and the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ._errors import InvalidArgument, UnknownId
from ._numpy import np

if TYPE_CHECKING:
    import numpy.typing as npt


class Ids(NamedTuple):
    """Ids of rows, ascending, as the bytes of int32 (a pickle needs no numpy), and the next one."""

    numbers: bytes
    next_id: int

    @classmethod
    def of(cls, numbers: Any, next_id: int) -> Ids:
        return cls(np.ascontiguousarray(numbers, "<i4").tobytes(), next_id)

    @classmethod
    def first(cls, n: int) -> Ids:
        return cls.of(np.arange(n), n)

    @property
    def all(self) -> npt.NDArray[np.int32]:
        return np.frombuffer(self.numbers, "<i4").astype(np.int32)

    def positions(self, ids: Any, name: str = "ids") -> npt.NDArray[np.int32]:
        """Where the rows of these ids are. Raises UnknownId for an id that no row has."""
        wanted, known = as_ids(ids, name), self.all
        at = np.searchsorted(known, wanted)
        missing = known[np.minimum(at, len(known) - 1)] != wanted
        if missing.any():
            raise UnknownId(f"no row has the id {wanted[missing][0]}, allowed: those in `ids`")
        positions: npt.NDArray[np.int32] = at.astype(np.int32)
        return positions

    def changed(self, gone: npt.NDArray[np.int32] | None, fresh: int) -> Ids:
        """Without the rows at the positions `gone`, and with so many more."""
        kept = self.all if gone is None else np.delete(self.all, gone)
        added = np.arange(self.next_id, self.next_id + fresh)
        return Ids.of(np.concatenate([kept, added]), self.next_id + fresh)


def as_ids(ids: Any, name: str = "ids") -> npt.NDArray[np.int64]:
    """A list of integers. Raises InvalidArgument for anything else."""
    numbers = np.atleast_1d(np.asarray(ids))
    if numbers.size and numbers.dtype.kind not in "iu":
        raise InvalidArgument(f"{name} must be integers, got dtype {numbers.dtype}")
    if numbers.ndim != 1:
        raise InvalidArgument(f"{name} have {numbers.ndim} dimensions, allowed: 1")
    known: npt.NDArray[np.int64] = numbers.astype(np.int64)
    return known
