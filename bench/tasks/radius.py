"""Task ``radius``: all rows within a distance, one query a call, as balls hold more and more rows.

The radii are those at which the middle query has so many rows, the true ones; the first is half the
least distance between a query and a row, so that nobody finds anything. Flat scans stand beside
walks. Each engine takes its own time, inside its loop over the queries.
"""

from statistics import median

import numpy as np
from harness import comparing, datasets, process_side, report, truth
from harness.comparing import Judged

QUERIES = 200
WARM_QUERIES = 20
# Distances of engines are float32, the truth is not.
ROUNDING = 1e-5


def run(job: dict) -> dict:
    """In the fresh process: the index made, then a loop over the queries for each radius."""
    engine, rows, queries, started = process_side.start(job, ("rows", "queries"))
    index = engine.ready_for_radius(rows, job["metric"], job["options"])
    engine.within(index, queries[:WARM_QUERIES], job["radii"][1], job["most"])
    points = []
    for radius in job["radii"]:
        rounds = [engine.within(index, queries, radius, job["most"]) for _ in range(job["rounds"])]
        best = min(rounds, key=lambda each: each["seconds"])
        points.append({"radius": radius, **best})
    return {**started, "detail": engine.describe(index), "points": points}


def measure(session) -> list[dict]:
    return [_of_set(session, name) for name in session.sets]


def _of_set(session, name: str) -> dict:
    prepared = datasets.prepare(name, session.rows)
    rows = prepared.load()
    queries = np.load(prepared.queries)[:QUERIES]
    queries_file = prepared.path.with_name(f"{prepared.path.stem}-{QUERIES}-queries.npy")
    np.save(queries_file, queries)
    plan = session.plan
    most = min(plan.k, len(rows))
    session.say(f"{name}: exact truth of {len(queries)} queries")
    exact, _ = truth.cached_query_truth(prepared.path.stem, rows, queries, most, prepared.metric)
    wanted = [hits for hits in plan.more["hits"] if hits <= most]
    radii = [radius_for(exact.distances, hits) for hits in wanted]

    def judge(result: dict, answers_file) -> None:
        for point, hits in zip(result["points"], wanted, strict=True):
            point["hits"] = hits
            point["recall"] = judged(point.pop("counts"), exact.distances, point["radius"])

    def make_job(entry) -> dict:
        return {
            **session.base_job(entry, prepared),
            "queries": str(queries_file),
            "radii": radii,
            "most": most,
            "rounds": 1 if session.options.quick else plan.more["rounds"],
        }

    part = comparing.of_set(
        session,
        Judged(prepared, rows, judge),
        make_job,
        lambda job: {**job, "rounds": 1},
        lambda attempt: True,
        lambda entry, attempts: _figures(attempts),
    )
    return {**part, "queries": len(queries), "queries_about": prepared.queries_about}


def radius_for(distances: np.ndarray, hits: int) -> float:
    """The radius that holds so many rows around the middle query; for 0, none around any."""
    return float(distances[:, 0].min() / 2 if hits == 0 else np.median(distances[:, hits - 1]))


def judged(counts: list[int], distances: np.ndarray, radius: float) -> dict:
    """Share of the rows within the radius that were found: of the worst query, and on average."""
    there = (distances <= radius * (1 - ROUNDING)).sum(axis=1)
    shares = np.minimum(1.0, np.asarray(counts) / np.maximum(there, 1))
    shares[there == 0] = 1.0
    return {"worst": float(shares.min()), "mean": float(shares.mean())}


def _figures(attempts: list[dict]) -> dict:
    points = []
    for same in zip(*(attempt["points"] for attempt in attempts), strict=True):
        best = min(same, key=lambda point: point["seconds"])
        points.append(
            {
                "hits": best["hits"],
                "us": best["seconds"] / QUERIES * 1e6,
                "worst": min(point["recall"]["worst"] for point in same),
                "mean": median(point["recall"]["mean"] for point in same),
            }
        )
    return {"points": points}


def circumstances(result: dict) -> list[str]:
    return [
        f"microseconds a query: {QUERIES} queries, one a call, on one thread where the engine lets "
        f"us say so; at most {result['k']} rows a query; best of several loops",
        "hits: rows within the radius of the middle query; recall: of the worst query, and on "
        "average",
    ]


def lines(result: dict) -> list[str]:
    out = []
    for part in result["data"]:
        out += [f"## {part['name']}", "", f"{part['about']}; used: {report.shape(part)}.", ""]
        out += [*table(part), *report.left_out(part), ""]
    return out


def table(part: dict) -> list[str]:
    counts = [p["hits"] for e in comparing.measured(part) for p in e["summary"]["points"]]
    columns = list(dict.fromkeys(counts))
    head = ["engine", "version", "options", *(f"{hits} hits" for hits in columns), "recall"]
    rows = []
    for engine in part["engines"]:
        if "error" in engine:
            rows.append(report.not_measured(engine, len(head)))
            continue
        at = {point["hits"]: point for point in engine["summary"]["points"]}
        worst = min(point["worst"] for point in at.values())
        mean = min(point["mean"] for point in at.values())
        cells = [report.thousands(at[hits]["us"]) if hits in at else "-" for hits in columns]
        named = [engine["name"], engine["version"] or "-", report.setting(engine["options"])]
        rows.append([*named, *cells, f"{worst:.3f} / {mean:.4f}"])
    return report.table(head, "lll" + "r" * len(columns) + "r", rows)


def plots(result: dict) -> list[dict]:
    return [_plot(part, result) for part in result["data"]]


def _plot(part: dict, result: dict) -> dict:
    series = [
        {
            "name": engine["name"],
            # A logarithm has no place for 0.
            "x": [max(point["hits"], 0.5) for point in engine["summary"]["points"]],
            "y": [point["us"] for point in engine["summary"]["points"]],
            "own": engine["engine"].startswith("bridge"),
        }
        for engine in comparing.measured(part)
    ]
    return {
        "file": f"radius-{part['name']}",
        "title": f"{part['name']} ({report.shape(part)}), one query a call",
        "x": {"label": "rows within the radius (0.5: none)", "log": True},
        "y": {"label": "microseconds a query", "log": True},
        "series": series,
        "note": result["machine"]["cpu"],
    }
