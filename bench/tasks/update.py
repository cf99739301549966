"""Task ``update``: a living index. A share of its rows is deleted and as many others are added,
then as many are replaced in place; beside it stands a build of the rows that are there in the end.

Ids are those that every engine of the suite gives or takes: rows in their order, added ones behind
them. What an engine puts off until it is asked is in its seconds: each step ends with a query.
"""

from dataclasses import asdict, dataclass

import numpy as np
from harness import comparing, datasets, process_side, recall, report, summary, truth
from harness.comparing import Judged
from harness.load import Stopwatch

SEED = 42
WARM_QUERIES = 256
STATES = ("exchanged", "replaced", "rebuilt")
FILES = ("rows", "queries", "fresh", "others", "final")


@dataclass(frozen=True)
class Changes:
    """What is done to the first ``start`` of ``rows``: ids, and which rows of the file come in."""

    start: int
    removed: np.ndarray
    replaced: np.ndarray

    @staticmethod
    def of(count: int, share: float) -> "Changes":
        start = round(count / (1 + share))
        drawn = np.random.default_rng(SEED).permutation(start)
        some = count - start
        return Changes(start, np.sort(drawn[:some]), np.sort(drawn[some : 2 * some]))

    def contents(self, count: int) -> dict[str, np.ndarray]:
        """The row of the file behind each id, -1 for none, in every state."""
        exchanged = np.arange(count)
        exchanged[self.removed] = -1
        replaced = exchanged.copy()
        # Rows that were deleted come back in the place of others.
        replaced[self.replaced] = self.removed
        return {
            "exchanged": exchanged,
            "replaced": replaced,
            "rebuilt": replaced[replaced >= 0],
        }


def run(job: dict) -> dict:
    """In the fresh process: build, delete, add, replace, build anew; answers after each."""
    engine, rows, queries, fresh, others, final, started = process_side.start(job, FILES)
    removed, replaced = (np.asarray(job[name]) for name in ("removed", "replaced"))
    added = np.arange(len(rows), len(rows) + len(fresh))
    setting, k, answers, times = job["settings"][0], job["k"], {}, {}

    def first_query(index) -> None:
        if hasattr(engine, "settle"):
            engine.settle(index, k, setting)
        else:
            engine.query(index, queries[:1], k, setting, job["threads"])

    def timed(name: str, index, act) -> None:
        with Stopwatch() as taken:
            act()
            first_query(index)
        times[name] = asdict(taken)

    def answer(state: str, index) -> None:
        answers[state] = np.asarray(
            engine.query(index, queries, k, setting, job["threads"]), np.int32
        )

    index = _ready(engine, "rows", rows, job)
    engine.query(index, queries[:WARM_QUERIES], k, setting, job["threads"])
    timed("delete", index, lambda: engine.delete(index, removed))
    timed("add", index, lambda: engine.add(index, added, fresh))
    answer("exchanged", index)
    timed("replace", index, lambda: engine.replace(index, replaced, others))
    answer("replaced", index)
    detail = engine.describe(index)
    detail.pop("helpers", None)
    engine.release(index)
    with Stopwatch() as built:
        index = _ready(engine, "final", final, job)
        first_query(index)
    times["rebuild"] = asdict(built)
    answer("rebuilt", index)
    np.savez(job["answers"], **answers)
    return {**started, "times": times, "detail": detail}


def _ready(engine, name: str, rows: np.ndarray, job: dict):
    """An engine that lives in another process has the rows there, under their name."""
    if hasattr(engine, "ready_of"):
        return engine.ready_of(name, job["k"], job["metric"], job["options"])
    return engine.ready(rows, job["k"], job["metric"], job["options"])


def measure(session) -> list[dict]:
    return [_of_set(session, name) for name in session.sets]


