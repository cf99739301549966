"""Task ``filter``: the nearest of the rows that match, one query a call on one thread, as fewer and
fewer match, at rising effort.

Matches are drawn at random, or are the rows nearest to a random one: those are around one place,
the queries anywhere. Each engine takes its own time, inside its loop over the queries, and has the
filter as bits before that. Effort rises until the recall is above what the suite looks for.
"""

from dataclasses import asdict

import numpy as np
from harness import comparing, datasets, process_side, recall, report, summary, truth
from harness.comparing import Judged
from harness.load import Stopwatch
from harness.suite import is_own

SEED = 42
QUERIES = 300
WARM_QUERIES = 20


def run(job: dict) -> dict:
    """In the fresh process: the index made, then for each filter a sweep; answers of each point."""
    engine, rows, queries, started = process_side.start(job, ("rows", "queries"))
    with Stopwatch() as built:
        index = engine.ready(rows, job["k"], job["metric"], job["options"])
    answers: dict[str, np.ndarray] = {}
    sweeps = [
        _sweep(engine, index, queries, job, place, answers) for place in range(len(job["filters"]))
    ]
    detail = engine.describe(index)
    detail.pop("helpers", None)
    np.savez(job["answers"], **answers)
    return {**started, "build": asdict(built), "detail": detail, "sweeps": sweeps}


def _sweep(engine, index, queries, job: dict, place: int, answers: dict) -> list[dict]:
    asked = job["filters"][place]
    with np.load(asked["truth"]) as exact:
        true_ids = matching(asked["bits"])[exact["indices"]]
    points = []
    for position, setting in enumerate(job["settings"]):
        engine.filtered(index, queries[:WARM_QUERIES], job["k"], setting, asked["bits"])
        timings, spent = [], 0.0
        while len(timings) < job["rounds"]["most"] and spent < job["rounds"]["seconds"]:
            with Stopwatch() as watched:
                seconds, found = engine.filtered(index, queries, job["k"], setting, asked["bits"])
            spent += seconds
            timings.append({**asdict(watched), "seconds": seconds})
        answers[f"{place}-{position}"] = found
        points.append({"setting": setting, "timings": timings})
        if (found[:, :, None] == true_ids[:, None, :]).sum() > job["enough"] * true_ids.size:
            break
    return points


def matching(bits_file: str) -> np.ndarray:
    """The rows whose bit is set."""
    return np.flatnonzero(np.unpackbits(np.fromfile(bits_file, np.uint8), bitorder="little"))


def matches(rows: np.ndarray, kind: str, share: float) -> np.ndarray:
    """Ids, ascending, of the share of the rows that match: any of them, or those of one place."""
    rng = np.random.default_rng(SEED)
    count = max(1, round(share * len(rows)))
    if kind == "random":
        return np.sort(rng.choice(len(rows), count, replace=False))
    away = np.square(rows - rows[rng.integers(len(rows))]).sum(axis=1)
    return np.sort(np.argsort(away, kind="stable")[:count])


def measure(session) -> list[dict]:
    return [_of_set(session, name) for name in session.sets]


