"""Random state: the draws that PyNNDescent's constructor makes, in its order.

UMAP hands the same `RandomState` to its index and to its layout. An index that draws more or fewer
words would shift every later number, and with it the embedding, so ours draws exactly as many.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from ._errors import InvalidArgument

_INT32_MIN = -2147483647
_INT32_MAX = 2147483646


class Draw(NamedTuple):
    """What construction draws: two small states that PyNNDescent shows, and the engine's seed."""

    rng_state: np.ndarray[Any, np.dtype[np.int64]]
    search_rng_state: np.ndarray[Any, np.dtype[np.int64]]
    seed: int


def as_random_state(random_state: Any) -> np.random.RandomState:
    """int, RandomState or None (numpy's global one) to a RandomState; ValueError otherwise."""
    if random_state is None or random_state is np.random:
        shared: np.random.RandomState = np.random.mtrand._rand
        return shared
    if isinstance(random_state, Integral):
        return np.random.RandomState(int(random_state))
    if isinstance(random_state, np.random.RandomState):
        return random_state
    raise InvalidArgument(
        f"random_state must be None, an int or a numpy.random.RandomState, got {random_state!r}"
    )


def draw_for_build(random_state: Any) -> Draw:
    """The 8 words of construction: three, three, and one 62-bit number (two words)."""
    state = as_random_state(random_state)
    return Draw(
        state.randint(_INT32_MIN, _INT32_MAX, 3).astype(np.int64),
        state.randint(_INT32_MIN, _INT32_MAX, 3).astype(np.int64),
        int(state.randint(0, 2**62, dtype=np.int64)),
    )


def draw_for_update(random_state: Any) -> None:
    """The 5 words of an update: three, and one 62-bit number. The values are not needed."""
    state = as_random_state(random_state)
    state.randint(_INT32_MIN, _INT32_MAX, 3)
    state.randint(0, 2**62, dtype=np.int64)
