"""Task ``kernels``: how much of the machine the kernels use, alone and inside the exact graph.

The peaks and the tiles are measured by the kernels' own program ``peak`` (Rust), on one core. The
exact neighbour graph of whole sets then shows what is left of them with packing, selection and the
recheck: half of all pairs, two operations a column, over the engine's own seconds. Sets and peers
are measured with the best instructions and with lesser ones.
"""

import json
import os
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
from harness import datasets, process_side, recall, report, truth
from harness.load import Stopwatch
from harness.paths import ROOT
from harness.rounds import Case
from harness.session import split
from harness.suite import is_own
from harness.summary import undisturbed

COMMAND = ("run", "--quiet", "--release", "-p", "hnsw-kernels", "--example", "peak", "--", "--json")
KINDS = ("f32", "bf16", "u8")


def run(job: dict) -> dict:
    """In the fresh process: the graph, again and again; the last answer is judged."""
    engine, rows, started = process_side.start(job)
    calls = []
    for _ in range(job["calls"]):
        with Stopwatch() as timing:
            index = engine.build(rows, job["k"], job["metric"], job["options"])
            indices = engine.neighbors(index, rows, job["k"], {})
        calls.append({**asdict(timing), "detail": engine.describe(index)})
        engine.release(index)
    np.savez(job["answers"], indices=np.asarray(indices, dtype=np.int32))
    return {**started, "calls": calls, "detail": calls[-1]["detail"]}


def measure(session) -> list[dict]:
    """The peaks first, then one part for each data set."""
    session.say("kernels: peaks and tiles of every instruction set, one core")
    names = split(session.options.data) or _quick(session).get("data") or session.plan.data
    return [{"name": "kernels", **peaks()}, *(_of_set(session, name) for name in names)]


def _quick(session) -> dict:
    return session.plan.quick if session.options.quick else {}


def peaks() -> dict:
    """What the kernels' program measures; ValueError where it cannot be built or run."""
    cargo = shutil.which("cargo") or str(Path.home() / ".cargo" / "bin" / "cargo")
    try:
        with Stopwatch() as timing:
            done = subprocess.run(
                [cargo, *COMMAND], cwd=ROOT, env={**os.environ}, capture_output=True, text=True
            )
    except OSError as error:
        raise ValueError(f"the kernels' program needs cargo: {error}") from error
    if done.returncode:
        raise ValueError(f"the kernels' program failed: {done.stderr.strip()[-300:]}")
    # compiling is in these seconds, and is not other processes' load
    return {**json.loads(done.stdout), "timing": asdict(timing)}


def _of_set(session, name: str) -> dict:
    prepared = datasets.prepare(name, session.rows)
    rows, plan = prepared.load(), session.plan
    exact = truth.cached_graph_truth(
        prepared.path.stem, rows, plan.k, prepared.metric, plan.recall["rows"]
    )

    def judge(result: dict, answers_file) -> None:
        with np.load(answers_file) as answers:
            result["recall"] = recall.judge_graph(answers["indices"], rows, exact).recall

    def case(entry, isa: str) -> Case:
        extra = plan.more["environments"].get(entry.engine, {}).get(isa, {})
        job = {**session.base_job(entry, prepared), "environment": extra}
        warm = {**job, "rows": str(datasets.prepare(name, 512).path), "calls": 1}
        return Case(
            f"{name}: {entry.name}, {isa} instructions",
            lambda: session.run(entry, job, warm, judge),
            lambda attempt: undisturbed(attempt["calls"]),
        )

    entries, _ = session.entries_for(name)
    pairs = [(entry, isa) for isa in plan.more["isas"] for entry in entries]
    cases = [case(entry, isa) for entry, isa in pairs]
    session.take_turns(cases)
    shape = rows.shape
    return {
        "name": name,
        "about": prepared.about,
        "synthetic": prepared.synthetic,
        "rows": shape[0],
        "dim": shape[1],
        "metric": prepared.metric,
        "engines": [
            _record(entry, isa, c, shape, plan.recall["least"])
            for (entry, isa), c in zip(pairs, cases, strict=True)
        ],
    }


def _record(entry, isa: str, case: Case, shape: tuple[int, int], least: float) -> dict:
    record = {"name": entry.name, "engine": entry.engine, "isa": isa, "attempts": case.attempts}
    if case.error is not None:
        return {**record, "error": case.error}
    return {**record, **_figures(case.attempts, shape, least)}


def _figures(attempts: list[dict], shape: tuple[int, int], least: float) -> dict:
    quiet = [attempt for attempt in attempts if undisturbed(attempt["calls"])]
    calls = [call for attempt in quiet or attempts for call in attempt["calls"]]
    found = min(attempt["recall"] for attempt in attempts)
    seconds = min(_engine_s(call) for call in calls)
    plan = calls[-1]["detail"].get("plan", {})
    chosen = plan.get("neighbor_graph", {})
    stated = found >= least
    return {
        "recall": found,
        "engine_s": seconds if stated else None,
        "quiet": bool(quiet),
        "gops": operations(*shape) / seconds / 1e9 if stated else None,
        "codes": chosen.get("codes"),
        "kernels": plan.get("kernels", "").split(" of ")[0] or None,
        "version": next(iter(calls[-1]["detail"]["versions"].values())),
    }


