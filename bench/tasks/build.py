"""Task ``build``: from rows to an index that answers queries, with nothing left to be made.

A process makes it several times, with all threads, import and first call kept apart; the last one
is asked all queries at a few settings, so that a build's speed stands beside what it is good for.
"""

from dataclasses import asdict

import numpy as np
from harness import comparing, process_side, recall, report, summary, truth
from harness.comparing import Judged
from harness.load import Stopwatch
from harness.suite import is_own

WARM_QUERIES = 256


def run(job: dict) -> dict:
    """In the fresh process: every build's timings and memory, then the last index's answers."""
    engine, rows, queries, started = process_side.start(job, ("rows", "queries"))
    calls, index = [], None
    for _ in range(job["calls"]):
        if index is not None:
            engine.release(index)
        index, call = _built(engine, rows, queries, job)
        calls.append(call)
    answers: dict[str, np.ndarray] = {}
    for position, setting in enumerate(job["settings"]):
        calls[-1]["settings"].append(
            _asked(engine, index, queries, job, setting, position, answers)
        )
    np.savez(job["answers"], **answers)
    return {**started, "calls": calls, "detail": calls[-1]["detail"]}


def _built(engine, rows, queries, job) -> tuple:
    with Stopwatch() as built:
        index = engine.ready(rows, job["k"], job["metric"], job["options"])
    # what an engine puts off until it is asked shows here, and belongs to the build
    with Stopwatch() as first:
        engine.query(index, queries[:1], job["k"], job["settings"][0], job["threads"])
    detail = engine.describe(index)
    memory = process_side.memory(detail)
    parts = {"build": asdict(built), "first_query": asdict(first)}
    return index, {**parts, "settings": [], "memory": memory, "detail": detail}


def _asked(engine, index, queries, job, setting, position, answers) -> dict:
    engine.query(index, queries[:WARM_QUERIES], job["k"], setting, job["threads"])
    with Stopwatch() as asked:
        found = engine.query(index, queries, job["k"], setting, job["threads"])
    answers[answer_name(position)] = np.asarray(found, dtype=np.int32)
    return {"setting": setting, **asdict(asked)}


def answer_name(setting: int) -> str:
    return f"setting{setting}"


def measure(session) -> list[dict]:
    return [_of_set(session, name) for name in session.sets]


def _of_set(session, name: str) -> dict:
    prepared = comparing.datasets.prepare(name, session.rows)
    rows, queries = prepared.load(), np.load(prepared.queries)
    session.say(f"{name}: exact truth of {len(queries)} queries")
    exact, _ = truth.cached_query_truth(
        prepared.path.stem, rows, queries, session.plan.k, prepared.metric
    )

    def judge(result: dict, answers_file) -> None:
        with np.load(answers_file) as answers:
            for position, setting in enumerate(result["calls"][-1]["settings"]):
                answer = answers[answer_name(position)]
                setting["recall"] = recall.judge(answer, rows, queries, exact).recall
                setting["qps"] = len(queries) / setting["seconds"]

    def warm_job(job: dict) -> dict:
        return {**job, "rows": str(comparing.warm_rows(name).path), "calls": 1}

    return comparing.of_set(
        session,
        Judged(prepared, rows, judge),
        lambda entry: {**session.base_job(entry, prepared), "queries": str(prepared.queries)},
        warm_job,
        _quiet,
        _figures,
    )


def _parts(attempt: dict, number: int, with_import: bool) -> list[dict]:
    call = attempt["calls"][number]
    return [
        *([attempt["import"]] if with_import else []),
        *(call[name] for name in ("build", "first_query")),
    ]


def _quiet(attempt: dict) -> bool:
    numbers = range(len(attempt["calls"]))
    return all(summary.undisturbed(_parts(attempt, n, n == 0)) for n in numbers)


def _figures(entry, attempts: list[dict]) -> dict:
    first = _best([_parts(a, 0, True) for a in attempts])
    numbers = range(1, len(attempts[0]["calls"])) or range(1)
    later = _best([_parts(a, n, False) for a in attempts for n in numbers])
    answers = [attempt["calls"][-1]["settings"] for attempt in attempts]
    return {
        "first_s": first["seconds"],
        "first_quiet": first["quiet"],
        "later_s": later["seconds"],
        "later_quiet": later["quiet"],
        "memory_over_data_mb": summary.most_memory(attempts),
        "settings": [
            {
                "setting": same[0]["setting"],
                "recall": min(answer["recall"] for answer in same),
                "qps": max(answer["qps"] for answer in same),
            }
            for same in zip(*answers, strict=True)
        ],
    }


def _best(timings: list[list[dict]]) -> dict:
    told = [
        {"seconds": sum(part["seconds"] for part in parts), "quiet": summary.undisturbed(parts)}
        for parts in timings
    ]
    return min(told, key=lambda t: (not t["quiet"], t["seconds"]))


def circumstances(result: dict) -> list[str]:
    return [
        "from the rows to an index that answers, its first query included, with all threads; first "
        "= import + first build of a fresh process, later = best of the later builds in it",
        f"recall@{result['k']} and queries a second of that index, all queries in one call on all "
        "threads; ties count, every query is judged",
        "memory: peak of all processes of the engine above the peak with rows and queries alone",
        f"no speed is stated where no recall reaches {result['recall']['least']}",
    ]


def lines(result: dict) -> list[str]:
    out = []
    for part in result["data"]:
        out += [f"## {part['name']}", "", f"{part['about']}; used: {report.shape(part)}.", ""]
        out += [*table(part, result), *report.left_out(part), "", *ratios(part, result), ""]
    return out


def table(part: dict, result: dict) -> list[str]:
    head = ["engine", "version", "options", "first s", "later s", "memory MB"]
    head += [f"recall@{result['k']} (QPS) at rising effort"]
    rows = []
    for engine in part["engines"]:
        if "error" in engine:
            rows.append(report.not_measured(engine, len(head)))
            continue
        figures = engine["summary"]
        speeds = [
            report.seconds(figures["first_s"], figures["first_quiet"]),
            report.seconds(figures["later_s"], figures["later_quiet"]),
        ]
        rows.append(
            [
                engine["name"],
                engine["version"] or "-",
                report.setting(engine["options"]),
                *report.speeds(speeds, part, _is_good(engine, result)),
                report.megabytes(figures["memory_over_data_mb"]),
                ", ".join(_quality(s, part) for s in figures["settings"]),
            ]
        )
    return report.table(head, "lllrrrl", rows)


def _quality(setting: dict, part: dict) -> str:
    """A recall, with the speed at it where the set is large enough to state one."""
    recall_text = f"{setting['recall']:.4f}"
    if part["correctness_only"]:
        return recall_text
    return f"{recall_text} ({report.thousands(setting['qps'])})"


def _is_good(engine: dict, result: dict) -> bool:
    return max(s["recall"] for s in engine["summary"]["settings"]) >= result["recall"]["least"]


def ratios(part: dict, result: dict) -> list[str]:
    """How much longer than ours each peer takes."""
    good = [e for e in comparing.measured(part) if _is_good(e, result)]
    own = next((e["summary"] for e in good if e["engine"] == "bridge"), None)
    if own is None or part["correctness_only"]:
        return []
    return [
        f"- {engine['name']} takes {engine['summary']['first_s'] / own['first_s']:.2f} times as "
        f"long in a fresh process, {engine['summary']['later_s'] / own['later_s']:.2f} times in "
        "later builds"
        for engine in good
        if not is_own(engine["engine"])
    ]
