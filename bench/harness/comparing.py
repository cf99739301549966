"""What tasks that compare engines on data sets do alike: cases, attempts, records, refusals."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from . import datasets
from .rounds import Case
from .session import WARM_ROWS, Session
from .suite import Entry


@dataclass(frozen=True)
class Judged:
    """A set whose exact truth is known; ``judge(result, answers_file)`` adds recall to a result."""

    prepared: datasets.Rows
    rows: np.ndarray
    judge: Callable


def of_set(session: Session, judged: Judged, make_job, warm_job, quiet, summarise) -> dict:
    """One part of a result: the set, a record per engine, and the names of those left out.

    ``make_job(entry)`` and ``warm_job(job)`` give jobs, ``quiet(attempt)`` judges disturbance,
    ``summarise(entry, attempts)`` the figures of a table.
    """
    prepared = judged.prepared
    fits, left_out = session.entries_for(prepared.name)

    def case(entry: Entry) -> Case:
        job = make_job(entry)

        def attempt() -> dict:
            return session.run(entry, job, warm_job(job), judged.judge)

        return Case(f"{prepared.name}: {entry.name}", attempt, quiet)

    cases = [case(entry) for entry in fits]
    session.take_turns(cases)
    records = [_record(e, c, summarise) for e, c in zip(fits, cases, strict=True)]
    return {
        "name": prepared.name,
        "about": prepared.about,
        "synthetic": prepared.synthetic,
        "correctness_only": prepared.correctness_only,
        "rows": len(judged.rows),
        "dim": judged.rows.shape[1],
        "metric": prepared.metric,
        "engines": records,
        "left_out": [entry.name for entry in left_out],
    }


def warm_rows(name: str) -> datasets.Rows:
    """The few rows of a run that only brings programs and caches into memory."""
    return datasets.prepare(name, WARM_ROWS)


def _named(entry: Entry) -> dict:
    return {"name": entry.name, "engine": entry.engine, "options": entry.options}


def _record(entry: Entry, case: Case, summarise) -> dict:
    record = {**_named(entry), "attempts": case.attempts}
    if case.error is not None:
        return {**record, "error": case.error}
    detail = case.attempts[-1]["detail"]
    record["version"] = next(iter(detail["versions"].values()))
    record["summary"] = summarise(entry, case.attempts)
    return record


def measured(part: dict) -> Iterable[dict]:
    """The engines of a part that have figures."""
    return (engine for engine in part["engines"] if "error" not in engine)
