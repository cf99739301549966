"""The stored golden values as cases: pairs of rows, and the distance that ours is to hand out."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_FILE = Path(__file__).resolve().parents[2] / "golden" / "metrics.json"
TABLE: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))


class Pair(NamedTuple):
    """Two rows by name; `expected` is a distance, or the code of the error that refuses them."""

    label: str
    x: list[float]
    y: list[float]
    expected: float | str


class Case(NamedTuple):
    """One metric by one of its names, its parameters, and pairs of rows of one width."""

    metric: str
    kwds: dict[str, Any] | None
    dtype: type
    pairs: list[Pair]

    @property
    def valued(self) -> list[Pair]:
        return [pair for pair in self.pairs if not isinstance(pair.expected, str)]

    @property
    def refused(self) -> list[Pair]:
        return [pair for pair in self.pairs if isinstance(pair.expected, str)]


def entries(form: str) -> list[dict[str, Any]]:
    """The entries that have values for rows of the form "values" (dense, bits) or "sparse"."""
    return [entry for entry in TABLE["metrics"] if entry[form] is not None]


def names(entry: dict[str, Any], form: str) -> list[str]:
    """The entry's name and those of its aliases that PyNNDescent knows for this form of rows."""
    known = TABLE["names"]["sparse" if form == "sparse" else "dense"]
    return [entry["name"], *(alias for alias in entry["aliases"] if alias in known)]


@cache
def cases(form: str) -> dict[str, Case]:
    """Every name with every choice of parameters, apart for the random rows, by a title."""
    found = {}
    for i, entry in enumerate(entries(form)):
        for name in names(entry, form):
            for kind, kwds in (("named", entry["params"]), ("random", entry["random_params"])):
                dtype = np.uint8 if entry["rows"] == "bits" else np.float32
                pairs = _pairs(entry, form, kind)
                found[f"{name}-{i}-{kind}"] = Case(name, kwds, dtype, pairs)
    return found


def _pairs(entry: dict[str, Any], form: str, kind: str) -> list[Pair]:
    pairs = []
    for key, value in entry[form].items():
        if (key == "random") != (kind == "random"):
            continue
        value = entry["ours"].get(key, value)
        rows = TABLE["vectors"].get(entry["rows"], {}).get(key, TABLE["vectors"].get(key))
        if kind == "random":
            pairs += [Pair(f"random {i}", *pair, value[i]) for i, pair in enumerate(rows)]
        else:
            pairs.append(Pair(key, *rows, np.inf if value == "inf" else value))
    return pairs


def fitting_rows(entry: dict[str, Any]) -> Any:
    """Some rows (12, d) that the entry's metric takes with its `random_params`."""
    vectors = TABLE["vectors"].get(entry["rows"], {}).get("random", TABLE["vectors"]["random"])
    dtype = np.uint8 if entry["rows"] == "bits" else np.float32
    return np.asarray(vectors, dtype=dtype).reshape(-1, np.shape(vectors)[-1])


def distances_to(index: Any, queries: Any, count: int) -> Any:
    """All distances (q, count) that an index tells, by row id; inf for what was not found."""
    indices, distances = index.query(queries, k=count)
    found = np.full((queries.shape[0], count), np.inf)
    for row, (i, d) in enumerate(zip(indices, distances, strict=True)):
        found[row, i[i >= 0]] = d[i >= 0]
    return found
