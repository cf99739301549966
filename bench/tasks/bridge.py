"""Task ``bridge``: what a Python caller waits beyond the seconds that the engine computes.

One process takes the steps of a session in their order: import; the server's start and hello with
the first small index; the upload of all rows; their neighbour graph, and its reply; queries, one by
one and as a batch. The engine tells what it computed; the rest is the bridge's. Then the same
bytes go other ways (`bridge_ways`): through a raw socket, Arrow Flight, and no bridge at all.
"""

import time
from dataclasses import asdict

import numpy as np
from bridge_ways import MANY
from bridge_ways import report as ways
from harness import datasets, process_side, recall, report, truth
from harness.load import Stopwatch
from harness.rounds import Case
from harness.session import split
from harness.summary import undisturbed

SMALL = 10
# The overhead on the graph is to stay below this, or this share of the engine's time.
MOST_S, MOST_SHARE = 0.35, 0.15


def run(job: dict) -> dict:
    """In the fresh process: the timings of every step, and the answers to judge."""
    engine, rows, queries, started = process_side.start(job, ("rows", "queries"))
    with Stopwatch() as first:
        small = _graph(engine, rows[:SMALL], job)[0]
    round_trip_s = _round_trips(small, job["round_trips"])
    engine.release(small)
    answers: dict[str, np.ndarray] = {}
    graphs = [_timed_graph(engine, rows, job, answers) for _ in range(job["calls"])]
    index = engine.ready(rows, job["k"], job["metric"], {"n_neighbors": job["k"]})
    result = {
        **started,
        "start": asdict(first),
        "graphs": graphs,
        "round_trip_s": round_trip_s,
        "single": _single(index, queries, job["query"], answers),
        "batch": _batch(index, queries, job["query"], answers),
        "bytes": {"rows": rows.nbytes, "queries": queries.nbytes},
        "detail": engine.describe(index),
    }
    engine.release(index)
    result["ways"] = _ways(rows, job["ways"])
    np.savez(job["answers"], **answers)
    return result


def _ways(rows: np.ndarray, asked: dict) -> dict:
    """The same bytes by every way. Queries are of synthetic rows, seeded."""
    from bridge_ways import echo, flight, in_process, ours

    generator = np.random.default_rng(7)
    small = generator.random((asked["rows"], MANY[1]), dtype=np.float32)
    queries = generator.random(MANY, dtype=np.float32)
    graph_bytes, calls = len(rows) * 15 * 8, asked["calls"]
    # Of whole numbers the engine makes byte codes before it answers: that is no part of the way.
    rows = rows + np.float32(0.25)
    return {
        "ours": ours.measure(rows, small, queries, calls),
        "echo": echo.measure(rows, graph_bytes, calls),
        "flight": flight.measure(rows, graph_bytes, calls),
        "in_process": in_process.measure(small, queries, calls),
        "bytes": {"up": rows.nbytes, "down": graph_bytes},
    }


def _graph(engine, rows, job):
    with Stopwatch() as uploaded:
        index = engine.build(rows, job["k"], job["metric"], job["options"])
    with Stopwatch() as answered:
        indices = engine.neighbors(index, rows, job["k"], {})
    return index, indices, uploaded, answered


def _timed_graph(engine, rows, job, answers) -> dict:
    index, indices, uploaded, answered = _graph(engine, rows, job)
    answers["graph"] = np.asarray(indices, dtype=np.int32)
    computed = engine.describe(index)["compute_s"]
    engine.release(index)
    return {"upload": asdict(uploaded), "graph": asdict(answered), "compute_s": computed}


def _round_trips(index, count: int) -> float:
    """Median seconds of a call that has next to nothing to do."""
    return float(np.median([_seconds_of(index.stats)[0] for _ in range(count)]))


def _seconds_of(call, *args, **kwargs):
    start = time.perf_counter()
    answer = call(*args, **kwargs)
    return time.perf_counter() - start, answer


def _single(index, queries, asked: dict, answers) -> dict:
    """Medians over queries of one row each."""
    waited, computed, found = [], [], []
    for row in range(min(asked["single"], len(queries))):
        seconds, (indices, _) = _seconds_of(
            index.query, queries[row : row + 1], k=asked["k"], epsilon=asked["epsilon"]
        )
        waited.append(seconds)
        computed.append(index.plan["query"]["seconds"])
        found.append(indices[0])
    answers["single"] = np.asarray(found, dtype=np.int32)
    return {"seconds": float(np.median(waited)), "compute_s": float(np.median(computed))}