def _of_set(session, name: str) -> dict:
    plan = session.plan
    prepared = datasets.prepare(name, session.rows)
    rows, queries = prepared.load(), np.load(prepared.queries)[:QUERIES]
    queries_file = prepared.path.with_name(f"{prepared.path.stem}-{QUERIES}-queries.npy")
    np.save(queries_file, queries)
    filters, truths = [], []
    for kind in plan.more["kinds"]:
        for share in plan.more["shares"]:
            session.say(f"{name}: exact truth, {kind}, {percent(share)}")
            asked, exact = _filter(prepared, rows, queries, kind, share, plan.k)
            filters.append(asked)
            truths.append(exact)

    def judge(result: dict, answers_file) -> None:
        with np.load(answers_file) as answers:
            for place, points in enumerate(result["sweeps"]):
                for position, point in enumerate(points):
                    found = answers[f"{place}-{position}"]
                    _check(found, matching(filters[place]["bits"]))
                    point["recall"] = recall.judge(found, rows, queries, truths[place]).recall
                    _add_speed(point)

    def make_job(entry) -> dict:
        return {
            **session.base_job(entry, prepared),
            "queries": str(queries_file),
            "filters": filters,
            "rounds": plan.quick["rounds"] if session.options.quick else plan.more["rounds"],
            "enough": plan.recall["enough"],
        }

    part = comparing.of_set(
        session,
        Judged(prepared, rows, judge),
        make_job,
        lambda job: {**job, "rows": str(comparing.warm_rows(name).path), "filters": []},
        lambda attempt: all(point["quiet"] for sweep in attempt["sweeps"] for point in sweep),
        lambda entry, attempts: _figures(attempts, filters, plan.recall["least"]),
    )
    about = [{name: each[name] for name in ("kind", "share", "matches")} for each in filters]
    extra = {"filters": about, "compared": plan.more["compared"]}
    return {**part, **extra, "queries": len(queries), "queries_about": prepared.queries_about}


def _filter(prepared, rows, queries, kind: str, share: float, k: int) -> tuple[dict, truth.Truth]:
    """What a job says of a filter, and the exact nearest of the rows that match."""
    ids = matches(rows, kind, share)
    mask = np.zeros(len(rows), bool)
    mask[ids] = True
    stem = f"{prepared.path.stem}-{kind}-{share}"
    bits_file = prepared.path.with_name(f"{stem}.bits")
    np.packbits(mask, bitorder="little").tofile(bits_file)
    exact, truth_file = truth.cached_query_truth(
        stem, rows[ids], queries, min(k, len(ids)), prepared.metric
    )
    files = {"bits": str(bits_file), "truth": str(truth_file)}
    return {"kind": kind, "share": share, "matches": len(ids), **files}, exact


def _check(found: np.ndarray, ids: np.ndarray) -> None:
    """A row that does not match is an error, not a miss."""
    if not np.isin(found[found >= 0], ids).all():
        raise RuntimeError("a row that does not match was returned")


def _add_speed(point: dict) -> None:
    best = min(
        point["timings"], key=lambda timing: (not summary.undisturbed([timing]), timing["seconds"])
    )
    point["qps"] = QUERIES / best["seconds"]
    point["quiet"] = summary.undisturbed([best])


def _figures(attempts: list[dict], filters: list[dict], least: float) -> dict:
    """Per filter: all points (best of the attempts), and the one that a table shows."""
    sweeps = []
    for place, asked in enumerate(filters):
        columns = [attempt["sweeps"][place] for attempt in attempts]
        points = [_best(same) for same in zip(*columns, strict=False)]
        of = {"kind": asked["kind"], "share": asked["share"]}
        sweeps.append({**of, "points": points, "shown": shown(points, least)})
    return {"sweeps": sweeps}


def _best(points: tuple[dict, ...]) -> dict:
    """One point of several attempts: the best undisturbed speed, the worst recall."""
    best = min(points, key=lambda point: (not point["quiet"], -point["qps"]))
    kept = {name: best[name] for name in ("setting", "qps", "quiet")}
    return {**kept, "recall": min(point["recall"] for point in points)}


def shown(points: list[dict], least: float) -> dict:
    """The fastest of the points that reach the recall, else the one of the best recall."""
    good = [point for point in points if point["recall"] >= least]
    if good:
        return {**max(good, key=lambda point: point["qps"]), "enough": True}
    return {**max(points, key=lambda point: (point["recall"], point["qps"])), "enough": False}


def circumstances(result: dict) -> list[str]:
    k, least = result["k"], result["recall"]["least"]
    return [
        f"QPS @ recall@{k}: {QUERIES} queries, one a call, on one thread; best of several loops; "
        f"the fastest of the measured settings with a recall of {least} or more, `*`: none "
        "reaches it, the best recall is shown",
        f"recall: against the exact {k} nearest of the rows that match, or all where fewer do",
        "random: any rows match; correlated: those nearest to one random row, the queries being "
        "from anywhere",
        "hnswlib: its C++ filter over the same bits, as its Python package calls back for every "
        "row; usearch is left out: its packages for Python and Node take no filter",
    ]


