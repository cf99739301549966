"""The pairs of rows whose distances the golden table holds, and the metrics with their parameters.

Seeded: the same pairs on every machine. Values are rounded to what float32 and JSON both hold
exactly.
"""

from __future__ import annotations

import numpy as np

X = [1.0, 2.0, 0.0, 3.0]
ZERO = [0.0] * 4
NAMED = {
    "A": [X, [2.0, 0.0, 0.0, 4.0]],
    "bin": [[1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]],
    "x0": [X, ZERO],
    "00": [ZERO, ZERO],
    "neg": [X, [-v for v in X]],
    "e1e2": [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]],
}
COLUMNS = 12
PAIRS = 6


def _exact(values: np.ndarray) -> list:
    return (np.round(np.asarray(values) * 1024.0) / 1024.0).tolist()


def _sprinkled(rng: np.random.Generator, rows: np.ndarray) -> np.ndarray:
    """Zeros in half of the columns from the fourth pair on, not the same ones in both rows."""
    rows[PAIRS // 2 :] *= rng.random(rows[PAIRS // 2 :].shape) < 0.5
    return rows


def vectors() -> dict:
    """Pairs by name; ``positive``, ``latlon``, ``bits`` hold what those kinds have instead."""
    rng = np.random.default_rng(20240607)
    shape = (PAIRS, 2, COLUMNS)
    general = rng.normal(size=shape)
    # Some pairs near each other, others at more than a right angle.
    general[::2, 1] += 0.7 * general[::2, 0]
    general = _sprinkled(rng, general)
    positive = _sprinkled(rng, rng.gamma(1.0, size=shape) + 1e-3)
    shape = (PAIRS, 2)
    latlon = np.stack([rng.uniform(-1.5, 1.5, shape), rng.uniform(-3.1, 3.1, shape)], axis=-1)
    bits = rng.integers(0, 256, (*shape, COLUMNS))

    def packed(row: list) -> list:
        return np.packbits(np.asarray(row) != 0).tolist()

    return {
        **NAMED,
        "random": _exact(general),
        "positive": {"random": _exact(positive)},
        "latlon": {
            "A": [[1.0, 2.0], [2.0, 0.0]],
            "00": [[0.0, 0.0], [0.0, 0.0]],
            "near": [[0.5, 0.5], [0.5, 0.5 + 2.0**-20]],
            "random": _exact(latlon),
        },
        "bits": {
            **{name: [packed(x), packed(y)] for name, (x, y) in NAMED.items() if name != "neg"},
            "random": bits.tolist(),
        },
    }


def _distance_of_columns(n: int) -> list:
    return np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(float).tolist()


def _round_trip(n: int) -> list:
    """Columns on a circle: a cost that no closed form serves."""
    line = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return np.minimum(line, n - line).astype(float).tolist()


def _spread(n: int) -> list:
    """A full, positive definite matrix."""
    root = np.random.default_rng(n).normal(size=(n, n))
    return _exact(root @ root.T / n + np.eye(n))


def _steps(n: int) -> list:
    return [float(1 + i % 4) for i in range(n)]


def parameters(kind: str, n: int) -> dict:
    """The parameters of an entry for rows of ``n`` columns, by the names of the contract."""
    return {
        "": {},
        "p=1": {"p": 1},
        "p=2": {"p": 2},
        "p=3": {"p": 3},
        "w, p=3": {"w": _steps(n), "p": 3},
        "sigma": {"sigma": _steps(n)},
        "vinv": {"vinv": np.diag(_steps(n)).tolist()},
        "full vinv": {"vinv": _spread(n)},
        "line": {"cost": _distance_of_columns(n)},
        "circle": {"cost": _round_trip(n)},
    }[kind]


# name, kind of rows, kinds of parameters (an entry each).
ENTRIES = [
    ("euclidean", "general", [""]),
    ("sqeuclidean", "general", [""]),
    ("manhattan", "general", [""]),
    ("chebyshev", "general", [""]),
    ("minkowski", "general", ["", "p=1", "p=3"]),
    ("wminkowski", "general", ["w, p=3"]),
    ("seuclidean", "general", ["sigma"]),
    ("mahalanobis", "general", ["vinv", "full vinv"]),
    ("canberra", "general", [""]),
    ("braycurtis", "general", [""]),
    ("cosine", "general", [""]),
    ("dot", "general", [""]),
    ("inner_product", "general", [""]),
    ("true_angular", "general", [""]),
    ("correlation", "general", [""]),
    ("spearmanr", "general", [""]),
    ("tsss", "general", [""]),
    ("haversine", "latlon", [""]),
    ("hellinger", "positive", [""]),
    ("hamming", "general", [""]),
    ("jaccard", "general", [""]),
    ("dice", "general", [""]),
    ("matching", "general", [""]),
    ("rogerstanimoto", "general", [""]),
    ("russellrao", "general", [""]),
    ("sokalsneath", "general", [""]),
    ("kulsinski", "general", [""]),
    ("yule", "general", [""]),
    ("bit_hamming", "bits", [""]),
    ("bit_jaccard", "bits", [""]),
    ("jensen-shannon", "positive", [""]),
    ("symmetric-kl", "positive", [""]),
    ("wasserstein-1d", "positive", ["", "p=2", "p=3"]),
    ("circular_kantorovich", "positive", [""]),
    ("kantorovich", "positive", ["", "line", "circle"]),
]
