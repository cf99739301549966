"""Task ``query``: batches of queries that the rows do not hold, at rising effort.

One process makes the index with all threads, then asks it on each number of threads. Settings rise
until the recall is above what the suite looks for; a setting is asked again until it was
undisturbed. The speed at a recall is interpolated (`harness.sweep`).
"""

from dataclasses import asdict

import numpy as np
from harness import comparing, machine, process_side, recall, report, summary, sweep, truth
from harness.comparing import Judged
from harness.load import Stopwatch
from harness.suite import is_own

WARM_QUERIES = 256


def run(job: dict) -> dict:
    """In the fresh process: the index made, then its sweeps; answers in ``job["answers"]``."""
    engine, rows, queries, started = process_side.start(job, ("rows", "queries"))
    with Stopwatch() as built:
        index = engine.ready(rows, job["k"], job["metric"], job["options"])
    detail = engine.describe(index)
    memory = process_side.memory(detail)
    # engines that keep a copy of their own need this one no more
    with np.load(job["truth"]) as exact:
        true_ids = exact["indices"]
    answers: dict[str, np.ndarray] = {}
    sweeps = [
        {
            "threads": threads,
            "points": _sweep(engine, index, queries, true_ids, job, threads, answers),
        }
        for threads in job["query_threads"]
    ]
    np.savez(job["answers"], **answers)
    return {**started, "build": asdict(built), "memory": memory, "detail": detail, "sweeps": sweeps}


def _sweep(engine, index, queries, true_ids, job, threads, answers) -> list[dict]:
    points = []
    for position, setting in enumerate(job["settings"]):
        engine.query(index, queries[:WARM_QUERIES], job["k"], setting, threads)
        timings, found = _repeated(engine, index, queries, job, setting, threads)
        answers[answer_name(threads, position)] = np.asarray(found, dtype=np.int32)
        plan = engine.query_plan(index) if hasattr(engine, "query_plan") else None
        points.append({"setting": setting, "timings": timings, "plan": plan})
        # blind to ties, so never above the recall that is judged later
        if _share(found, true_ids) > job["enough"]:
            break
    return points


def _repeated(engine, index, queries, job, setting, threads):
    """Timings until enough are undisturbed, and the answers."""
    timings: list[dict] = []
    wanted = job["repeats"]
    while len(timings) < wanted["most"]:
        with Stopwatch() as asked:
            found = engine.query(index, queries, job["k"], setting, threads)
        timings.append(asdict(asked))
        calm = sum(summary.undisturbed([timing]) for timing in timings)
        long = sum(timing["seconds"] for timing in timings) > wanted["seconds"]
        if calm >= (1 if long else wanted["quiet"]):
            break
    return timings, found


def _share(found: np.ndarray, true_ids: np.ndarray) -> float:
    """Share of the true ids that were found; ties count as misses."""
    return float((found[:, :, None] == true_ids[:, None, :]).any(axis=1).mean())


def answer_name(threads: int, setting: int) -> str:
    return f"threads{threads}-setting{setting}"


def measure(session) -> list[dict]:
    return [_of_set(session, name) for name in session.sets]


def _of_set(session, name: str) -> dict:
    prepared = comparing.datasets.prepare(name, session.rows)
    rows, queries = prepared.load(), np.load(prepared.queries)
    plan = session.plan
    session.say(f"{name}: exact truth of {len(queries)} queries")
    exact, truth_file = truth.cached_query_truth(
        prepared.path.stem, rows, queries, plan.k, prepared.metric
    )

    def judge(result: dict, answers_file) -> None:
        known: list[tuple] = []
        with np.load(answers_file) as answers:
            for part in result["sweeps"]:
                for position, point in enumerate(part["points"]):
                    answer = answers[answer_name(part["threads"], position)]
                    point["recall"] = _judged(answer, known, rows, queries, exact)
                    _add_speed(point, len(queries))

    def make_job(entry) -> dict:
        counts = range(1, machine.cores() + 1)
        return {
            **session.base_job(entry, prepared),
            "queries": str(prepared.queries),
            "truth": str(truth_file),
            "query_threads": [n for n in counts if entry.threads is None or n in entry.threads],
            "repeats": plan.quick["repeats"] if session.options.quick else plan.more["repeats"],
            "enough": plan.recall["enough"],
        }

    part = comparing.of_set(
        session,
        Judged(prepared, rows, judge),
        make_job,
        lambda job: _warm_job(job, name),
        _quiet,
        lambda entry, attempts: _figures(plan, attempts),
    )
    return {**part, "queries": len(queries), "queries_about": prepared.queries_about}


