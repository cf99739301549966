"""Task ``umap``: a whole UMAP in a fresh process, ours and stock, stage by stage.

From the import to the embedding, then the transform of rows that the fit has not seen. With a cold
cache numba's folder is empty, as after an installation; with a warm one a small run of the same
kind has filled it. A second fit and transform in the same process find everything compiled.
"""

import importlib
import tempfile
import time
import warnings
from dataclasses import asdict

import numpy as np
from harness import datasets, process_side, recall, truth
from harness.load import Stopwatch
from harness.memory import peak_mb
from harness.paths import cache_dir
from harness.rounds import Case
from harness.session import WARM_ROWS, split
from harness.stages import STAGES, Stages
from harness.summary import undisturbed

from tasks.umap_report import circumstances, lines, plots

__all__ = ["circumstances", "lines", "measure", "plots", "run"]


def run(job: dict) -> dict:
    """In the fresh process: import, then ``job["fits"]`` fits, a transform after each."""
    rows, queries = np.load(job["rows"]), np.load(job["queries"])
    data_mb = peak_mb()
    with Stopwatch() as imported:
        compiled = _compiling()
        engine = importlib.import_module(f"engines.{job['engine']}").Engine(job["threads"])
    answers: dict[str, np.ndarray] = {}
    import_compile = compiled()
    fits = []
    for _ in range(job["fits"]):
        model = engine.model(_options(job))
        fitted = _fit(engine, model, rows, compiled, answers)
        engine.check(model)
        fits.append({**fitted, **_transform(model, queries, compiled, answers)})
    detail = engine.describe(model)
    memory = process_side.memory(detail)
    np.savez(job["answers"], **answers)
    return {
        "import": {**asdict(imported), "compile_s": import_compile},
        "fits": fits,
        "data_mb": data_mb,
        "memory": memory,
        "detail": detail,
    }


def _compiling():
    """A function that tells the seconds numba has compiled so far, nested ones once."""
    from numba.core import event

    listener = event.TimingListener()
    event.register("numba:compile", listener)
    return lambda: listener.duration if listener.done else 0.0


def _options(job: dict) -> dict:
    return {
        "n_neighbors": job["k"],
        "metric": job["metric"],
        "n_jobs": job["threads"],
        # below 4 096 rows umap-learn would compare all pairs by itself and ask no index
        "force_approximation_algorithm": True,
    }


def _fit(engine, model, rows, compiled, answers) -> dict:
    before = compiled()
    with Stages(engine.module, compiled) as stages, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Stopwatch() as timing:
            embedding = model.fit_transform(rows)
    if not np.isfinite(embedding).all():
        raise RuntimeError("the embedding is not finite")
    answers["graph"] = np.asarray(stages.results["neighbors"][0], dtype=np.int32)
    return {
        "fit": asdict(timing),
        "stages": dict(stages.seconds),
        "compiling": dict(stages.compiling),
        "fit_compile_s": compiled() - before,
    }


def _transform(model, queries, compiled, answers) -> dict:
    kind, spent, compiling = type(model._knn_search_index), [], []
    original, before = kind.query, compiled()

    def query(self, *args, **kwargs):
        start, already = time.perf_counter(), compiled()
        found = original(self, *args, **kwargs)
        spent.append(time.perf_counter() - start)
        compiling.append(compiled() - already)
        answers["query"] = np.asarray(found[0], dtype=np.int32)
        return found

    kind.query = query
    try:
        with Stopwatch() as timing:
            model.transform(queries)
    finally:
        kind.query = original
    return {
        "transform": asdict(timing),
        "query_s": sum(spent),
        "query_compile_s": sum(compiling),
        "transform_compile_s": compiled() - before,
    }


def measure(session) -> list[dict]:
    quick = session.plan.quick if session.options.quick else {}
    wanted = split(session.options.data)
    cases = quick.get("cases") or session.plan.more["cases"]
    parts = []
    for case in cases:
        if wanted is None or case["data"] in wanted:
            rows = session.options.rows or case.get("rows")
            parts += [_part(session, case, rows, cache) for cache in case["cache"]]
    if not parts:
        known = ", ".join(dict.fromkeys(case["data"] for case in cases))
        raise ValueError(f"the suite umap has no data {session.options.data!r}; it has {known}")
    return parts


