"""Writes metrics.json: distances as the installed PyNNDescent hands them out.

    .venv/bin/python test/golden/refresh.py [PATH]

Every value is made by the functions that an index of that metric would use, chosen by ``NNDescent``
itself: rows normalised where it normalises, the inner form, then its correction. Takes about a
minute, all of it numba compiling.
"""

from __future__ import annotations

import ast
import inspect
import json
import math
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path

import numba
import numpy as np
from decisions import OURS, REJECTED, wasserstein_1d
from pairs import COLUMNS, ENTRIES, NAMED, PAIRS, parameters, vectors
from pynndescent import NNDescent, distances, sparse
from sklearn.preprocessing import normalize
from umap.umap_ import DISCONNECTION_DISTANCES

PACKAGES = ("pynndescent", "umap-learn", "numba", "numpy")
HERE = Path(__file__).parent
VECTORS = vectors()
# PyNNDescent takes parameters by position.
ORDER = {
    "minkowski": ["p"],
    "wminkowski": ["w", "p"],
    "seuclidean": ["sigma"],
    "mahalanobis": ["vinv"],
    "wasserstein-1d": ["p"],
    "kantorovich": ["cost"],
}


@numba.njit()
def _line(i, j):
    return np.float64(abs(i - j))


@numba.njit()
def _circle(i, j):
    return np.float64(min(abs(i - j), COLUMNS - abs(i - j)))


@numba.njit()
def _small_circle(i, j):
    return np.float64(min(abs(i - j), 4 - abs(i - j)))


def _index(name: str, args: tuple, is_sparse: bool) -> NNDescent:
    """An index that has chosen its functions and nothing else."""
    index = NNDescent.__new__(NNDescent)
    index.metric = name
    index._distance_correction = None
    index._dist_args = args
    index._normalized_data = not is_sparse and name in ("cosine", "dot", "direct_cosine")
    if is_sparse:
        index._set_sparse_distance_func()
    else:
        index._set_distance_func()
    return index


def _finite(value: float) -> float | None:
    return float(f"{value:.9g}") if math.isfinite(value) else None


def _value(index: NNDescent, args: tuple) -> float | None:
    try:
        value = index._distance_func(*args)
    except (ValueError, ZeroDivisionError):
        return None
    if index._distance_correction is not None:
        with np.errstate(all="ignore"):
            value = index._distance_correction(np.float32(value))
    return _finite(value)


def _dense(name: str, args: tuple):
    index = _index(name, args, False)

    def distance(pair: list, dtype: type) -> float | None:
        rows = np.asarray(pair, dtype=dtype)
        if index._normalized_data:
            rows = normalize(rows)
        return _value(index, (rows[0], rows[1]))

    return distance


def _sparse(name: str, args: tuple):
    index = _index(name, args, True)

    def distance(pair: list, _dtype: type) -> float | None:
        rows = np.asarray(pair, dtype=np.float32)
        parts = [(np.flatnonzero(row).astype(np.int32), row[row != 0]) for row in rows]
        return _value(index, (*parts[0], *parts[1]))

    return distance


def _pairs(rows: str) -> dict:
    """The named pairs that rows of this kind have."""
    if rows in ("general", "positive"):
        return NAMED
    return {name: pair for name, pair in VECTORS[rows].items() if name != "random"}


def _values(make, name: str, rows: str, small: tuple, wide: tuple) -> dict:
    dtype = np.uint8 if rows == "bits" else np.float32
    random = VECTORS[rows]["random"] if rows in VECTORS else VECTORS["random"]
    of_small = make(name, small)
    of_wide = make(name, wide) if wide else of_small
    named = {key: of_small(pair, dtype) for key, pair in _pairs(rows).items()}
    return {**named, "random": [of_wide(pair, dtype) for pair in random]}


def _arguments(name: str, given: dict) -> tuple:
    values = [given[key] for key in ORDER.get(name, []) if key in given]
    return tuple(np.asarray(value) if np.ndim(value) else value for value in values)


def _sparse_arguments(name: str, kind: str, given: dict, columns: int) -> tuple:
    if name in sparse.sparse_need_n_features:
        return (columns,)
    if kind in ("line", "circle"):
        return ({"line": _line, "circle": _circle if columns == COLUMNS else _small_circle}[kind],)
    return _arguments(name, given)


