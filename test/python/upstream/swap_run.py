"""Runs PyNNDescent's own suites against our class, in a process of their own; sorts the outcome.

Everything runs, also what is deselected: a deselected test that passes by now is worth a word.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

from sdist import CACHE, LOCK, unpacked_tests

SUMMARY = CACHE / "summary.json"  # Read by `npm run test:upstream` for its closing lines.
_SECONDS = 1200


class Outcome(NamedTuple):
    """The tests of one suite by name, each in one of four places."""

    passed: set[str]
    failed: dict[str, str]
    deselected: set[str]
    deselected_but_passing: set[str]

    @property
    def total(self) -> int:
        return len(self.passed) + len(self.failed) + len(self.deselected)


def run_swapped() -> dict[str, Outcome]:
    """Outcome by suite. Raises NotFetched without the tests, RuntimeError for a broken run."""
    folder = unpacked_tests()
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    done = _run_pytest(folder, report)
    if not report.is_file():
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    outcomes = {name: _outcome(name, report) for name in LOCK["suites"]}
    _summarise(outcomes)
    return outcomes


def _run_pytest(folder: Path, report: Path) -> subprocess.CompletedProcess[str]:
    suites = [f"pnt_tests/{name}" for name in LOCK["suites"]]
    options = ["-q", "-p", "no:cacheprovider", "-p", "swap_plugin", f"--junitxml={report}"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--timeout=300", *suites],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([".", str(Path(__file__).parent)])},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def _outcome(suite: str, report: Path) -> Outcome:
    excused = LOCK["suites"][suite]["deselected"]
    outcome = Outcome(set(), {}, set(), set())
    for case in ElementTree.parse(report).iter("testcase"):
        if case.get("classname") != f"pnt_tests.{suite.removesuffix('.py')}":
            continue
        name = str(case.get("name"))
        trouble = [e for e in case if e.tag in ("failure", "error", "skipped")]
        if name in excused:
            outcome.deselected.add(name)
            if not trouble:
                outcome.deselected_but_passing.add(name)
        elif trouble:
            outcome.failed[name] = str(trouble[0].get("message"))
        else:
            outcome.passed.add(name)
    return outcome


def _summarise(outcomes: dict[str, Outcome]) -> None:
    counts = {
        "passed": sum(len(outcome.passed) for outcome in outcomes.values()),
        "failed": sum(len(outcome.failed) for outcome in outcomes.values()),
        "skipped": sum(len(outcome.deselected) for outcome in outcomes.values()),
    }
    SUMMARY.write_text(json.dumps(counts))
