"""Task ``scale``: the neighbour graph of the first n rows of a set, for growing n.

Each side of our engine is forced in turn, beside the side that the cost model picks by itself. What
counts is the engine's own time: upload and reply are the same whichever side answers. A small call
comes before those that are timed, so that no figure holds a start or a compilation.
"""

import math
from dataclasses import asdict

import numpy as np
from harness import datasets, process_side, recall, report, truth
from harness.load import Stopwatch
from harness.rounds import Case
from harness.session import split
from harness.suite import is_own
from harness.summary import undisturbed

SMALL = 500
# From here on time is to grow at most like n^1.2.
SLOPE_FROM = 100_000


def run(job: dict) -> dict:
    """In the fresh process: calls on the first ``job["count"]`` rows until the time is spent."""
    rows = np.ascontiguousarray(np.load(job["rows"], mmap_mode="r")[: job["count"]])
    engine, started = process_side.start(job, ())
    engine.release(_call(engine, rows[:SMALL], job)[1])
    calls, spent = [], 0.0
    while not calls or (spent < job["seconds"] and len(calls) < job["most_calls"]):
        call, index, indices = _call(engine, rows, job)
        call["memory"] = process_side.memory(call["detail"])
        engine.release(index)
        spent += call["seconds"]
        calls.append(call)
    np.savez(job["answers"], indices=np.asarray(indices, dtype=np.int32))
    return {**started, "calls": calls, "detail": calls[-1]["detail"]}


def _call(engine, rows, job):
    with Stopwatch() as timing:
        index = engine.build(rows, job["k"], job["metric"], job["options"])
        indices = engine.neighbors(index, rows, job["k"], {})
    return {**asdict(timing), "detail": engine.describe(index)}, index, indices


def measure(session) -> list[dict]:
    names = split(session.options.data) or _quick(session).get("data") or session.plan.data
    return [_of_set(session, name) for name in names]


def _quick(session) -> dict:
    return session.plan.quick if session.options.quick else {}


def _of_set(session, name: str) -> dict:
    prepared = datasets.prepare(name)
    rows = np.load(prepared.path, mmap_mode="r")
    most = min(len(rows), session.options.rows or len(rows))
    sizes = _quick(session).get("sizes") or session.plan.more["sizes"]
    return {
        "name": name,
        "about": prepared.about,
        "synthetic": prepared.synthetic,
        "dim": rows.shape[1],
        "metric": prepared.metric,
        "sizes": [_of_size(session, prepared, rows[:n]) for n in sizes if n <= most],
    }


def _of_size(session, prepared, rows) -> dict:
    plan, count = session.plan, len(rows)
    only = plan.more["only"]
    entries = [e for e in session.entries if count in only.get(e.engine, [count])]
    exact = truth.cached_graph_truth(
        f"{prepared.path.stem}-first{count}", rows, plan.k, prepared.metric, plan.recall["rows"]
    )

    def judge(result: dict, answers_file) -> None:
        with np.load(answers_file) as answers:
            result["recall"] = recall.judge_graph(answers["indices"], rows, exact).recall

    def case(entry) -> Case:
        job = {
            **session.base_job(entry, prepared),
            "count": count,
            "seconds": plan.more["seconds"],
            "most_calls": plan.more["most_calls"],
        }
        return Case(
            f"{prepared.name}, {count} rows: {entry.name}",
            lambda: session.run(entry, job, {**job, "count": SMALL, "seconds": 0.0}, judge),
            lambda attempt: undisturbed(attempt["calls"]),
        )

    cases = [case(entry) for entry in entries]
    session.take_turns(cases)
    least = plan.recall["least"]
    records = [_record(e, c, least) for e, c in zip(entries, cases, strict=True)]
    return {"rows": count, "engines": records}


def _record(entry, case: Case, least: float) -> dict:
    record = {"name": entry.name, "engine": entry.engine, "attempts": case.attempts}
    if case.error is not None:
        return {**record, "error": case.error}
    return {**record, **_figures(case.attempts, least)}


def _figures(attempts: list[dict], least: float) -> dict:
    """The best call of the undisturbed attempts, or of all where every one was disturbed."""
    quiet = [attempt for attempt in attempts if undisturbed(attempt["calls"])]
    calls = [call for attempt in quiet or attempts for call in attempt["calls"]]
    found = min(attempt["recall"] for attempt in attempts)
    chosen = calls[-1]["detail"].get("plan", {}).get("neighbor_graph", {})
    stated = found >= least
    return {
        "recall": found,
        "estimated_recall": chosen.get("recall"),
        "engine_s": min(map(_engine_s, calls)) if stated else None,
        "caller_s": min(call["seconds"] for call in calls) if stated else None,
        "quiet": bool(quiet),
        "algorithm": chosen.get("algorithm"),
        "codes": chosen.get("codes"),
        "memory_over_data_mb": _memory(attempts),
    }


def _engine_s(call: dict) -> float:
    told = call["detail"].get("compute_s")
    return call["seconds"] if told is None else told


