"""The demo from command line to files: load, fit in fresh processes, judge, draw, tell."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from harness import machine

from . import arguments, page, picture, report
from . import data as sources
from .colours import colouring
from .data import Dataset
from .errors import DemoError
from .process import fit_fresh
from .quality import Judge

OURS = "hnsw-bridge"
PEER = "pynndescent"
NEIGHBOURS = 15


def main(argv: list[str]) -> int:
    """0: done, and the engine answered; 2: one line on stderr says what was wrong."""
    try:
        return _show(arguments.parse(argv))
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2


def _show(options: argparse.Namespace) -> int:
    data = sources.load(options.data, options.rows, _say)
    k = min(NEIGHBOURS, len(data.train) - 1)
    _say(report.opening(data, k, options.metric))
    results, maps = _run_engines(options, data, k)
    files = _write_files(options.out, data, results, maps)
    _say(report.closing(results, k, files))
    if options.json:
        print(json.dumps(_summary(options, data, k, results, files)), flush=True)
    return 0


def _run_engines(options: argparse.Namespace, data: Dataset, k: int) -> tuple[dict, dict]:
    """Figures and arrays by engine: ours, and with ``--compare`` PyNNDescent."""
    results, maps = {}, {}
    job = {"metric": options.metric, "n_neighbors": k, "seed": options.seed}
    with tempfile.TemporaryDirectory(prefix="hnsw-demo-") as folder:
        for engine in (OURS, PEER) if options.compare else (OURS,):
            _say(f"Fitting and placing with {engine}, in a fresh process.")
            results[engine], maps[engine] = fit_fresh(engine, data, Path(folder), job)
            check_answered(engine, results[engine])
    judge = Judge(data, k, options.metric, _say)
    for engine, arrays in maps.items():
        results[engine].update(judge.judge(arrays))
    return results, maps


def check_answered(engine: str, result: dict) -> None:
    """A map of PyNNDescent's neighbours must not be shown under the engine's name."""
    if result["engine"] != engine:
        why = result["fallback"] or f"umap-learn asked {result['engine']}"
        raise DemoError(f"{engine} did not answer. {why}")


def _write_files(folder: Path, data: Dataset, results: dict, maps: dict) -> dict[str, str]:
    """Pictures of every engine's map and the page of ours; their paths by what they are."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"--out {folder}: {error.strerror}") from None
    stem, colours, files = data.name.lower(), colouring(data), {}
    for engine, arrays in maps.items():
        what, ending = ("picture", "") if engine == OURS else (f"picture_{engine}", f"-{engine}")
        files[what] = folder / f"{stem}{ending}.png"
        title = f"{data.name}: UMAP with {engine}"
        picture.draw(files[what], title, arrays["fitted"], arrays["placed"], colours)
    files["page"] = folder / f"{stem}.html"
    points = np.vstack([maps[OURS]["fitted"], maps[OURS]["placed"]])
    facts = report.page_facts(results[OURS], data)
    page.write(files["page"], f"{data.name}: UMAP with {OURS}", facts, points, data, colours)
    return {what: str(path) for what, path in files.items()}


def _summary(options, data: Dataset, k: int, results: dict, files: dict) -> dict:
    """All figures as one object: the engine's own at the top, PyNNDescent's under ``compare``."""
    return {
        "data": {
            "name": data.name,
            "rows": len(data.train),
            "test_rows": len(data.test),
            "dim": data.train.shape[1],
        },
        "metric": options.metric,
        "k": k,
        "seed": options.seed,
        **results[OURS],
        "compare": {name: result for name, result in results.items() if name != OURS},
        "machine": machine.describe(),
        "files": files,
    }


def _say(text: str) -> None:
    print(text, flush=True)
