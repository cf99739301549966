"""The examples of README and guide are these files, and they run.

Those in `users/` need scanpy and the like: `users/heavy/test_guide.py` runs them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_EXAMPLES = _ROOT / "docs" / "guide" / "examples"
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs" / "guide").glob("*.md"))]
# Compiling umap would take most of their time, and they print the same without.
_UNCOMPILED = {"precomputed_knn.py"}
_MARKED = re.compile(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


def _shown() -> list[tuple[str, str, str]]:
    """(page, example, text as printed there) of every example that a page shows."""
    return [
        (page.name, name, text)
        for page in _PAGES
        for name, text in _MARKED.findall(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in _EXAMPLES.glob("*.py")))
def test_python_example_runs(name: str) -> None:
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"} if name in _UNCOMPILED else None
    done = subprocess.run(
        [sys.executable, str(_EXAMPLES / name)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_pages_show_the_examples_that_run() -> None:
    shown = _shown()
    files = {str(path.relative_to(_EXAMPLES).as_posix()) for path in _EXAMPLES.rglob("*.*")}
    assert {name for _, name, _ in shown} == files
    for page, name, text in shown:
        assert text == (_EXAMPLES / name).read_text(encoding="utf-8"), f"{name} in {page}"


def test_pages_link_only_to_what_is_there() -> None:
    pages = [*_PAGES, *sorted((_ROOT / "docs").glob("*.md")), *_ROOT.glob("bench/*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{target} in {page.name}"