def _memory(attempts: list[dict]) -> float | None:
    """Highest sum of the processes' peaks, less what the process had with nothing but the data."""
    memories = [(c["memory"], a["data_mb"]) for a in attempts for c in a["calls"]]
    peaks = [[m["process_mb"], *m["helpers_mb"], data] for m, data in memories]
    if any(peak is None for one in peaks for peak in one):
        return None
    return max(sum(one[:-1]) - one[-1] for one in peaks)


def ratio(size: dict) -> float | None:
    """Time of ``auto`` over that of the better side; None where a figure is missing."""
    seconds = {e["name"]: e.get("engine_s") for e in size["engines"]}
    sides = [s for s in (seconds.get("exact"), seconds.get("approximate")) if s is not None]
    auto = seconds.get("auto")
    return auto / min(sides) if sides and auto is not None else None


def slope(part: dict, name: str, start: int = SLOPE_FROM) -> float | None:
    """The exponent of n by which the engine's time grows from ``start`` rows to the most."""
    known = [
        (size["rows"], engine["engine_s"])
        for size in part["sizes"]
        for engine in size["engines"]
        if size["rows"] >= start and engine["name"] == name and engine.get("engine_s")
    ]
    if len(known) < 2:
        return None
    (first, before), (last, after) = known[0], known[-1]
    return math.log(after / before) / math.log(last / first)


def circumstances(result: dict) -> list[str]:
    return [
        f"recall@{result['k']}: self included, ties count, truth on a seeded sample of "
        f"{result['recall']['rows']} rows; no speed is stated below {result['recall']['least']}",
        "engine = seconds that the engine says it computed, the best call; caller = from a numpy "
        "array to a numpy array; both after a small call that started or compiled everything",
        "auto / better: engine seconds of what the cost model picked over the better forced side",
    ]


def lines(result: dict) -> list[str]:
    out = []
    for part in result["data"]:
        mark = ", SYNTHETIC" if part["synthetic"] else ""
        out += [f"## {part['name']}", "", f"{part['about']}; the first n rows{mark}.", ""]
        out += [*_table(part), "", *_told(part), ""]
    return out


def _table(part: dict) -> list[str]:
    head = ["rows", "engine", "by", "engine s", "caller s", "recall", "estimate", "memory MB"]
    head += ["auto / better"]
    rows = [_row(size, engine, head) for size in part["sizes"] for engine in size["engines"]]
    return report.table(head, "rll" + "r" * 6, rows)


def _row(size: dict, engine: dict, head: list[str]) -> list[str]:
    if "error" in engine:
        row = report.not_measured(engine, len(head) - 1)
        return [str(size["rows"]), *row]
    stated = engine["engine_s"] is not None
    by = [engine["algorithm"], engine["codes"]] if engine["algorithm"] else ["-"]
    relative = ratio(size) if engine["name"] == "auto" else None
    estimate = engine["estimated_recall"]
    return [
        str(size["rows"]),
        engine["name"],
        ", ".join(by),
        _seconds(engine["engine_s"], engine["quiet"]) if stated else "recall too low",
        _seconds(engine["caller_s"], engine["quiet"]) if stated else "recall too low",
        f"{engine['recall']:.4f}",
        "-" if estimate is None else f"{estimate:.4f}",
        report.megabytes(engine["memory_over_data_mb"]),
        "" if relative is None else f"{relative:.2f}",
    ]


def _seconds(value: float, quiet: bool) -> str:
    return f"{value:.3g}{'' if quiet else '!'}"


def _told(part: dict) -> list[str]:
    out = []
    ratios = [(r, size["rows"]) for size in part["sizes"] if (r := ratio(size)) is not None]
    if ratios:
        worst, rows = max(ratios)
        out.append(f"- auto takes at most {worst:.2f} times the better side (at {rows} rows)")
    names = dict.fromkeys(e["name"] for size in part["sizes"] for e in size["engines"])
    for name in names:
        grown = slope(part, name)
        if grown is not None:
            out.append(f"- {name}: time grows like n^{grown:.2f} from {SLOPE_FROM} rows on")
    return out


def plots(result: dict) -> list[dict]:
    return [
        {
            "file": f"scale-{part['name']}",
            "title": f"Neighbour graph of n rows x {part['dim']}, k = {result['k']}",
            "x": {"label": "rows", "log": True},
            "y": {"label": "engine seconds", "log": True},
            "series": _series(part),
            "note": f"{part['about']}; recall@{result['k']} at least {result['recall']['least']}",
        }
        for part in result["data"]
    ]


def _series(part: dict) -> list[dict]:
    """One line for each engine; figures without a speed are left out."""
    points: dict[str, dict] = {}
    for size in part["sizes"]:
        for engine in size["engines"]:
            if engine.get("engine_s") is not None:
                own = is_own(engine["engine"]) and engine["name"] == "auto"
                empty = {"name": engine["name"], "x": [], "y": [], "own": own}
                series = points.setdefault(engine["name"], empty)
                series["x"].append(size["rows"])
                series["y"].append(engine["engine_s"])
    return [*points.values()]
