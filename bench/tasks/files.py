"""Task ``files``: an index is built, saved, and loaded again, read into memory and mapped.

Files lie in the page cache: what is measured is what an engine does with the bytes. A load ends
with one query, so that what an engine puts off until it is asked is in its seconds; the seconds
until the call itself has returned stand beside. What was loaded is asked all queries.
"""

import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from harness import comparing, datasets, process_side, recall, report, summary, truth
from harness.comparing import Judged
from harness.load import Stopwatch

LOADS = 3
WAYS = ("load", "map")


def run(job: dict) -> dict:
    """In the fresh process: build, save, load and map some times, check; answers of each way."""
    engine, rows, queries, started = process_side.start(job, ("rows", "queries"))
    setting, k, times, answers = job["settings"][0], job["k"], {}, {}
    with Stopwatch() as built:
        index = engine.ready(rows, k, job["metric"], job["options"])
    times["build"] = asdict(built)
    answers["built"] = _answer(engine, index, queries, job)
    with tempfile.TemporaryDirectory(prefix="hnsw-bench-") as folder:
        path = str(Path(folder, "index"))
        with Stopwatch() as saved:
            engine.save(index, path)
        times["save"] = asdict(saved)
        detail = engine.describe(index)
        detail.pop("helpers", None)
        engine.release(index)
        for way in WAYS if hasattr(engine, "map") else WAYS[:1]:
            calls = []
            for _ in range(LOADS):
                with Stopwatch() as opened:
                    index = getattr(engine, way)(path, rows.shape, job["metric"])
                with Stopwatch() as first:
                    engine.query(index, queries[:1], k, setting, job["threads"])
                answers[way] = _answer(engine, index, queries, job)
                engine.release(index)
                calls.append((asdict(opened), asdict(first)))
            best = min(calls, key=lambda each: each[0]["seconds"] + each[1]["seconds"])
            times[way], times[f"{way}_first"] = best
        if hasattr(engine, "verify"):
            with Stopwatch() as verified:
                engine.verify(path)
            times["verify"] = asdict(verified)
        megabytes = Path(path).stat().st_size / 1e6
    np.savez(job["answers"], **answers)
    return {**started, "times": times, "megabytes": megabytes, "detail": detail}


def _answer(engine, index, queries, job) -> np.ndarray:
    found = engine.query(index, queries, job["k"], job["settings"][0], job["threads"])
    return np.asarray(found, np.int32)


def measure(session) -> list[dict]:
    return [_of_set(session, name) for name in session.sets]


def _of_set(session, name: str) -> dict:
    plan = session.plan
    prepared = datasets.prepare(name, session.rows or plan.more["rows"])
    rows, queries = prepared.load(), np.load(prepared.queries)
    session.say(f"{name}: exact truth of {len(queries)} queries")
    exact, _ = truth.cached_query_truth(prepared.path.stem, rows, queries, plan.k, prepared.metric)

    def judge(result: dict, answers_file) -> None:
        with np.load(answers_file) as answers:
            result["recall"] = {
                way: recall.judge(answers[way], rows, queries, exact).recall for way in answers
            }

    return comparing.of_set(
        session,
        Judged(prepared, rows, judge),
        lambda entry: {
            **session.base_job(entry, prepared),
            "rows": str(prepared.path),
            "queries": str(prepared.queries),
        },
        lambda job: {**job, "rows": str(comparing.warm_rows(name).path)},
        lambda attempt: summary.undisturbed([*attempt["times"].values()]),
        lambda entry, attempts: _figures(attempts),
    )


def _figures(attempts: list[dict]) -> dict:
    names = attempts[0]["times"]
    best = {name: min(a["times"][name]["seconds"] for a in attempts) for name in names}
    quiet = any(summary.undisturbed([*attempt["times"].values()]) for attempt in attempts)
    lowest = {way: min(a["recall"][way] for a in attempts) for way in attempts[0]["recall"]}
    megabytes = attempts[0]["megabytes"]
    return {"seconds": best, "quiet": quiet, "recall": lowest, "megabytes": megabytes}


def circumstances(result: dict) -> list[str]:
    return [
        "load, map: until the call returns, and + until the first query is answered, best of "
        f"{LOADS}, the file in the page cache; all bytes are checked by the engines that check any",
        f"recall@{result['k']} of all queries: of the index that was built, loaded, mapped",
    ]


def lines(result: dict) -> list[str]:
    out = []
    for part in result["data"]:
        out += [f"## {part['name']}", "", f"{part['about']}; used: {report.shape(part)}.", ""]
        out += [*table(part, result), *report.left_out(part), ""]
    return out


def table(part: dict, result: dict) -> list[str]:
    head = ["engine", "version", "options", "MB", "build s", "save s", "load s", "map s"]
    head += ["verify s", "build / load", f"recall@{result['k']}"]
    rows = []
    for engine in part["engines"]:
        if "error" in engine:
            rows.append(report.not_measured(engine, len(head)))
            continue
        figures = engine["summary"]
        taken = figures["seconds"]
        ready = taken["load"] + taken["load_first"]
        cells = [_cell(taken, name, figures["quiet"]) for name in ("build", "save", *WAYS)]
        cells += [_cell(taken, "verify", figures["quiet"]), f"{taken['build'] / ready:.0f}"]
        named = [engine["name"], engine["version"] or "-", report.setting(engine["options"])]
        quality = " / ".join(f"{value:.4f}" for value in figures["recall"].values())
        rows.append([*named, f"{figures['megabytes']:.0f}", *cells, quality])
    return report.table(head, "lll" + "r" * 8, rows)


def _cell(taken: dict, name: str, quiet: bool) -> str:
    if name not in taken:
        return "-"
    shown = f"{taken[name]:.4f}" if taken[name] < 1 else f"{taken[name]:.2f}"
    first = taken.get(f"{name}_first")
    return (shown if first is None else f"{shown} + {first:.4f}") + ("" if quiet else "!")
