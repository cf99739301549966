"""The bench: every engine on the same rows, each in a fresh process, recall beside every speed.

    python bench/run.py --suite graph [--data NAME,...] [--rows N] [--peers a,b]
                        [--quick] [--truth sample|all] [--out DIR]

Writes ``SUITE.json`` (everything measured) and ``SUITE.md`` (the table) to the output folder.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from harness import datasets, machine, peers, recall, report, suite, summary, truth
from harness.datasets import DataMissing
from harness.paths import BENCH
from harness.peers import PeerMissing
from harness.process import run_job
from tasks.graph import answer_name

WARM_ROWS = 512


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--suite", default="graph", help=f"one of: {', '.join(suite.names())}")
    parser.add_argument("--data", help=f"comma-separated, of: {', '.join(datasets.SOURCES)}")
    parser.add_argument("--rows", type=int, help="only the first N rows of each set")
    parser.add_argument("--peers", help="comma-separated; default: all of the suite")
    parser.add_argument("--quick", action="store_true", help="fewer rows, one attempt")
    parser.add_argument("--truth", choices=("sample", "all"), default="sample", help="rows judged")
    parser.add_argument("--out", type=Path, default=BENCH / "out", help="folder for the results")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    options = arguments(argv)
    try:
        plan = suite.load(options.suite)
        entries = suite.chosen(plan, _split(options.peers))
        sets = _split(options.data) or plan.data
        result = _header(plan, options)
        for name in sets:
            result["data"].append(_measure(plan, entries, name, options))
    except (ValueError, DataMissing) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    _write(result, options.out)
    return 0


def _split(text: str | None) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] if text is not None else None


def _header(plan: suite.Suite, options: argparse.Namespace) -> dict:
    size = plan.recall["rows"]
    return {
        "suite": plan.name,
        "about": plan.about,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine.describe(),
        "threads": machine.cores(),
        "k": plan.k,
        "least_recall": plan.recall["least"],
        "truth": "on all rows" if options.truth == "all" else f"on a seeded sample of {size} rows",
        "data": [],
    }


def _measure(plan: suite.Suite, entries: list, name: str, options: argparse.Namespace) -> dict:
    count = options.rows or (plan.quick.get("rows") if options.quick else None)
    prepared = datasets.prepare(name, count)
    rows = prepared.load()
    size = None if options.truth == "all" else plan.recall["rows"]
    _say(f"{name}: exact truth of {min(size or len(rows), len(rows))} rows")
    exact = truth.cached_graph_truth(prepared.path.stem, rows, plan.k, prepared.metric, size)
    wanted = plan.quick["attempts"] if options.quick else plan.attempts
    engines = _attempts(plan, entries, prepared, rows, exact, wanted)
    return {
        "name": name,
        "about": prepared.about,
        "synthetic": prepared.synthetic,
        "rows": len(rows),
        "dim": rows.shape[1],
        "metric": prepared.metric,
        "engines": engines,
    }


def _attempts(plan, entries, prepared, rows, exact, wanted: dict) -> list[dict]:
    """Rounds over all engines, each until it has enough quiet attempts, or the most allowed."""
    records = [
        {"name": e.name, "engine": e.engine, "options": e.options, "attempts": []} for e in entries
    ]
    for number in range(wanted["most"]):
        for entry, record in zip(entries, records, strict=True):
            if "error" in record or _quiet_ones(record) >= wanted["quiet"]:
                continue
            _say(f"{prepared.name}: {entry.name}, attempt {number + 1} of at most {wanted['most']}")
            _attempt(plan, entry, record, prepared, rows, exact)
    for entry, record in zip(entries, records, strict=True):
        _summarise(plan, entry, record)
    return records


def _quiet_ones(record: dict) -> int:
    return sum(summary.quiet(attempt) for attempt in record["attempts"])


def _attempt(plan, entry, record, prepared, rows, exact) -> None:
    job = {
        "task": plan.task,
        "engine": entry.engine,
        "rows": str(prepared.path),
        "metric": prepared.metric,
        "k": plan.k,
        "calls": entry.calls,
        "options": entry.options,
        "settings": entry.settings,
        "threads": machine.cores(),
    }
    try:
        python = peers.python_for(entry.engine)
        _warm_up(python, job, prepared.name)
        outcome = run_job(python, job, lambda r, path: _judge(r, path, rows, exact))
    except PeerMissing as error:
        outcome = {"error": f"cannot be installed here: {error}"}
    if "error" in outcome:
        record["error"] = outcome["error"]
    else:
        record["attempts"].append(outcome)


def _warm_up(python: Path, job: dict, name: str) -> None:
    """A small run in a process of its own: programs and on-disk caches are in memory after it."""
    small = str(datasets.prepare(name, WARM_ROWS).path)
    run_job(python, {**job, "rows": small, "calls": 1}, lambda result, path: None)


def _judge(result: dict, answers_file: Path, rows: np.ndarray, exact: truth.Truth) -> None:
    with np.load(answers_file) as answers:
        for number, call in enumerate(result["calls"]):
            for position, setting in enumerate(call["settings"]):
                quality = recall.judge_graph(answers[answer_name(number, position)], rows, exact)
                setting["recall"] = quality.recall
                setting["distance_error"] = quality.distance_error


def _summarise(plan, entry, record) -> None:
    if "error" in record:
        return
    versions = record["attempts"][-1]["calls"][-1]["detail"]["versions"]
    record["version"] = next(iter(versions.values()))
    record["summary"] = [
        summary.summarise(record["attempts"], position, plan.recall["least"])
        for position in range(len(entry.settings))
    ]


def _write(result: dict, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result['suite']}.json").write_text(json.dumps(result, indent=2) + "\n")
    text = report.markdown(result)
    (folder / f"{result['suite']}.md").write_text(text)
    print(text)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