def _batch(index, queries, asked: dict, answers) -> dict:
    """The best of three calls with all queries."""
    best = None
    for _ in range(3):
        with Stopwatch() as timing:
            indices, _ = index.query(queries, k=asked["k"], epsilon=asked["epsilon"])
        told = index.plan["query"]
        seen = {**asdict(timing), "compute_s": told["seconds"], "algorithm": told["algorithm"]}
        best = seen if best is None or seen["seconds"] < best["seconds"] else best
    answers["batch"] = np.asarray(indices, dtype=np.int32)
    return best


def measure(session) -> list[dict]:
    quick = session.plan.quick if session.options.quick else {}
    names = split(session.options.data) or quick.get("data") or session.plan.data
    return [_of_set(session, name, quick) for name in names]


def _of_set(session, name: str, quick: dict) -> dict:
    prepared = datasets.prepare(name, session.rows)
    rows, queries = prepared.load(), np.load(prepared.queries)
    [entry] = session.entries
    more = session.plan.more
    job = {
        **session.base_job(entry, prepared),
        "queries": str(prepared.queries),
        "query": more["query"],
        "round_trips": more["round_trips"],
        "ways": {**more["ways"], **quick.get("ways", {})},
    }
    few = {"calls": 1, "round_trips": 1, "ways": {"rows": 100, "calls": 1}}
    small = {**job, "rows": str(datasets.prepare(name, 512).path), **few}
    judge = _judge(session.plan, prepared, rows, queries)
    case = Case(name, lambda: session.run(entry, job, small, judge), _quiet)
    session.take_turns([case])
    told = {"error": case.error} if case.error else _figures(case.attempts)
    return {
        "name": name,
        "about": prepared.about,
        "synthetic": prepared.synthetic,
        "rows": rows.shape[0],
        "dim": rows.shape[1],
        "metric": prepared.metric,
        "engine": entry.engine,
        "attempts": case.attempts,
        **told,
    }


def _judge(plan, prepared, rows, queries):
    """Adds ``recall`` of graph, single queries and batch to a result."""
    stem, metric, k = prepared.path.stem, prepared.metric, plan.more["query"]["k"]
    of_graph = truth.cached_graph_truth(stem, rows, plan.k, metric, plan.recall["rows"])
    asked = queries[: plan.recall["rows"]]
    of_queries, _ = truth.cached_query_truth(stem, rows, asked, k, metric)

    def of_first(found: np.ndarray) -> float:
        count = min(len(found), len(asked))
        known = of_queries.indices[:count], of_queries.distances[:count]
        exact = truth.Truth(np.arange(count), *known, metric)
        return recall.judge(found[:count], rows, asked[:count], exact).recall

    def judge(result: dict, answers_file) -> None:
        with np.load(answers_file) as answers:
            result["recall"] = {
                "graph": recall.judge_graph(answers["graph"], rows, of_graph).recall,
                "single": of_first(answers["single"]),
                "batch": of_first(answers["batch"]),
            }

    return judge


def _quiet(attempt: dict) -> bool:
    graphs = [part for call in attempt["graphs"] for part in (call["upload"], call["graph"])]
    return undisturbed([attempt["import"], attempt["start"], *graphs, attempt["batch"]])


def _figures(attempts: list[dict]) -> dict:
    """The best of the undisturbed attempts, or of all where every one was disturbed."""
    quiet = [attempt for attempt in attempts if _quiet(attempt)]
    used = quiet or attempts
    graphs = [graph for attempt in used for graph in attempt["graphs"]]
    replies = [max(0.0, g["graph"]["seconds"] - g["compute_s"]) for g in graphs]
    recalls = [attempt["recall"] for attempt in attempts]
    return {
        "quiet": bool(quiet),
        "bytes": attempts[0]["bytes"],
        "version": attempts[0]["detail"]["versions"].get("hnsw-bridge"),
        "import_s": min(attempt["import"]["seconds"] for attempt in used),
        "start_s": min(attempt["start"]["seconds"] for attempt in used),
        "round_trip_s": min(attempt["round_trip_s"] for attempt in used),
        "upload_s": min(graph["upload"]["seconds"] for graph in graphs),
        "reply_s": min(replies),
        "overhead_s": min(g["upload"]["seconds"] + r for g, r in zip(graphs, replies, strict=True)),
        "compute_s": min(graph["compute_s"] for graph in graphs),
        "single": min((attempt["single"] for attempt in used), key=_above),
        "batch": min((attempt["batch"] for attempt in used), key=_above),
        "recall": {step: min(one[step] for one in recalls) for step in recalls[0]},
        "ways": _best_ways([attempt["ways"] for attempt in used]),
    }