def _warm_job(job: dict, name: str) -> dict:
    """A few rows, the least effort, one call: what matters is that everything has been loaded."""
    small = comparing.warm_rows(name)
    once = {"quiet": 1, "most": 1, "seconds": 0}
    return {**job, "rows": str(small.path), "settings": job["settings"][:1], "repeats": once}


def _judged(answer, known: list[tuple], rows, queries, exact) -> float:
    """Recall; answers that are equal, as they are on any number of threads, are judged once."""
    for seen, value in known:
        if np.array_equal(seen, answer):
            return value
    value = recall.judge(answer, rows, queries, exact).recall
    known.append((answer, value))
    return value


def _add_speed(point: dict, count: int) -> None:
    """``qps`` of the best undisturbed call, ``quiet``, and ``engine_qps`` where an engine tells."""
    best = min(
        point["timings"], key=lambda timing: (not summary.undisturbed([timing]), timing["seconds"])
    )
    point["qps"] = count / best["seconds"]
    point["quiet"] = summary.undisturbed([best])
    told = (point["plan"] or {}).get("seconds")
    point["engine_qps"] = count / told if told else None


def _quiet(attempt: dict) -> bool:
    points = [point for part in attempt["sweeps"] for point in part["points"]]
    return all(point["quiet"] for point in points) and summary.undisturbed([attempt["build"]])


def _figures(plan, attempts: list[dict]) -> dict:
    """Per number of threads: all points (best of the attempts) and the speed at each recall."""
    sweeps = []
    for number, part in enumerate(attempts[0]["sweeps"]):
        columns = [attempt["sweeps"][number]["points"] for attempt in attempts]
        points = [_best(same) for same in zip(*columns, strict=False)]
        at = {str(level): sweep.at_recall(points, level) for level in plan.recall["levels"]}
        sweeps.append({"threads": part["threads"], "points": points, "at": at})
    builds = sorted(attempts, key=lambda a: (not summary.undisturbed([a["build"]]), _built(a)))
    return {
        "ready_s": _built(builds[0]),
        "ready_quiet": summary.undisturbed([builds[0]["build"]]),
        "memory_over_data_mb": summary.memory_over_data(
            [builds[0]["memory"]], builds[0]["data_mb"]
        ),
        "sweeps": sweeps,
    }


def _built(attempt: dict) -> float:
    return attempt["build"]["seconds"]


def _best(points: tuple[dict, ...]) -> dict:
    """One point of several attempts: the best undisturbed speed, the worst recall."""
    best = min(points, key=lambda p: (not p["quiet"], -p["qps"]))
    kept = ("setting", "qps", "quiet", "engine_qps", "plan")
    return {**{name: best[name] for name in kept}, "recall": min(p["recall"] for p in points)}


def circumstances(result: dict) -> list[str]:
    levels = " and ".join(str(level) for level in result["recall"]["levels"])
    return [
        f"QPS: queries a second in one call with all of them, k = {result['k']}, from array to "
        f"array, at recall@{result['k']} {levels}, interpolated between measured settings; best of "
        "several calls; ties count, every query is judged",
        "`>=`: the least effort measured is above that recall; `-`: the recall is not reached",
        "ready: from the rows to an index that answers, with all threads, in a fresh process; "
        "memory: peak of all processes of the engine above the peak with rows and queries alone",
        "engine: the same without the way to the engine and back, as the engine counts it",
    ]


def lines(result: dict) -> list[str]:
    out = []
    for part in result["data"]:
        asked = f"queries: {part['queries_about']}"
        out += [f"## {part['name']}", "", f"{part['about']}; used: {report.shape(part)}; {asked}."]
        small = part["correctness_only"]
        out += ["", *(_recalls(part) if small else table(part, result)), *report.left_out(part), ""]
        out += [] if small else [*_settings(part), ""]
    return out


