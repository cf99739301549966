"""numpy's legacy generator without numpy: what `RandomState(seed).randint` draws.

Both Python and numpy have the Mersenne twister and differ in how a seed fills it, and in how words
become integers of a range. What may not enter: any other distribution.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from numbers import Integral
from typing import Any, TypeAlias

from ._errors import InvalidArgument

Words: TypeAlias = Callable[[], int]  # The next 32 bits.

_N = 624
_WORD = 2**32


def words(seed: Any) -> Words:
    """Of an int as numpy's `RandomState` of it; of None, from Python's own generator."""
    if seed is None:
        return lambda: random.getrandbits(32)
    if not isinstance(seed, Integral):
        raise InvalidArgument(f"random_state must be None or an int without numpy, got {seed!r}")
    start = int(seed)
    if not 0 <= start < _WORD:
        raise ValueError(f"Seed must be between 0 and 2**32 - 1, got {seed}")  # As numpy has it.
    twister = random.Random()
    twister.setstate((3, (*_filled(start), _N), None))
    return lambda: twister.getrandbits(32)


def _filled(seed: int) -> list[int]:
    """Knuth's recurrence, as in the generator's first publication."""
    state = [seed]
    for i in range(1, _N):
        state.append((1812433253 * (state[-1] ^ state[-1] >> 30) + i) % _WORD)
    return state


def between(next_word: Words, low: int, high: int) -> int:
    """An int from `low` to `high` - 1: words are masked to its bits, and drawn again if above."""
    most = high - 1 - low
    mask = (1 << most.bit_length()) - 1
    while True:
        drawn = next_word()
        if most >= _WORD:
            drawn = drawn << 32 | next_word()
        if drawn & mask <= most:
            return low + (drawn & mask)
