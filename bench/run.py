"""The bench: every engine on the same rows, each in a fresh process, recall beside every speed.

    python bench/run.py --suite graph|query|build|... [--data NAME,...] [--rows N] [--peers a,b]
                        [--quick] [--truth sample|all] [--glass DIR] [--minutes M]
                        [--out DIR]

Writes ``SUITE.json`` (everything measured), ``SUITE.md`` (the tables) and its plots (SVG and PNG)
to the output folder.
"""

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

from harness import datasets, machine, plots, report, suite
from harness.datasets import DataMissing
from harness.paths import BENCH
from harness.peers import PeerMissing
from harness.session import Session, split


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--suite", default="graph", help=f"one of: {', '.join(suite.names())}")
    parser.add_argument("--data", help=f"comma-separated, of: {', '.join(datasets.SOURCES)}")
    parser.add_argument("--rows", type=int, help="only the first N rows of each set")
    parser.add_argument(
        "--peers", help="comma-separated, by engine or by name; default: all of the suite"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rows, one attempt")
    parser.add_argument("--truth", choices=("sample", "all"), default="sample", help="rows judged")
    parser.add_argument("--glass", type=Path, help="a checkout of glass, which no registry has")
    parser.add_argument(
        "--minutes", type=float, help="begin nothing after so many; what is missing is named"
    )
    parser.add_argument("--out", type=Path, default=BENCH / "out", help="folder for the results")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    options = arguments(argv)
    try:
        plan = suite.load(options.suite)
        session = Session(plan, suite.chosen(plan, split(options.peers)), options)
        task = importlib.import_module(f"tasks.{plan.task}")
        result = {**_header(plan, options), "data": task.measure(session)}
    except (ValueError, DataMissing) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    _write(result, task, options.out)
    return 0


def _header(plan: suite.Suite, options: argparse.Namespace) -> dict:
    return {
        "suite": plan.name,
        "task": plan.task,
        "about": plan.about,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine.describe(),
        "threads": machine.cores(),
        "quick": options.quick,
        "k": plan.k,
        "recall": plan.recall,
        "truth": options.truth,
    }


def _write(result: dict, task, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = result["suite"]
    (folder / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    wanted = task.plots(result) if hasattr(task, "plots") else []
    try:
        pictures = plots.draw(wanted, folder)
    except PeerMissing as error:
        print(f"bench: no plots: {error}", file=sys.stderr)
        pictures = []
    text = report.markdown(result, pictures)
    (folder / f"{name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
