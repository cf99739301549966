"""Task ``graph``: the neighbour graph of all rows, the row itself included.

One call = build + neighbors, from a numpy array to a numpy array. The first call of a fresh
process and its import are kept apart from the later calls.
"""

from dataclasses import asdict

import numpy as np
from harness import comparing, process_side, recall, report, summary, truth
from harness.comparing import Judged
from harness.load import Stopwatch
from harness.suite import is_own


def run(job: dict) -> dict:
    """In the fresh process: every call's timings, memory, and the answers in ``job["answers"]``."""
    engine, rows, started = process_side.start(job)
    answers: dict[str, np.ndarray] = {}
    calls = [_call(engine, rows, job, number, answers) for number in range(job["calls"])]
    np.savez(job["answers"], **answers)
    return {**started, "calls": calls, "detail": calls[-1]["detail"]}


def _call(engine, rows, job, number, answers):
    with Stopwatch() as built:
        index = engine.build(rows, job["k"], job["metric"], job["options"])
    settings = []
    for position, setting in enumerate(job["settings"]):
        with Stopwatch() as answered:
            indices = engine.neighbors(index, rows, job["k"], setting)
        answers[answer_name(number, position)] = np.asarray(indices, dtype=np.int32)
        settings.append({"setting": setting, **asdict(answered)})
    detail = engine.describe(index)
    memory = process_side.memory(detail)
    engine.release(index)
    return {"build": asdict(built), "settings": settings, "memory": memory, "detail": detail}


def answer_name(call: int, setting: int) -> str:
    return f"call{call}-setting{setting}"


def measure(session) -> list[dict]:
    return [_of_set(session, name) for name in session.sets]


def _of_set(session, name: str) -> dict:
    prepared = comparing.datasets.prepare(name, session.rows)
    rows = prepared.load()
    plan = session.plan
    size = None if session.options.truth == "all" else plan.recall["rows"]
    session.say(f"{name}: exact truth of {min(size or len(rows), len(rows))} rows")
    exact = truth.cached_graph_truth(prepared.path.stem, rows, plan.k, prepared.metric, size)

    def judge(result: dict, answers_file) -> None:
        with np.load(answers_file) as answers:
            for number, call in enumerate(result["calls"]):
                for position, setting in enumerate(call["settings"]):
                    answer = answers[answer_name(number, position)]
                    quality = recall.judge_graph(answer, rows, exact)
                    setting["recall"] = quality.recall
                    setting["distance_error"] = quality.distance_error

    def warm_job(job: dict) -> dict:
        return {**job, "rows": str(comparing.warm_rows(name).path), "calls": 1}

    def summarise(entry, attempts: list[dict]) -> list[dict]:
        return [
            summary.summarise(attempts, position, plan.recall["least"])
            for position in range(len(entry.settings))
        ]

    return comparing.of_set(
        session,
        Judged(prepared, rows, judge),
        lambda entry: session.base_job(entry, prepared),
        warm_job,
        summary.quiet,
        summarise,
    )


def circumstances(result: dict) -> list[str]:
    sample = result["recall"]["rows"]
    judged = "all rows" if result["truth"] == "all" else f"a seeded sample of {sample} rows"
    return [
        f"recall@{result['k']}: self included, ties count, truth on {judged}",
        f"no speed is stated for a recall below {result['recall']['least']}",
        "first = import + first call in a fresh process, later = a later call in it; best of "
        "several; engine = what of the later call the engine says it computed",
        "memory: peak of all processes of the engine above the peak with the rows alone",
    ]


def lines(result: dict) -> list[str]:
    out = []
    for part in result["data"]:
        out += [f"## {part['name']}", "", f"{part['about']}; used: {report.shape(part)}.", ""]
        out += [*table(part, result), *report.left_out(part), "", *ratios(part), ""]
    return out


NOTE = (
    "*First*: import and first call in a fresh process; *later*: best of the later calls. `!`: "
    "other processes took more than 0.2 of a core. Memory: peak above the rows, all processes."
)