def _part(session, case: dict, count: int | None, cache: str) -> dict:
    prepared = datasets.prepare(case["data"], count)
    rows, queries = prepared.load(), np.load(prepared.queries)
    session.say(f"{prepared.name}, {len(rows)} rows: exact truth of a sample")
    judge = _judge(session.plan, prepared, rows, queries)
    fits = case["fits"] if cache == "warm" else 1
    cases = [_case(session, entry, prepared, cache, fits, judge) for entry in session.entries]
    session.take_turns(cases)
    return {
        "name": f"{prepared.name}, {len(rows)} rows, {cache} compile cache",
        "about": prepared.about,
        "synthetic": prepared.synthetic,
        "rows": len(rows),
        "dim": rows.shape[1],
        "queries": len(queries),
        "metric": prepared.metric,
        "cache": cache,
        "engines": [_record(e, c) for e, c in zip(session.entries, cases, strict=True)],
    }


def _case(session, entry, prepared, cache: str, fits: int, judge) -> Case:
    job = {
        **session.base_job(entry, prepared),
        "queries": str(prepared.queries),
        "fits": fits,
    }
    small = {**job, "rows": str(datasets.prepare(prepared.name, WARM_ROWS).path), "fits": 1}

    def attempt() -> dict:
        if cache == "warm":
            kept = cache_dir() / f"numba-{entry.engine}"
            kept.mkdir(exist_ok=True)
            told = _told_numba(str(kept))
            return session.run(entry, {**job, **told}, {**small, **told}, judge)
        with tempfile.TemporaryDirectory(prefix="hnsw-bench-numba-") as empty:
            return session.run(entry, {**job, **_told_numba(empty)}, None, judge)

    title = f"{prepared.name}, {cache} compile cache: {entry.name}"
    return Case(title, attempt, _quiet)


def _told_numba(folder: str) -> dict:
    return {"environment": {"NUMBA_CACHE_DIR": folder}}


def _quiet(attempt: dict) -> bool:
    fits = [part for fit in attempt["fits"] for part in (fit["fit"], fit["transform"])]
    return undisturbed([attempt["import"], *fits])


def _judge(plan, prepared, rows, queries):
    """Adds ``recall`` of the fit's neighbours and of the transform's to a result."""
    stem, metric = prepared.path.stem, prepared.metric
    of_graph = truth.cached_graph_truth(stem, rows, plan.k, metric, plan.recall["rows"])
    asked = queries[: plan.recall["rows"]]
    of_queries, _ = truth.cached_query_truth(stem, rows, asked, plan.k, metric)

    def judge(result: dict, answers_file) -> None:
        with np.load(answers_file) as answers:
            graph, found = answers["graph"], answers["query"][: len(asked)]
            result["recall"] = {
                "graph": recall.judge_graph(graph, rows, of_graph).recall,
                "query": recall.judge(found, rows, asked, of_queries).recall,
            }

    return judge


def _record(entry, case: Case) -> dict:
    record = {"name": entry.name, "engine": entry.engine, "attempts": case.attempts}
    if case.error is not None:
        return {**record, "error": case.error}
    best = min(case.attempts, key=lambda one: (not _quiet(one), _total(one)))
    peaks = [best["memory"]["process_mb"], *best["memory"]["helpers_mb"]]
    known = all(peak is not None for peak in [*peaks, best["data_mb"]])
    return {
        **record,
        "version": next(iter(best["detail"]["versions"].values())),
        "quiet": _quiet(best),
        "total_s": _total(best),
        "parts": [_parts(best, number) for number in range(len(best["fits"]))],
        "recall": best["recall"],
        "memory_over_data_mb": sum(peaks) - best["data_mb"] if known else None,
    }


def _total(attempt: dict) -> float:
    """From the import to the embedding."""
    return attempt["import"]["seconds"] + attempt["fits"][0]["fit"]["seconds"]


def _parts(attempt: dict, number: int) -> dict:
    """Seconds by part of one fit and transform; the import belongs to the first."""
    fit, first = attempt["fits"][number], number == 0
    stages = {stage: fit["stages"].get(stage, 0.0) for stage in STAGES.values()}
    compiling = fit["fit_compile_s"] + fit["transform_compile_s"]
    return {
        "import": attempt["import"]["seconds"] if first else None,
        "fit": fit["fit"]["seconds"],
        "compile": compiling + (attempt["import"]["compile_s"] if first else 0.0),
        **stages,
        "rest": fit["fit"]["seconds"] - sum(stages.values()),
        "transform": fit["transform"]["seconds"],
        "query": fit["query_s"],
        "neighbors_compile": fit["compiling"].get("neighbors", 0.0) + fit["query_compile_s"],
    }
