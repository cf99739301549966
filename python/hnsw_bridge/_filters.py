"""Which rows a query may return, as callers say it; the engine takes a bit for each id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import DimensionMismatch, UnknownId
from ._ids import Ids, as_ids
from ._numpy import np

if TYPE_CHECKING:
    import numpy.typing as npt


def filter_bits(given: Any, names: Ids) -> npt.NDArray[np.uint8]:
    """A bit for each id, the lowest first.

    Parameters
    ----------
    given : array-like of bool, one for each row; array-like of ids; callable; or Roaring bitmap
        A callable gets the ids of all rows, an int32 array, and returns a bool for each. A bitmap
        is whatever iterates over ids and has pyroaring's ``to_array``.
    """
    if hasattr(given, "to_array"):
        given = np.asarray(given.to_array(), np.int64)
    ids = names.all
    if callable(given):
        given = given(ids)
    chosen = np.asarray(given)
    if chosen.dtype == bool:
        if chosen.shape != ids.shape:
            raise DimensionMismatch(
                f"filter has shape {chosen.shape}, allowed: {ids.shape}, one for each row"
            )
        chosen = ids[chosen]
    elif chosen.size == 0:
        chosen = np.empty(0, np.int64)
    wanted = as_ids(chosen, "filter")
    outside = (wanted < 0) | (wanted >= names.next_id)
    if outside.any():
        raise UnknownId(f"filter has the id {wanted[outside][0]}, allowed: 0..{names.next_id}")
    marks = np.zeros(names.next_id, bool)
    marks[wanted] = True
    bits: npt.NDArray[np.uint8] = np.packbits(marks, bitorder="little")
    return bits
