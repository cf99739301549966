"""Waiting for an event that another process has in its own time. A test's timeout is the bound."""

import time
from collections.abc import Callable


def until(happened: Callable[[], bool]) -> bool:
    while not happened():
        time.sleep(0.02)
    return True