def _engine_s(call: dict) -> float:
    told = call["detail"].get("compute_s")
    return call["seconds"] if told is None else told


def operations(rows: int, dim: int) -> int:
    """What the graph needs at least: a product for each of half the pairs, two operations each
    column. An engine that does all pairs does twice as many and gets no credit for it."""
    return rows * (rows - 1) // 2 * 2 * dim


def kind(codes: str | None) -> str:
    """The tiles that an answer ran on, from the engine's word for its codes (``u8 filter``)."""
    return next((name for name in ("u8", "bf16") if codes and name in codes.split()), "f32")


def efficiency(engine: dict, kernels: dict, threads: int) -> float | None:
    """The graph's rate over the peak of its instructions on all threads; None where unknown."""
    known = next((s for s in kernels["sets"] if s["label"] == engine["kernels"]), None)
    peak = known and known["peak_gops"].get(kind(engine["codes"]))
    return engine["gops"] / (peak * threads) if peak and engine["gops"] else None


def circumstances(result: dict) -> list[str]:
    return [
        "peaks: multiply-adds on registers alone; tiles: 512 x 512 products from packed rows; one "
        "core, a multiply and an add are two operations",
        "graph rate: half of all pairs, two operations a column, over the engine's own seconds "
        "with packing, selection and recheck; efficiency: that over threads x the peak of one core",
        f"recall@{result['k']} is judged on a seeded sample of {result['recall']['rows']} rows; "
        f"no speed is stated below {result['recall']['least']}",
        "avx2: our kernels, OpenBLAS and faiss held to AVX2 (and its VNNI form where there is one)",
    ]


def lines(result: dict) -> list[str]:
    kernels, *parts = result["data"]
    out = ["## Kernels, one core", "", f"{kernels['features']}", "", *_peak_table(kernels), ""]
    for part in parts:
        out += [f"## Exact graph of {part['name']}", ""]
        out += [f"{part['about']}; used: {report.shape(part)}.", ""]
        out += [*_graph_table(part, kernels, result["threads"]), "", *_ratios(part), ""]
    return out


def _peak_table(kernels: dict) -> list[str]:
    dims = sorted(kernels["sets"][0]["tile_gops"]["f32"], key=int)
    head = ["set", "values", "peak Gop/s", *(f"tile x {dim}" for dim in dims), "best / peak"]
    rows = [
        _peak_row(one, values, dims)
        for one in kernels["sets"]
        for values in KINDS
        if one["tile_gops"].get(values)
    ]
    return report.table(head, "ll" + "r" * (len(dims) + 2), rows)


def _peak_row(one: dict, values: str, dims: list[str]) -> list[str]:
    peak, tiles = one["peak_gops"].get(values), one["tile_gops"][values]
    best = max(tiles[dim] for dim in dims)
    return [
        one["label"],
        values,
        f"{peak:.0f}" if peak else "-",
        *(f"{tiles[dim]:.0f}" for dim in dims),
        _share(best / peak if peak else None),
    ]


def _graph_table(part: dict, kernels: dict, threads: int) -> list[str]:
    head = ["engine", "version", "kernels", "codes", "engine s", "Gop/s", "efficiency", "recall"]
    rows = [
        report.not_measured(engine, len(head))
        if "error" in engine
        else _graph_row(engine, kernels, threads)
        for engine in part["engines"]
    ]
    return report.table(head, "llll" + "r" * 4, rows)


def _graph_row(engine: dict, kernels: dict, threads: int) -> list[str]:
    stated = engine["engine_s"] is not None
    return [
        engine["name"],
        engine["version"] or "-",
        engine["kernels"] or f"{engine['isa']}",
        engine["codes"] or "-",
        report.seconds(engine["engine_s"], engine["quiet"]) if stated else "recall too low",
        f"{engine['gops']:.0f}" if stated else "",
        _share(efficiency(engine, kernels, threads)),
        f"{engine['recall']:.4f}",
    ]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _ratios(part: dict) -> list[str]:
    """Each peer over ours with the same instructions."""
    good = [e for e in part["engines"] if e.get("engine_s") is not None]
    own = {e["isa"]: e["engine_s"] for e in good if is_own(e["engine"])}
    return [
        f"- {e['name']} takes {e['engine_s'] / own[e['isa']]:.2f} times as long as the exact graph "
        f"with {e['isa']} instructions"
        for e in good
        if not is_own(e["engine"]) and e["isa"] in own
    ]
