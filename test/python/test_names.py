"""What Python tells of an index has the names of the TypeScript API, in snake_case."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hnsw_bridge import HnswIndexWrapper, Index
from hnsw_bridge._names import snake_case

ROWS = np.random.default_rng(3).random((400, 6), dtype=np.float32)
ROOT = Path(__file__).parents[2]

# The same calls on as many rows; a value that JSON has no word for is there by its key.
_PROGRAM = """
import { HnswIndex } from "hnsw-bridge";
const data = Float32Array.from({ length: 400 * 6 }, (_, i) => Math.abs(Math.sin(i * i)));
const rows = { data, shape: [400, 6] };
const index = HnswIndex.buildSync(rows, { algorithm: "hnsw", nNeighbors: 5 });
index.prepareSync();
const told = {
  stats: index.stats(),
  plan: index.plan,
  verify: index.verifySync(),
  recall: index.recallSync({ sample: 50, k: 3 }),
  parameters: index.parameters,
  profile: index.querySync(rows, { k: 3, profile: true }).profile,
  radius: index.radiusSearchSync(rows, 0.3),
  target: index.searchWithTargetCountSync(data.subarray(0, 6), 9),
  estimate: index.estimateCountSync(rows, 0.3),
};
const plain = (_, value) =>
  typeof value === "bigint" ? String(value) : ArrayBuffer.isView(value) ? null : value;
console.log(JSON.stringify(told, plain));
"""

TELLS: dict[str, Callable[[Index], Any]] = {
    "stats": Index.stats,
    "plan": lambda index: index.plan,
    "verify": Index.verify,
    "recall": lambda index: index.recall(50, 3),
    "parameters": lambda index: index.parameters,
    "profile": lambda index: index.profile(ROWS, 3)[1],
    "radius": lambda index: _fields(index.radius_search(ROWS, 0.3)),
    "target": lambda index: _fields(index.search_with_target_count(ROWS[0], 9)),
    "estimate": lambda index: _fields(index.estimate_count(ROWS, 0.3)),
}
# What the server adds, which knows the index by an id and tells the plan along with the rest.
ADDED = {"stats": {"id", "metric", "plan"}}
# Python's results are CSR matrices by their names, and a target is told without its searches' work.
RENAMED = {"radius": {"offsets": "indptr"}}
ONLY_TOLD = {"target": {"radius", "indices", "distances", "reached", "searches"}}


def _fields(result: Any) -> dict[str, Any]:
    return {field.name: None for field in dataclasses.fields(result)}


def _names(told: Any, within: str = "") -> set[str]:
    """Every key of every dict, with those that lead to it."""
    if isinstance(told, list):
        return set().union(*(_names(each, within) for each in told))
    if not isinstance(told, dict):
        return set()
    return {within + name for name in told}.union(
        *(_names(value, f"{within}{name}.") for name, value in told.items())
    )


@pytest.fixture(scope="module")
def typescript() -> dict[str, Any]:
    command = ["node", "--input-type=module", "-e", _PROGRAM]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def index() -> Index:
    index = Index(ROWS, algorithm="hnsw", n_neighbors=5)
    index.prepare()
    return index


@pytest.mark.parametrize("what", TELLS)
def test_they_are_those_of_typescript_in_snake_case(
    what: str, index: Index, typescript: dict[str, Any]
) -> None:
    theirs = {
        re.sub("[A-Z]", lambda hump: "_" + hump.group().lower(), name)
        for name in _names(typescript[what])
    }
    theirs = {RENAMED.get(what, {}).get(name, name) for name in theirs}
    if what in ONLY_TOLD:
        assert theirs > ONLY_TOLD[what]
        theirs = ONLY_TOLD[what]
    told = TELLS[what](index)
    added = ADDED.get(what, set())
    assert added <= told.keys()
    assert _names({name: told[name] for name in told if name not in added}) == theirs
    assert all(re.fullmatch(r"[a-z0-9_.]+", name) for name in _names(told))


def test_the_index_by_other_names_tells_the_same(index: Index) -> None:
    other = HnswIndexWrapper(ROWS, n_neighbors=5)
    other.prepare()
    assert _names(other.stats()) == _names(index.stats())
    assert other.stats()["search_builds"] == 1


def test_names_are_changed_wherever_they_are_and_values_nowhere() -> None:
    told = {"rowsBytes": "rowsBytes", "parts": [{"levelRows": [1]}, 2], "m": None, "f32Rows": 1}
    assert snake_case(told) == {
        "rows_bytes": "rowsBytes",
        "parts": [{"level_rows": [1]}, 2],
        "m": None,
        "f32_rows": 1,
    }
    assert snake_case({"ERR_PROTOCOL": 1, "neighbor_graph": 2}) == {
        "ERR_PROTOCOL": 1,
        "neighbor_graph": 2,
    }
