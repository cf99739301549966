"""Turns ann-benchmarks' results on a set into the bench's kind of table, as JSON and Markdown.

    python bench/from_ann_benchmarks.py RESULTS --data data/NAME.hdf5 [--least R] [--out DIR]

The indices found are judged here, by the bench's own recall: a row counts when it is as near as the
k-th true one, computed again in double precision. No speed is stated below ``--least``.
"""

import argparse
import json
import sys
from pathlib import Path

import h5py
import numpy as np
from harness import recall, truth
from to_ann_benchmarks import DISTANCES

LEAST = 0.9


def read(results: Path, data: Path) -> list[dict]:
    """Every run on the set under ``results``, in the order of count, algorithm, recall."""
    metric = {theirs: ours for ours, theirs in DISTANCES.items()}
    with h5py.File(data, "r") as file:
        rows, queries = np.array(file["train"]), np.array(file["test"])
        exact = np.array(file["neighbors"]), np.array(file["distances"])
        judge = _Judge(rows, queries, *exact, metric[file.attrs["distance"]])
    found = sorted((results / data.stem).rglob("*.hdf5"))
    runs = [_run(path, judge) for path in found]
    return sorted(
        runs, key=lambda run: (run["count"], run["algorithm"], run["mode"], run["recall"])
    )


class _Judge:
    def __init__(self, rows, queries, indices, distances, metric):
        self._rows, self._queries, self._metric = rows, queries, metric
        self._indices, self._distances = indices, distances

    def recall(self, found: np.ndarray) -> float:
        k = found.shape[1]
        known = self._indices[:, :k], self._distances[:, :k]
        exact = truth.Truth(np.arange(len(self._queries)), *known, self._metric)
        return recall.judge(found, self._rows, self._queries, exact).recall


def _run(path: Path, judge: _Judge) -> dict:
    with h5py.File(path, "r") as file:
        told = dict(file.attrs)
        found = np.array(file["neighbors"])
        times = np.array(file["times"])
    queries = len(found)
    computed = told.get("dist_comps")
    return {
        "algorithm": told["algo"],
        "setting": told["name"],
        "mode": "batch" if told["batch_mode"] else "single",
        "count": int(told["count"]),
        "recall": judge.recall(found),
        "queries_per_s": 1.0 / float(told["best_search_time"]),
        "median_ms": float(np.median(times)) * 1e3,
        "build_s": float(told["build_time"]),
        "index_mb": float(told["index_size"]) * 1024 / 1e6,
        "distances": None if computed is None else int(computed) / (told["run_count"] * queries),
    }


def markdown(name: str, runs: list[dict], least: float) -> str:
    head = ["engine", "mode", "k", "recall", "queries/s", "median ms", "distances", "build s", "MB"]
    lines = [f"# {name} by ann-benchmarks", ""]
    lines += [f"No speed is stated for a recall below {least}.", ""]
    lines += ["| " + " | ".join(head) + " |", "|---|---|---:|---:|---:|---:|---:|---:|---:|"]
    return "\n".join([*lines, *(_row(run, least) for run in runs), ""])


def _row(run: dict, least: float) -> str:
    stated = run["recall"] >= least
    cells = [
        run["setting"],
        run["mode"],
        str(run["count"]),
        f"{run['recall']:.4f}",
        f"{run['queries_per_s']:.0f}" if stated else "recall too low",
        f"{run['median_ms']:.3f}" if stated else "",
        "-" if run["distances"] is None else f"{run['distances']:.0f}",
        f"{run['build_s']:.2f}",
        f"{run['index_mb']:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="from_ann_benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument("results", type=Path, help="ann-benchmarks' results/")
    parser.add_argument("--data", type=Path, required=True, help="the set's file in its data/")
    parser.add_argument("--least", type=float, default=LEAST, help="recall below which none counts")
    parser.add_argument("--out", type=Path, help="folder for NAME.json and NAME.md")
    options = parser.parse_args(argv)
    if not options.data.is_file():
        print(f"from_ann_benchmarks: there is no file {options.data}", file=sys.stderr)
        return 2
    runs = read(options.results, options.data)
    if not runs:
        place = options.results / options.data.stem
        print(f"from_ann_benchmarks: there are no results in {place}", file=sys.stderr)
        return 2
    text = markdown(options.data.stem, runs, options.least)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        name = options.out / f"ann-benchmarks-{options.data.stem}"
        name.with_suffix(".json").write_text(json.dumps(runs, indent=2) + "\n")
        name.with_suffix(".md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