def _aliases(name: str, table: dict) -> list[str]:
    return sorted(other for other in table if table[other] is table[name] and other != name)


def _same(name: str) -> list[str]:
    """Names of the same function, and of others that give the same values."""
    also = {"dot": ["direct_cosine"], "rogerstanimoto": ["sokalmichener"]}
    return _aliases(name, distances.named_distances) + also.get(name, [])


def _angular() -> list[str]:
    """The names for which ``NNDescent.__init__`` sets ``_angular_trees``, from its source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(NNDescent.__init__)))
    for node in ast.walk(tree):
        first = ast.unparse(node.body[0]) if isinstance(node, ast.If) else ""
        sets = first == "self._angular_trees = True"
        if sets and isinstance(node.test, ast.Compare) and ast.unparse(node.test.left) == "metric":
            return sorted(ast.literal_eval(node.test.comparators[0]))
    raise SystemExit("NNDescent.__init__ no longer lists angular metrics: adapt refresh.py")


def _entry(name: str, rows: str, kind: str) -> dict:
    both = [(parameters(kind, columns), columns) for columns in (4, COLUMNS)]
    (small, _), (wide, _) = both
    defaultless = name == "kantorovich" and not kind
    dense = in_sparse = None
    if not defaultless:
        dense = _values(_dense, name, rows, *(_arguments(name, given) for given, _ in both))
    if name in sparse.sparse_named_distances:
        arguments = (_sparse_arguments(name, kind, given, columns) for given, columns in both)
        in_sparse = _values(_sparse, name, rows, *arguments)
    entry = {
        "name": name,
        "aliases": _same(name),
        "rows": rows,
        "params": small or None,
        "random_params": wide or None,
        "values": dense or {key: [None] * PAIRS if key == "random" else None for key in in_sparse},
        "sparse": in_sparse,
    }
    return _with_decisions(entry, defaultless)


def _with_decisions(entry: dict, defaultless: bool) -> dict:
    name = entry["name"]
    ours = OURS.get(name, {})
    if name == "wasserstein-1d":
        ours = wasserstein_1d((entry["params"] or {}).get("p", 1))
    if defaultless:
        why = "without a cost upstream refuses dense rows; ours as sparse rows: 1 between columns"
        agreed = {key: value for key, value in entry["sparse"].items() if key not in ours}
        ours = {**{key: (value, why) for key, value in agreed.items()}, **ours}
    entry["ours"] = {key: value for key, (value, _) in ours.items()}
    entry["deviates"] = {key: why for key, (_, why) in ours.items()}
    if name == "cosine":
        entry["core"] = _standard_cosine()
    return entry


def _standard_cosine() -> dict:
    """1 - cos, in 0..2: what the engine hands out; Python clips it at 1 as PyNNDescent does."""

    def value(pair: list) -> float:
        x, y = np.asarray(pair)
        lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
        return _finite(1.0 - float(x @ y) / lengths) if lengths else 1.0

    named = {key: value(pair) for key, pair in NAMED.items()}
    return {**named, "random": [value(pair) for pair in VECTORS["random"]]}


def table() -> dict:
    """The whole golden table."""
    return {
        "generated_by": {name: version(name) for name in PACKAGES},
        "vectors": VECTORS,
        "metrics": [_entry(name, rows, kind) for name, rows, kinds in ENTRIES for kind in kinds],
        "names": {
            "dense": sorted(distances.named_distances),
            "sparse": sorted(sparse.sparse_named_distances),
            "proxy": sorted(distances.proxy_distances),
        },
        "quantized": {kind: sorted(names) for kind, names in distances.quantized_distances.items()},
        "angular": _angular(),
        "disconnection": DISCONNECTION_DISTANCES,
        "rejected": REJECTED,
    }


def _line_of(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def write(path: Path) -> None:
    """One line for each entry, so that a difference shows what moved."""
    whole = table()
    parts = []
    for key, value in whole.items():
        if key == "metrics":
            lines = [f"    {_line_of(entry)}" for entry in value]
            parts.append('  "metrics": [\n' + ",\n".join(lines) + "\n  ]")
        elif key == "vectors":
            lines = [f"    {_line_of(name)}: {_line_of(pair)}" for name, pair in value.items()]
            parts.append('  "vectors": {\n' + ",\n".join(lines) + "\n  }")
        else:
            parts.append(f"  {_line_of(key)}: {_line_of(value)}")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "metrics.json")
