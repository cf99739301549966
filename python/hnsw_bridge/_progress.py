"""Progress: a tqdm bar while a call runs, in terminals and notebooks; silent unless verbose."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ._connection import ProgressListener


@contextlib.contextmanager
def progress_bar(verbose: bool) -> Iterator[ProgressListener | None]:
    """A listener that draws on stderr, or None when not verbose or without tqdm."""
    if not verbose:
        yield None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield None
        return
    bars: list[Any] = []

    def on_progress(phase: str, done: int, total: int) -> None:
        if not bars or bars[-1].desc != phase:
            for finished in bars:
                finished.close()
            bars[:] = [tqdm(total=total, desc=phase, unit_scale=True, leave=False)]
        bars[-1].total = total
        bars[-1].update(done - bars[-1].n)

    try:
        yield on_progress
    finally:
        for bar in bars:
            bar.close()
