"""Random state: the draws that PyNNDescent's constructor makes, in its order.

UMAP hands the same `RandomState` to its index and to its layout. An index that draws more or fewer
words would shift every later number, and with it the embedding, so ours draws exactly as many.

Without numpy an int gives the very draws that numpy's `RandomState` of it gives (`_mersenne`), so
the same seed makes the same index. None draws from Python's own generator there, not from numpy's.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

from ._errors import InvalidArgument
from ._numpy import PRESENT, np

if not PRESENT:
    from . import _mersenne

_INT32_MIN = -2147483647
_INT32_MAX = 2147483646


class Draw(NamedTuple):
    """What construction draws: two small states that PyNNDescent shows, and the engine's seed."""

    rng_state: Any  # Three int64: an array, or a list without numpy.
    search_rng_state: Any
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
    if not PRESENT:
        return _draw_without_numpy(random_state)
    state = as_random_state(random_state)
    return Draw(
        state.randint(_INT32_MIN, _INT32_MAX, 3).astype(np.int64),
        state.randint(_INT32_MIN, _INT32_MAX, 3).astype(np.int64),
        int(state.randint(0, 2**62, dtype=np.int64)),
    )


def draw_for_update(random_state: Any) -> None:
    """The 5 words of an update: three, and one 62-bit number. The values are not needed."""
    if not PRESENT:
        return  # No state there is shared with anybody.
    state = as_random_state(random_state)
    state.randint(_INT32_MIN, _INT32_MAX, 3)
    state.randint(0, 2**62, dtype=np.int64)


def _draw_without_numpy(random_state: Any) -> Draw:
    words = _mersenne.words(random_state)
    first, second = (
        [_mersenne.between(words, _INT32_MIN, _INT32_MAX) for _ in range(3)] for _ in range(2)
    )
    return Draw(first, second, _mersenne.between(words, 0, 2**62))