def _of_set(session, name: str) -> dict:
    plan = session.plan
    prepared = datasets.prepare(name, session.rows or plan.more["rows"])
    all_rows, queries = prepared.load(), np.load(prepared.queries)
    changes = Changes.of(len(all_rows), plan.more["share"])
    contents = changes.contents(len(all_rows))
    files = _files(prepared, all_rows, changes, contents["rebuilt"])
    exact = {}
    for state, content in contents.items():
        session.say(f"{name}: exact truth, {state}")
        there = all_rows[content[content >= 0]]
        exact[state], _ = truth.cached_query_truth(
            f"{prepared.path.stem}-{state}", there, queries, plan.k, prepared.metric
        )

    def judge(result: dict, answers_file) -> None:
        with np.load(answers_file) as answers:
            result["recall"] = {
                state: _judged(answers[state], contents[state], all_rows, queries, exact[state])
                for state in STATES
            }

    def make_job(entry) -> dict:
        ids = {"removed": changes.removed.tolist(), "replaced": changes.replaced.tolist()}
        return {
            **session.base_job(entry, prepared),
            **{part: str(path) for part, path in files.items()},
            "queries": str(prepared.queries),
            **ids,
        }

    part = comparing.of_set(
        session,
        Judged(prepared, all_rows[: changes.start], judge),
        make_job,
        lambda job: None,
        lambda attempt: summary.undisturbed([*attempt["times"].values()]),
        lambda entry, attempts: _figures(attempts),
    )
    return {**part, "changed": len(changes.removed)}


def _files(prepared, rows: np.ndarray, changes: Changes, final: np.ndarray) -> dict:
    """The arrays that engines load, beside the set's own file."""
    arrays = {
        "rows": rows[: changes.start],
        "fresh": rows[changes.start :],
        "others": rows[changes.removed],
        "final": rows[final],
    }
    files = {}
    for name, array in arrays.items():
        files[name] = prepared.path.with_name(f"{prepared.path.stem}-update-{name}.npy")
        np.save(files[name], array)
    return files


def _judged(ids: np.ndarray, content: np.ndarray, rows, queries, exact) -> float:
    """Recall; an id of a row that is gone is an error, not a miss."""
    numbers = np.where(ids >= 0, content[ids], -1)
    if (numbers[ids >= 0] < 0).any():
        raise RuntimeError("a deleted row was returned")
    return recall.judge(numbers, rows, queries, exact).recall


def _figures(attempts: list[dict]) -> dict:
    names = attempts[0]["times"]
    best = {name: min(a["times"][name]["seconds"] for a in attempts) for name in names}
    quiet = any(summary.undisturbed([*attempt["times"].values()]) for attempt in attempts)
    lowest = {state: min(a["recall"][state] for a in attempts) for state in STATES}
    return {"seconds": best, "quiet": quiet, "recall": lowest}


def circumstances(result: dict) -> list[str]:
    return [
        "delete, add, replace: a tenth of the rows each, with all threads, a query afterwards "
        "included; rebuild: an index of the rows that are there in the end",
        f"recall@{result['k']} of all queries after delete and add, after replace, and of the new "
        "index, at the same effort",
    ]


def lines(result: dict) -> list[str]:
    out = []
    for part in result["data"]:
        about = f"{part['about']}; used: {report.shape(part)}, {part['changed']} rows a step"
        out += [f"## {part['name']}", "", f"{about}.", ""]
        out += [*table(part, result), *report.left_out(part), ""]
    return out


def table(part: dict, result: dict) -> list[str]:
    head = ["engine", "version", "options", "delete s", "add s", "replace s", "rebuild s"]
    head += ["rebuild / delete + add", "rebuild / replace", f"recall@{result['k']}"]
    rows = []
    for engine in part["engines"]:
        if "error" in engine:
            rows.append(report.not_measured(engine, len(head)))
            continue
        figures = engine["summary"]
        taken = figures["seconds"]
        cells = [report.seconds(taken[name], figures["quiet"]) for name in taken]
        ratios = [
            f"{taken['rebuild'] / (taken['delete'] + taken['add']):.1f}",
            f"{taken['rebuild'] / taken['replace']:.1f}",
        ]
        named = [engine["name"], engine["version"] or "-", report.setting(engine["options"])]
        quality = " / ".join(f"{figures['recall'][state]:.4f}" for state in STATES)
        rows.append([*named, *cells, *ratios, quality])
    return report.table(head, "lll" + "r" * 6 + "r", rows)
