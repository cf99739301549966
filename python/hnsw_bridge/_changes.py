"""Changes of rows: what `update` is asked for, checked before anything is touched."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

from . import _arrays
from ._errors import InvalidArgument
from ._forms import Form, Matrix, Positions
from ._matrix import Shape
from ._numpy import np


class Changes(NamedTuple):
    """Rows `replacing` those at `positions`, others `removed`, then `fresh` rows at the end; each
    may be None. Positions are those before the change; of `removed` ascending, each once."""

    positions: Positions | None
    replacing: Matrix | None
    fresh: Matrix | None
    removed: Positions | None = None
    # What the engine knows the rows at `positions` and `removed` by, where that is something else.
    ids: Positions | None = None
    removed_ids: Positions | None = None

    def applied_to(self, rows: Matrix, form: Form) -> Matrix:
        """The new rows; the old ones are not written to."""
        if self.replacing is not None and self.positions is not None:
            rows = form.replaced(rows, self.positions, self.replacing)
        if self.removed is not None:
            rows = rows[np.delete(np.arange(rows.shape[0]), self.removed)]
        return rows if self.fresh is None else form.stacked(rows, self.fresh)

    def named(self, ids: Positions) -> Changes:
        """The same, with the ids of the rows at all positions."""

        def of(positions: Positions | None) -> Positions | None:
            return None if positions is None else ids[positions]

        return self._replace(ids=of(self.positions), removed_ids=of(self.removed))


def checked_changes(
    xs_fresh: Any,
    xs_updated: Any,
    updated_indices: Any,
    form: Form,
    shape: Shape,
    prefix: str = "xs_",
) -> Changes | None:
    """What to change in rows of `shape`, or None for nothing. Messages are PyNNDescent's, with its
    names, unless `prefix` is another."""
    n, width = shape
    positions = replacing = None
    if xs_updated is not None:
        replacing = checked_rows(xs_updated, form, width, f"{prefix}updated")
        positions = _checked_positions(updated_indices, replacing.shape[0], n)
    elif updated_indices is not None:
        warnings.warn(
            "xs_updated not provided, while update_indices provided. They will be ignored.",
            stacklevel=3,
        )
    fresh = None if xs_fresh is None else checked_rows(xs_fresh, form, width, f"{prefix}fresh")
    if replacing is None and fresh is None:
        return None
    return Changes(positions, replacing, fresh)


def checked_rows(data: Any, form: Form, width: int, name: str) -> Matrix:
    rows = form.given(data, width, name)
    if rows.shape[0] == 0:
        raise InvalidArgument(f"{name} must have at least 1 row, got shape {rows.shape}")
    return rows


def _checked_positions(updated_indices: Any, count: int, n: int) -> Positions:
    if updated_indices is None:
        raise InvalidArgument("If xs_updated are provided, updated_indices must also be provided!")
    try:
        positions = _arrays.int64s([int(i) for i in updated_indices])
    except (TypeError, ValueError, OverflowError):
        raise InvalidArgument("Could not convert updated indices to list of int(s).") from None
    if len(positions) != count:
        raise InvalidArgument(
            f"Number of updated indices ({len(positions)}) must match "
            f"number of rows of xs_updated ({count})."
        )
    outside = _arrays.outside(positions, n)
    if outside is not None:
        raise IndexError(f"updated_indices must be in [-{n}, {n}), got {outside}")
    turned: Positions = _arrays.from_the_start(positions, n)
    return turned
