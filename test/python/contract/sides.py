"""The sides of the contract, ours and the real PyNNDescent's, and what the latter is not asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

UPSTREAM = "upstream"
SIDES = ("ours", UPSTREAM)
# Both of our ways to answer, as engine options; upstream has one.
ENGINES: dict[str, dict[str, str]] = {
    "ours-exact": {"algorithm": "exact"},
    "ours-walk": {"algorithm": "hnsw"},
    UPSTREAM: {},
}
COMPILES = "each further metric compiles for up to 24 s, and the golden values hold what it says"


def ours_only(reason: str) -> pytest.MarkDecorator:
    """Marks a test, or one case of it, of which PyNNDescent is not asked."""
    return pytest.mark.ours_only(reason=reason)


def cases(table: dict[str, Any]) -> list[Any]:
    """A table of named cases as parameters. A case is its value or values; a mark may end them."""
    params = []
    for name, case in table.items():
        values = list(case) if isinstance(case, tuple) else [case]
        marks = [values.pop()] if isinstance(values[-1], pytest.MarkDecorator) else []
        params.append(pytest.param(*values, id=name, marks=marks))
    return params


def is_ours(index_class: type[Any]) -> bool:
    return index_class.__module__.startswith("hnsw_bridge")


def same_bytes(left: Any, right: Any) -> bool:
    """Whether two tuples of arrays are equal to the last bit."""
    return all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(left, right, strict=True)
    )


def all_distinct(indices: Any) -> bool:
    """Whether no row (q, k) of ids names one twice."""
    ordered = np.sort(indices, axis=1)
    return bool((ordered[:, 1:] != ordered[:, :-1]).all())
