"""What several engines need: names of metrics, rows of length 1, several threads over queries."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np


def named(metric: str, names: dict[str, str], library: str) -> str:
    """The library's own name of a metric; ValueError names those it has."""
    if metric not in names:
        raise ValueError(f"{library} is set up for {', '.join(names)} here, not for {metric!r}")
    return names[metric]


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """A copy scaled to length 1 in float32: the inner products of such rows are their cosines."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def in_threads(ask, queries: np.ndarray, threads: int) -> np.ndarray:
    """``ask(part)`` over contiguous parts, one per thread; for libraries without a batch call."""
    if threads == 1:
        return ask(queries)
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(ask, np.array_split(queries, threads))))
