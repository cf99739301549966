"""Seconds of calls, the same way for every way."""

import time
from collections.abc import Callable

import numpy as np


def median_s(call: Callable[[], object], count: int) -> float:
    """Median over `count` calls, after a tenth as many that are not counted."""
    for _ in range(max(1, count // 10)):
        call()
    return float(np.median([_seconds(call) for _ in range(count)]))


def best_s(call: Callable[[], object], count: int = 5) -> float:
    """The fastest of `count` calls: for transfers of many megabytes."""
    return min(_seconds(call) for _ in range(count))


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
