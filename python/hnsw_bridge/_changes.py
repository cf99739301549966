"""Changes of rows: what `update` is asked for, checked before anything is touched."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ._errors import InvalidArgument
from ._matrix import Rows, rows_of_width


class Changes(NamedTuple):
    """Rows `replacing` those at `positions`, then `fresh` rows at the end; either may be None."""

    positions: npt.NDArray[np.intp] | None
    replacing: Rows | None
    fresh: Rows | None

    def applied_to(self, rows: Rows) -> Rows:
        """The new rows; the old array is not written to."""
        if self.replacing is not None and self.positions is not None:
            rows = rows.copy()
            for position, row in zip(self.positions, self.replacing, strict=True):
                rows[position] = row
        return rows if self.fresh is None else np.vstack([rows, self.fresh])


def checked_changes(
    xs_fresh: Any, xs_updated: Any, updated_indices: Any, shape: tuple[int, int]
) -> Changes | None:
    """What to change in rows of `shape`, or None for nothing. Messages are PyNNDescent's."""
    n, width = shape
    positions = replacing = None
    if xs_updated is not None:
        replacing = _checked_rows(xs_updated, width, "xs_updated")
        positions = _checked_positions(updated_indices, len(replacing), n)
    elif updated_indices is not None:
        warnings.warn(
            "xs_updated not provided, while update_indices provided. They will be ignored.",
            stacklevel=3,
        )
    fresh = None if xs_fresh is None else _checked_rows(xs_fresh, width, "xs_fresh")
    if replacing is None and fresh is None:
        return None
    return Changes(positions, replacing, fresh)


def _checked_rows(data: Any, width: int, name: str) -> Rows:
    rows = rows_of_width(data, width, name)
    if len(rows) == 0:
        raise InvalidArgument(f"{name} must have at least 1 row, got shape {rows.shape}")
    return rows


def _checked_positions(updated_indices: Any, count: int, n: int) -> npt.NDArray[np.intp]:
    if updated_indices is None:
        raise InvalidArgument("If xs_updated are provided, updated_indices must also be provided!")
    try:
        positions = np.array([int(i) for i in updated_indices], dtype=np.intp)
    except (TypeError, ValueError, OverflowError):
        raise InvalidArgument("Could not convert updated indices to list of int(s).") from None
    if len(positions) != count:
        raise InvalidArgument(
            f"Number of updated indices ({len(positions)}) must match "
            f"number of rows of xs_updated ({count})."
        )
    outside = positions[(positions < -n) | (positions >= n)]
    if len(outside):
        raise IndexError(f"updated_indices must be in [-{n}, {n}), got {outside[0]}")
    return positions