def lines(result: dict) -> list[str]:
    out = []
    for part in result["data"]:
        asked = f"queries: {part['queries']} of {part['queries_about']}"
        out += [f"## {part['name']}", "", f"{part['about']}; used: {report.shape(part)}; {asked}."]
        out += ["", *headline(part, result), ""]
        for kind in dict.fromkeys(each["kind"] for each in part["filters"]):
            out += [f"### {kind.capitalize()}", "", *table(part, kind), "", *_ratios(part, kind)]
            out.append("")
        out += [*report.left_out(part), "### Every setting", "", *_settings(part), ""]
    return out


def table(part: dict, kind: str) -> list[str]:
    filters = [each for each in part["filters"] if each["kind"] == kind]
    head = ["engine", "version", "options"]
    head += [f"{percent(each['share'])} ({each['matches']})" for each in filters]
    rows = []
    for engine in part["engines"]:
        if "error" in engine:
            rows.append(report.not_measured(engine, len(head)))
            continue
        cells = [_cell(_shown(engine, kind, each["share"])) for each in filters]
        named = [engine["name"], engine["version"] or "-", report.setting(engine["options"])]
        rows.append([*named, *cells])
    return report.table(head, "lll" + "r" * len(filters), rows)


def _cell(point: dict) -> str:
    return f"{_speed(point)} @ {point['recall']:.3f}{'' if point['enough'] else '*'}"


def _speed(point: dict) -> str:
    return report.thousands(point["qps"]) + ("" if point["quiet"] else "!")


def _shown(engine: dict, kind: str, share: float) -> dict:
    [found] = [
        sweep["shown"]
        for sweep in engine["summary"]["sweeps"]
        if (sweep["kind"], sweep["share"]) == (kind, share)
    ]
    return found


def ratio(part: dict, kind: str, share: float) -> float | None:
    """Our QPS over the peer's; None where one of them has none at the recall."""
    engines = [*comparing.measured(part)]
    own = [engine for engine in engines if is_own(engine["engine"])]
    peer = [engine for engine in engines if engine["name"] == part["compared"]["peer"]]
    if not own or not peer:
        return None
    ours, theirs = (_shown(engine, kind, share) for engine in (own[0], peer[0]))
    return ours["qps"] / theirs["qps"] if ours["enough"] and theirs["enough"] else None


def headline(part: dict, result: dict) -> list[str]:
    """The ratio that the suite is read for."""
    wanted = part["compared"]
    found = ratio(part, wanted["kind"], wanted["share"])
    said = "no ratio" if found is None else f"{found:.2f} times the QPS of {wanted['peer']}"
    what = f"{percent(wanted['share'])} of the rows, {wanted['kind']}"
    return [f"- {what}, at a recall of {result['recall']['least']} or more: {said}"]


def _ratios(part: dict, kind: str) -> list[str]:
    shares = [each["share"] for each in part["filters"] if each["kind"] == kind]
    found = {share: ratio(part, kind, share) for share in shares}
    if not any(found.values()):
        return []
    told = (f"{percent(s)}: {'-' if r is None else f'{r:.2f}'}" for s, r in found.items())
    return [f"- times the QPS of {part['compared']['peer']}: {', '.join(told)}"]


def _settings(part: dict) -> list[str]:
    head = ["engine", "filter", "rows that match", "setting", "recall", "QPS"]
    rows = [
        [
            engine["name"],
            sweep["kind"],
            percent(sweep["share"]),
            report.setting(point["setting"]),
            f"{point['recall']:.4f}",
            _speed(point),
        ]
        for engine in comparing.measured(part)
        for sweep in engine["summary"]["sweeps"]
        for point in sweep["points"]
    ]
    return report.table(head, "llrlrr", rows)


def percent(share: float) -> str:
    return f"{100 * share:g} %"