def short(result: dict) -> list[str]:
    """For a page that has little room: the first set."""
    out = [
        f"From a numpy array to a numpy array, upload and reply included; k = {result['k']}.",
        "",
    ]
    for part in result["data"][:1]:
        out += [f"{part['about']}:", "", *_short_table(part, result), ""]
    return [*out, NOTE, ""]


def _short_table(part: dict, result: dict) -> list[str]:
    """A line for each engine: its fastest setting with the recall asked of graphs, or its best."""
    head = ["engine", "first s", "later s", "times ours", f"recall@{result['k']}", "memory MB"]
    measured = [engine for engine in part["engines"] if "error" not in engine]
    chosen = [(engine, _telling(engine["summary"])) for engine in measured]
    ours = chosen[0][1]["later_s"] if chosen else None
    rows = [
        [
            f"{engine['name']} {engine['version'] or ''}".strip(),
            *report.speeds(
                [
                    report.seconds(figures["first_s"], figures["first_quiet"]),
                    report.seconds(figures["later_s"], figures["later_quiet"]),
                    f"{figures['later_s'] / ours:.1f}",
                ],
                part,
                figures["fast_enough_to_state"],
            ),
            f"{figures['recall']:.4f}",
            report.megabytes(figures["memory_over_data_mb"]),
        ]
        for engine, figures in chosen
    ]
    return report.table(head, "l" + "r" * 5, rows)


_ENOUGH = 0.99  # The recall that graphs have by default.


def _telling(summary: list[dict]) -> dict:
    enough = [figures for figures in summary if figures["recall"] >= _ENOUGH]
    if enough:
        return min(enough, key=lambda figures: figures["later_s"])
    return max(summary, key=lambda figures: figures["recall"])


def table(part: dict, result: dict) -> list[str]:
    head = ["engine", "version", "setting", "first s", "later s", "engine s"]
    head += [f"recall@{result['k']}", "distance error", "memory MB"]
    rows = []
    for engine in part["engines"]:
        if "error" in engine:
            rows.append(report.not_measured(engine, len(head)))
        else:
            rows += [_row(part, engine, figures) for figures in engine["summary"]]
    return report.table(head, "lll" + "r" * 6, rows)


def _row(part: dict, engine: dict, figures: dict) -> list[str]:
    speeds = [
        report.seconds(figures["first_s"], figures["first_quiet"]),
        report.seconds(figures["later_s"], figures["later_quiet"]),
        report.seconds(figures["compute_s"]),
    ]
    return [
        engine["name"],
        engine["version"] or "-",
        report.setting({**engine["options"], **figures["setting"]}),
        *report.speeds(speeds, part, figures["fast_enough_to_state"]),
        f"{figures['recall']:.4f}",
        f"{figures['distance_error']:.1e}",
        report.megabytes(figures["memory_over_data_mb"]),
    ]


def ratios(part: dict) -> list[str]:
    """Each peer's best stated speed over ours, and what a first call costs beyond its compute."""
    if part.get("correctness_only"):
        return []
    pairs = [(e, s) for e in comparing.measured(part) for s in e["summary"]]
    stated = [(e, s) for e, s in pairs if s["fast_enough_to_state"]]
    own = next((s for e, s in stated if e["engine"] == "bridge"), None)
    if own is None:
        return []
    out = []
    if own["first_compute_s"] is not None:
        above = own["first_s"] - own["first_compute_s"]
        out.append(
            f"- import to first result: {own['first_s']:.2f} s, {above:.2f} s above the engine's "
            f"own {own['first_compute_s']:.2f} s"
        )
    for name in dict.fromkeys(e["name"] for e, _ in stated if not is_own(e["engine"])):
        best = min((s for e, s in stated if e["name"] == name), key=lambda s: s["later_s"])
        first, later = best["first_s"] / own["first_s"], best["later_s"] / own["later_s"]
        out.append(
            f"- {name} (recall {best['recall']:.4f}) takes {first:.2f} times as long in a fresh "
            f"process, {later:.2f} times in later calls"
        )
    return out
