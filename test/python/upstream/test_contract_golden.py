"""The stored golden values against what the installed PyNNDescent says today.

Where they differ the stored file is replaced: `git diff` shows what moved, and the values that our
class is held to have moved with it.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_GOLDEN = Path(__file__).resolve().parents[2] / "golden"
_STORED = _GOLDEN / "metrics.json"
_LARGEST_NOISE = 1e-6  # Other compilers and processors: the last bits of a float32.


def _leaves(value, path=""):
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, f"{path}/{key}")
    else:
        yield path, value


def _differs(old, new):
    if isinstance(old, float | int) and isinstance(new, float | int):
        return abs(old - new) > _LARGEST_NOISE * max(1, abs(old))
    return old != new


def moved(old, new):
    """Paths of values that differ, or are in one of the tables only; versions do not count."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    paths = [path for path in {**before, **after} if not path.startswith("/generated_by")]
    return [
        f"{path}: {before.get(path)} -> {after.get(path)}"
        for path in paths
        if path not in before or path not in after or _differs(before[path], after[path])
    ]


@pytest.mark.upstream
@pytest.mark.timeout(900)
def test_contract_32_the_stored_golden_values_are_pynndescents(tmp_path):
    fresh = tmp_path / "metrics.json"
    subprocess.run([sys.executable, _GOLDEN / "refresh.py", fresh], check=True, timeout=800)
    differences = moved(json.loads(_STORED.read_text()), json.loads(fresh.read_text()))
    if differences:
        shutil.copy(fresh, _STORED)
    assert differences == [], "metrics.json holds the new values now: see git diff"


def test_a_moved_value_is_told_and_noise_is_not():
    old = {"generated_by": {"numba": "1"}, "metrics": [{"values": {"A": 1.0, "B": [1.0, None]}}]}
    new = {
        "generated_by": {"numba": "2"},
        "metrics": [{"values": {"A": 1.0 + 1e-9, "B": [2.0, None]}}],
    }
    assert moved(old, new) == ["/metrics/0/values/B/0: 1.0 -> 2.0"]
    assert moved({"a": 1}, {"b": None}) == ["/a: 1 -> None", "/b: None -> None"]