def short(result: dict) -> list[str]:
    """For a page that has little room: the first set's speeds."""
    out = []
    for part in result["data"][:1]:
        out += [f"{part['about']}; {part['queries_about']}:", "", *table(part, result), ""]
    levels = " and ".join(str(level) for level in result["recall"]["levels"])
    note = (
        f"Queries a second at recall@{result['k']} {levels}, on one thread (1T) and more. *Ready*: "
        "from the rows to an index that answers. `>=`: the least effort is above that recall; "
        "`-`: it is not reached; `!`: other processes took more than 0.2 of a core."
    )
    return [*out, note, ""]


def _threads(part: dict) -> list[int]:
    return sorted({s["threads"] for e in comparing.measured(part) for s in e["summary"]["sweeps"]})


def table(part: dict, result: dict) -> list[str]:
    """Speeds at the stated recalls, per number of threads."""
    levels = [str(level) for level in result["recall"]["levels"]]
    columns = [(count, level) for count in _threads(part) for level in levels]
    head = ["engine", "version", "options", *(f"{n}T @{level}" for n, level in columns)]
    rows = []
    for engine in part["engines"]:
        if "error" in engine:
            rows.append(report.not_measured(engine, len(head) + 2))
            continue
        at = {s["threads"]: s["at"] for s in engine["summary"]["sweeps"]}
        cells = [_speed(at.get(count, {}).get(level)) for count, level in columns]
        rows.append([*_named(engine), *cells, *_made(engine["summary"])])
    return report.table([*head, "ready s", "memory MB"], "lll" + "r" * (len(columns) + 2), rows)


def _named(engine: dict) -> list[str]:
    return [engine["name"], engine["version"] or "-", report.setting(engine["options"])]


def _made(figures: dict) -> list[str]:
    memory = report.megabytes(figures["memory_over_data_mb"])
    return [report.seconds(figures["ready_s"], figures["ready_quiet"]), memory]


def _speed(found: dict | None) -> str:
    if found is None:
        return "-"
    bound, disturbed = ">= " if found["at_least"] else "", "" if found["quiet"] else "!"
    return f"{bound}{report.thousands(found['qps'])}{disturbed}"


def _recalls(part: dict) -> list[str]:
    """For sets too small for speeds: the recall at each setting."""
    rows = []
    for engine in part["engines"]:
        if "error" in engine:
            rows.append(report.not_measured(engine, 4))
            continue
        rows += [
            [*_named(engine)[:2], report.setting(point["setting"]), f"{point['recall']:.4f}"]
            for point in engine["summary"]["sweeps"][0]["points"]
        ]
    return report.table(["engine", "version", "setting", "recall"], "lllr", rows)


def _settings(part: dict) -> list[str]:
    """What ours was measured at, engine and way to it apart."""
    head = ["engine", "threads", "setting", "algorithm", "codes", "recall", "QPS", "engine QPS"]
    rows = [
        [
            engine["name"],
            str(swept["threads"]),
            report.setting(point["setting"]),
            (point["plan"] or {}).get("algorithm", "-"),
            (point["plan"] or {}).get("codes", "-"),
            f"{point['recall']:.4f}",
            report.thousands(point["qps"]),
            report.thousands(point["engine_qps"]) if point["engine_qps"] else "-",
        ]
        for engine in comparing.measured(part)
        if is_own(engine["engine"])
        for swept in engine["summary"]["sweeps"]
        for point in swept["points"]
    ]
    return report.table(head, "lrlllrrr", rows) if rows else []


def plots(result: dict) -> list[dict]:
    """Recall against speed, one plot per set and number of threads."""
    pairs = [(p, n) for p in result["data"] if not p["correctness_only"] for n in _threads(p)]
    return [_plot(part, count, result) for part, count in pairs]


def _plot(part: dict, threads: int, result: dict) -> dict:
    series = []
    for engine in comparing.measured(part):
        for swept in engine["summary"]["sweeps"]:
            if swept["threads"] == threads:
                front = sweep.frontier(swept["points"])
                series.append(
                    {
                        "name": engine["name"],
                        "x": [point["recall"] for point in front],
                        "y": [point["qps"] for point in front],
                        "own": is_own(engine["engine"]),
                    }
                )
    many = "1 thread" if threads == 1 else f"{threads} threads"
    return {
        "file": f"{result['suite']}-{part['name']}-{threads}",
        "title": f"{part['name']} ({report.shape(part)}), {many}",
        "x": {"label": f"recall@{result['k']}"},
        "y": {"label": "queries a second", "log": True},
        "series": series,
        "note": result["machine"]["cpu"],
    }
