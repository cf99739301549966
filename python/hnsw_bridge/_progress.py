"""Progress while a call runs: a bar where somebody looks on, lines where a file does.

    terminal, notebook   tqdm's bar, with the server's guess of the seconds left
    anything else        a line when a phase begins: no control characters in logs

Both go to stderr, and only when verbose. Without tqdm there are lines everywhere.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, Protocol

from ._connection import ProgressListener


@contextlib.contextmanager
def progress_bar(verbose: bool) -> Iterator[ProgressListener | None]:
    """A listener that shows what it hears, or None when not verbose."""
    if not verbose:
        yield None
        return
    shown, finished = _display(), False
    try:
        yield shown.show
        finished = True
    finally:
        shown.close(finished)


class _Display(Protocol):
    def show(
        self, phase: str, done: int, total: int, seconds_left: float | None = None
    ) -> None: ...

    def close(self, finished: bool) -> None: ...


def _display() -> _Display:
    if _is_terminal() or _is_notebook():
        with contextlib.suppress(ImportError):
            from tqdm.auto import tqdm

            return _Bars(tqdm)
    return _Lines()


def _is_terminal() -> bool:
    is_terminal = getattr(sys.stderr, "isatty", None)  # None without a console, or an own stream.
    return is_terminal is not None and bool(is_terminal())


def _is_notebook() -> bool:
    """A kernel has no terminal, but its front end draws what a terminal would."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return "IPKernelApp" in getattr(shell, "config", ())


class _Bars:
    """One bar at a time, of the running phase; it is wiped when the phase ends."""

    def __init__(self, tqdm: Any) -> None:
        self._tqdm = tqdm
        self._phase = ""
        self._bar: Any = None

    def show(self, phase: str, done: int, total: int, seconds_left: float | None = None) -> None:
        layout = self._format(seconds_left)
        if self._bar is None or phase != self._phase:
            self.close(finished=True)
            self._phase = phase
            self._bar = self._tqdm(
                desc=phase, total=total, initial=done, leave=False, bar_format=layout
            )
        self._bar.bar_format = layout
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def _format(self, seconds_left: float | None) -> str | None:
        """tqdm's own bar, its guess of the rest replaced by the server's where there is one."""
        if seconds_left is None:
            return None
        left = self._tqdm.format_interval(seconds_left)
        return f"{{l_bar}}{{bar}}| {{n_fmt}}/{{total_fmt}} [{{elapsed}}<{left}, {{rate_fmt}}]"

    def close(self, finished: bool) -> None:
        """Wipe the bar. A notebook keeps one that is not full, and shows it as failed."""
        if self._bar is not None:
            if finished:
                self._bar.n = self._bar.total
            self._bar.close()
        self._bar = None


class _Lines:
    """A line for each phase that takes long enough to be told of."""

    def __init__(self) -> None:
        self._phase = ""

    def show(self, phase: str, done: int, total: int, seconds_left: float | None = None) -> None:
        if phase == self._phase or not total or sys.stderr is None:
            return
        self._phase = phase
        left = "" if seconds_left is None else f", about {seconds_left:.0f} s left"
        print(f"hnsw-bridge: {phase}, {done} of {total} done{left}", file=sys.stderr, flush=True)

    def close(self, finished: bool) -> None:
        pass
