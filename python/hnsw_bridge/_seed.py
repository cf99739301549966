"""Random state: the draws that PyNNDescent's constructor makes, in its order.

UMAP hands the same `RandomState` to its index and to its layout. An index that draws more or fewer
words would shift every later number, and with it the embedding, so ours draws exactly as many.

Without numpy an int gives the very draws that numpy's `RandomState` of it gives (`_mersenne`), so
the same seed makes the same index. None draws from Python's own generator there, not from numpy's.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple, Protocol

from . import _mersenne
from ._errors import InvalidArgument
from ._numpy import PRESENT, np

_INT32_MIN = -2147483647
_INT32_MAX = 2147483646


class Draw(NamedTuple):
    """What construction draws: two small states that PyNNDescent shows, and the engine's seed."""

    rng_state: Any  # Three int64.
    search_rng_state: Any
    seed: int


class _State(Protocol):
    def small(self) -> Any:
        """Three int64, as they fit int32."""

    def large(self) -> int:
        """An int of 62 bits."""


class _InNumpy:
    def __init__(self, state: np.random.RandomState) -> None:
        self._state = state

    def small(self) -> Any:
        return self._state.randint(_INT32_MIN, _INT32_MAX, 3).astype(np.int64)

    def large(self) -> int:
        return int(self._state.randint(0, 2**62, dtype=np.int64))


class _WithoutNumpy:
    def __init__(self, state: _mersenne.Words) -> None:
        self._state = state

    def small(self) -> list[int]:
        return [_mersenne.between(self._state, _INT32_MIN, _INT32_MAX) for _ in range(3)]

    def large(self) -> int:
        return _mersenne.between(self._state, 0, 2**62)


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
    state = _state(random_state)
    return Draw(state.small(), state.small(), state.large())


def draw_for_update(random_state: Any) -> None:
    """The 5 words of an update: three, and one 62-bit number. The values are not needed."""
    state = _state(random_state)
    state.small()
    state.large()


def _state(random_state: Any) -> _State:
    if PRESENT:
        return _InNumpy(as_random_state(random_state))
    return _WithoutNumpy(_mersenne.words(random_state))
