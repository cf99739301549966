"""One run of one suite: what was asked for, and the means to measure it. Tasks get one of these."""

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import datasets, machine, peers
from .peers import PeerMissing
from .process import run_job
from .rounds import Case, take_turns
from .suite import Entry, Suite

WARM_ROWS = 512


@dataclass
class Session:
    """``options``: the command line (quick, rows, truth, out, data, peers, glass, minutes)."""

    plan: Suite
    entries: list[Entry]
    options: argparse.Namespace
    warmed: set[tuple] = field(default_factory=set)
    started: float = field(default_factory=time.monotonic)

    @property
    def sets(self) -> list[str]:
        """Names of the data sets to measure on."""
        return split(self.options.data) or self.plan.data

    @property
    def rows(self) -> int | None:
        """How many rows of each set; None: all."""
        return self.options.rows or (self.plan.quick.get("rows") if self.options.quick else None)

    @property
    def attempts(self) -> dict:
        """See `rounds.take_turns`."""
        quick = self.plan.quick.get("attempts") if self.options.quick else None
        return quick or self.plan.attempts

    @property
    def is_over(self) -> bool:
        """Whether the minutes that were given are up."""
        minutes = self.options.minutes
        return minutes is not None and time.monotonic() > self.started + 60 * minutes

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def python_for(self, engine: str) -> Path:
        """The interpreter that has the engine; raises PeerMissing."""
        return peers.python_for(engine, self.options.glass)

    def entries_for(self, name: str) -> tuple[list[Entry], list[Entry]]:
        """The entries measured on that set, and those left out because they take minutes there."""
        asked = split(self.options.peers)
        fits = [
            e.data is None or name in e.data or bool(asked and {e.engine, e.name} & {*asked})
            for e in self.entries
        ]
        pairs = list(zip(self.entries, fits, strict=True))
        return [e for e, fit in pairs if fit], [e for e, fit in pairs if not fit]

    def base_job(self, entry: Entry, prepared: datasets.Rows) -> dict:
        """What every job of an engine on a set says."""
        return {
            "task": self.plan.task,
            "engine": entry.engine,
            "rows": str(prepared.path),
            "metric": prepared.metric,
            "k": self.plan.k,
            "calls": entry.calls,
            "options": entry.options,
            "settings": entry.settings,
            "threads": machine.cores(),
        }

    def run(self, entry: Entry, job: dict, warm: dict | None = None, judge=None) -> dict:
        """The job in a fresh process: its result with ``wall_s``, or ``{"error": text}``.

        ``judge(result, answers_file)`` adds to a good result what its answers show. The first job
        of an engine and metric is preceded by ``warm`` in a process of its own: programs and
        on-disk caches are in memory afterwards.
        """
        if self.is_over:
            return {"error": f"the {self.options.minutes:g} minutes of --minutes were over"}
        try:
            python = self.python_for(entry.engine)
        except PeerMissing as error:
            return {"error": f"cannot be installed here: {error}"}
        limit = entry.limit_s or self.plan.limit_s
        key = (entry.engine, job.get("metric"))
        if warm is not None and key not in self.warmed:
            self.warmed.add(key)
            run_job(python, warm, lambda result, path: None, limit)
        return run_job(python, job, judge or (lambda result, path: None), limit)

    def take_turns(self, cases: list[Case]) -> None:
        take_turns(cases, self.attempts, self.say)


def split(text: str | None) -> list[str] | None:
    """The parts of a comma-separated argument; None stays None."""
    return [part.strip() for part in text.split(",") if part.strip()] if text is not None else None
