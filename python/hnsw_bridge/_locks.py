"""Locks that survive a fork: a child finds them free, whoever held them in the parent.

Without that, a child forked while another thread is inside a call would wait for ever: the thread
that would release the lock does not exist there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

_locks: WeakSet[ForkSafeLock] = WeakSet()


class ForkSafeLock:
    """A lock made by `make` (``threading.Lock`` or ``threading.RLock``), usable in a ``with``."""

    def __init__(self, make: Callable[[], Any] = threading.RLock) -> None:
        self._make = make
        self._lock = make()
        _locks.add(self)

    def try_acquire(self) -> bool:
        """Take the lock if that needs no waiting."""
        return bool(self._lock.acquire(blocking=False))

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        self._lock = self._make()


def _after_fork_in_child() -> None:
    for lock in list(_locks):
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
