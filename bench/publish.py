"""Keeps a suite's results in ``bench/results`` and puts its tables where they are shown.

    python bench/publish.py [--suite graph] [FILE ...]

FILE is the suite's JSON, ``bench/out/SUITE.json`` by default; its plots lie beside it. Runs of one
suite on different sets, one after the other on one machine, may be given together. What stands
between ``<!-- results: SUITE -->`` and ``<!-- end of results -->`` is written anew wherever it is:
a short part in README.md, the whole in docs/performance.md and docs/tuning.md. Run it after a bench
on a quiet machine. Nothing in the tables is typed by hand.
"""

import argparse
import importlib
import json
import re
import shutil
import sys
from pathlib import Path

from harness import report
from harness.paths import BENCH, ROOT

RESULTS = BENCH / "results"
SHORT, LONG = ROOT / "README.md", ROOT / "docs" / "performance.md"
TUNING = ROOT / "docs" / "tuning.md"
MARKED = re.compile(
    r"(<!-- results: (?P<suite>[\w-]+) -->\n).*?(<!-- end of results -->)", re.DOTALL
)


def readme_part(result: dict) -> str:
    """The README's lines for a result: machine, short tables, how to rerun it."""
    task = _task(result)
    machine = result["machine"]
    lines = [
        f"{result['about']}. {machine['cpu']}, {machine['cores']} cores, "
        f"{' '.join(machine['features'])}.",
        "",
        *(task.short(result) if hasattr(task, "short") else task.lines(result)),
        f"Rerun: `npm run bench -- --suite {result['suite']}`; "
        "[how it is measured](docs/measuring.md), "
        f"[all figures](bench/results/{result['suite']}.md).",
        "",
    ]
    return "\n".join(lines)


def whole_part(result: dict) -> str:
    """All of a result's report but its title, for a page in ``docs/``."""
    plots = [f"../bench/results/{name}" for name in plot_names(result)]
    text = report.markdown(result, plots)
    return text.split("\n", 2)[2].replace("\n## ", "\n#### ")


def plot_names(result: dict) -> list[str]:
    """The SVG files of a result that are kept."""
    task = _task(result)
    wanted = task.plots(result) if hasattr(task, "plots") else []
    names = [f"{plot['file']}.svg" for plot in wanted]
    return [name for name in names if (RESULTS / name).is_file()]


def published(text: str, results: dict[str, dict], part) -> str:
    """A page's text with ``part(result)`` between the marks of each suite that has results."""

    def filled(match: re.Match) -> str:
        result = results.get(match["suite"])
        return match[0] if result is None else f"{match[1]}{part(result)}{match[3]}"

    return MARKED.sub(filled, text)


def kept_results() -> dict[str, dict]:
    """The results that are kept, by suite."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}


def joined(results: list[dict]) -> dict:
    """One result of runs on different sets; ValueError where they do not go together.

    A set for which a run had no time left is that of another.
    """
    first = results[0]
    parts = [part for result in results for part in result["data"] if _has_figures(part)]
    sets = [part["name"] for part in parts if "name" in part]
    alike = all(
        r[key] == first[key] for r in results for key in ("suite", "machine", "threads", "k")
    )
    if not alike or len(sets) != len(set(sets)):
        raise ValueError(f"not runs of one suite on one machine, each on sets of its own: {sets}")
    return {**first, "data": parts}


def _has_figures(part: dict) -> bool:
    engines = part.get("engines")
    return not engines or any("error" not in engine for engine in engines)


def keep(sources: list[Path]) -> None:
    """Copies a result, its report and its plots into ``bench/results``."""
    result = joined([json.loads(source.read_text()) for source in sources])
    name = result["suite"]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    for folder in {source.parent for source in sources}:
        for picture in [*folder.glob(f"{name}-*.svg"), *folder.glob(f"{name}-*.png")]:
            shutil.copy(picture, RESULTS)
    (RESULTS / f"{name}.md").write_text(report.markdown(result, plot_names(result)))


def _task(result: dict):
    return importlib.import_module(f"tasks.{result['task']}")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="publish", description=__doc__.splitlines()[0])
    parser.add_argument("--suite", default="graph")
    parser.add_argument("file", nargs="*", type=Path, help="default: bench/out/SUITE.json")
    options = parser.parse_args(argv)
    keep(options.file or [BENCH / "out" / f"{options.suite}.json"])
    results = kept_results()
    for page, part in ((SHORT, readme_part), (LONG, whole_part), (TUNING, whole_part)):
        if page.is_file():
            page.write_text(published(page.read_text(), results, part))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
