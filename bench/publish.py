"""Keeps a suite's results in ``bench/results`` and puts their table into README.md.

    python bench/publish.py [bench/out/graph.json]

Run it after a bench on a quiet machine. Nothing in the table is typed by hand.
"""

import json
import re
import sys
from pathlib import Path

from harness import report
from harness.paths import BENCH, ROOT
from tasks import graph

MARKED = re.compile(r"(<!-- results: graph -->\n).*?(<!-- end of results -->)", re.DOTALL)


def readme_part(result: dict) -> str:
    """The README's lines for a result: machine, tables, ratios, how to rerun it."""
    machine = result["machine"]
    lines = [
        f"{result['about']}, k = {result['k']}: from a numpy array to a numpy array, upload and "
        f"reply included. {machine['cpu']}, {machine['cores']} cores, "
        f"{' '.join(machine['features'])}.",
        "",
    ]
    for data in result["data"]:
        lines += [f"{data['about']}:", "", *graph.table(data, result), ""]
        lines += [*graph.ratios(data), ""]
    lines += [
        "*First*: import and first call in a fresh process; *later*: best of the later calls; "
        "*engine*: what of that the engine itself computed. "
        "`!`: other processes took more than 0.2 of a core. Memory: peak above the rows alone, "
        "all processes. Rerun: `npm run bench -- --suite graph`; "
        "[how it is measured](docs/measuring.md), "
        "[all figures](bench/results/graph.md).",
        "",
    ]
    return "\n".join(lines)


def published(readme: str, result: dict) -> str:
    """README text with the result's part in its place."""
    return MARKED.sub(lambda m: f"{m[1]}{readme_part(result)}{m[2]}", readme)


def main(argv: list[str]) -> int:
    source = Path(argv[0]) if argv else BENCH / "out" / "graph.json"
    result = json.loads(source.read_text())
    folder = BENCH / "results"
    folder.mkdir(exist_ok=True)
    (folder / "graph.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "graph.md").write_text(report.markdown(result))
    readme = ROOT / "README.md"
    readme.write_text(published(readme.read_text(), result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