def _best_ways(attempts: list[dict]) -> dict:
    """The best of each figure: what others on the machine take from one is no property of a way."""
    return {
        way: {name: min(one[way][name] for one in attempts) for name in figures}
        for way, figures in attempts[0].items()
    }


def _above(timing: dict) -> float:
    return timing["seconds"] - timing["compute_s"]


def circumstances(result: dict) -> list[str]:
    query = result["data"][0].get("batch", {})
    by = f" (the batch by {query['algorithm']})" if query else ""
    return [
        "engine = what the engine says it computed; above it = all else that the caller waits: "
        "copies, upload, reply, the way through two processes",
        f"recall of the graph is recall@{result['k']}, self included, exact side forced; queries "
        f"are answered by what the cost model picks{by}",
        f"judged on a sample of {result['recall']['rows']} rows or queries; no speed is stated "
        f"below {result['recall']['least']}",
    ]


def lines(result: dict) -> list[str]:
    out = []
    for part in result["data"]:
        out += [f"## {part['name']}", "", f"{part['about']}; used: {report.shape(part)}.", ""]
        if "error" in part:
            out += [f"Not measured: {part['error']}", ""]
        else:
            out += [*_table(part, result["recall"]["least"]), "", *_told(part), ""]
            out += [*ways.table(part["ways"]), "", *ways.told(part["ways"]), ""]
    return out


def _table(part: dict, least: float) -> list[str]:
    head = ["step", "caller", "engine", "above it", "MB", "MB/s", "recall"]
    mark = "" if part["quiet"] else "!"
    rows_mb, queries_mb = (part["bytes"][what] / 1e6 for what in ("rows", "queries"))
    found, single, batch = part["recall"], part["single"], part["batch"]
    graph_s = part["compute_s"] + part["reply_s"]

    def speeds(step: str, *texts: str) -> list[str]:
        """Nothing is said of the speed of answers that are too poor."""
        return [*texts] if found[step] >= least else ["recall too low", *[""] * (len(texts) - 1)]

    rows = [
        ["import", f"{part['import_s']:.3f} s{mark}", "", "", "", "", ""],
        ["start, hello, 10 rows", f"{part['start_s']:.3f} s{mark}", "", "", "", "", ""],
        ["a call without work", f"{part['round_trip_s'] * 1e6:.0f} us{mark}", "", "", "", "", ""],
        [
            *("upload", f"{part['upload_s']:.3f} s{mark}", "", f"{part['upload_s']:.3f} s"),
            *(f"{rows_mb:.0f}", f"{rows_mb / part['upload_s']:.0f}", ""),
        ],
        [
            "graph and reply",
            *speeds(
                "graph",
                f"{graph_s:.3f} s{mark}",
                f"{part['compute_s']:.3f} s",
                f"{part['reply_s']:.3f} s",
            ),
            *("", "", f"{found['graph']:.4f}"),
        ],
        [
            "one query",
            *speeds(
                "single",
                f"{single['seconds'] * 1e6:.0f} us{mark}",
                f"{single['compute_s'] * 1e6:.0f} us",
                f"{_above(single) * 1e6:.0f} us",
            ),
            *("", "", f"{found['single']:.4f}"),
        ],
        [
            "all queries at once",
            *speeds(
                "batch",
                f"{batch['seconds'] * 1e3:.1f} ms{mark}",
                f"{batch['compute_s'] * 1e3:.1f} ms",
                f"{_above(batch) * 1e3:.1f} ms",
            ),
            *(f"{queries_mb:.0f}", "", f"{found['batch']:.4f}"),
        ],
    ]
    return report.table(head, "l" + "r" * 6, rows)


def _told(part: dict) -> list[str]:
    allowed = max(MOST_S, MOST_SHARE * part["compute_s"])
    share = part["overhead_s"] / part["compute_s"]
    return [
        f"- graph: {part['overhead_s']:.2f} s beyond the engine's {part['compute_s']:.2f} s "
        f"({100 * share:.0f} %); the aim is at most {allowed:.2f} s",
    ]
