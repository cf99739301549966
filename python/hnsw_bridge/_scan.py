"""The exact scan of a numba function: all distances from each query to each row, the nearest kept.

    dense, bits    metric(x, y, *values)
    sparse         metric(columns_x, values_x, columns_y, values_y, *values)

The loop is compiled for each function, as PyNNDescent's search would be. It runs in plain threads
without the interpreter's lock: numba's own pool aborts the process when two threads enter it.
Nothing is written to disk. numba is imported when a scan is made: who has such a function has it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from ._connection import ProgressListener
from ._errors import InvalidArgument, NonFinite
from ._forms import Matrix
from ._numpy import np
from ._protocol import Hits

_ROWS_A_BLOCK = 64  # A block ends soon enough for progress and Ctrl-C.


class Scan:
    """Scans with one function and its further arguments `values`. Distances tie by id."""

    def __init__(self, metric: Any, values: tuple[Any, ...], n_jobs: int | None) -> None:
        cores = os.cpu_count() or 1
        self._metric = metric
        self._values = values
        self._threads = cores if n_jobs is None or n_jobs == -1 else min(int(n_jobs), cores)

    def compile(self, rows: Matrix) -> None:
        """Compile for rows like these. InvalidArgument where the function does not take them."""
        from numba.core.errors import NumbaError

        try:
            self._block(0, 0, rows, rows, True, _empty_hits(0, 1))
        except NumbaError as error:
            takes = "two rows" if isinstance(rows, np.ndarray) else "columns, values of two rows"
            raise InvalidArgument(
                f"metric must be a numba function of {takes} and {len(self._values)} further "
                f"arguments that gives a number, got {self._metric!r}: {error}"
            ) from None

    def query(
        self, rows: Matrix, queries: Matrix, k: int, on_progress: ProgressListener | None
    ) -> Hits:
        """The `k` nearest rows of each query; -1 at inf where there are fewer."""
        return self._all(rows, queries, k, False, on_progress)

    def neighbor_graph(self, rows: Matrix, k: int, on_progress: ProgressListener | None) -> Hits:
        """As `query` of the rows themselves, with each row first at distance 0 in its own."""
        hits = _empty_hits(rows.shape[0], k)
        hits.indices[:, 0] = np.arange(rows.shape[0])
        hits.distances[:, 0] = 0
        others = self._all(rows, rows, k - 1, True, on_progress)
        hits.indices[:, 1:] = others.indices
        hits.distances[:, 1:] = others.distances
        return hits

    def _all(
        self,
        rows: Matrix,
        queries: Matrix,
        k: int,
        skip_own: bool,
        on_progress: ProgressListener | None,
    ) -> Hits:
        count = queries.shape[0]
        hits = _empty_hits(count, k)

        def block(start: int) -> None:
            self._block(start, min(start + _ROWS_A_BLOCK, count), rows, queries, skip_own, hits)

        if k > 0:
            _in_threads(block, range(0, count, _ROWS_A_BLOCK), self._threads, on_progress)
        return hits

    def _block(
        self, start: int, stop: int, rows: Matrix, queries: Matrix, skip_own: bool, hits: Hits
    ) -> None:
        matrices: tuple[Any, ...]
        if isinstance(rows, np.ndarray):
            scan, matrices = _loops().dense, (_writeable(rows), _writeable(queries))
        else:
            scan, matrices = _loops().sparse, (*_csr(rows), *_csr(queries))
        scan(self._metric, self._values, start, stop, *matrices, skip_own, *hits)


def check_finite(rows: Matrix | None, name: str) -> None:
    """NonFinite names the first row with NaN or an infinity, as the engine does for its rows."""
    if rows is None:
        return
    dense = isinstance(rows, np.ndarray)
    wrong = np.argwhere(~np.isfinite(rows if dense else rows.data))
    if len(wrong):
        first = wrong[0][0]
        row = first if dense else np.searchsorted(rows.indptr, first, side="right") - 1
        raise NonFinite(f"{name} must be finite: row {row} holds NaN, or more than float32 can")


def _empty_hits(count: int, k: int) -> Hits:
    return Hits(np.full((count, k), -1, np.int32), np.full((count, k), np.inf, np.float32))


def _writeable(rows: Matrix) -> Matrix:
    # To numba a read-only array is another type, which the caller's function may not take.
    return rows if rows.flags.writeable else rows.copy()


def _csr(rows: Matrix) -> tuple[Any, ...]:
    columns = rows.indices.astype(np.int32, copy=False)
    return _writeable(rows.indptr), _writeable(columns), _writeable(rows.data)


def _in_threads(
    block: Callable[[int], None],
    starts: range,
    threads: int,
    on_progress: ProgressListener | None,
) -> None:
    """Run all blocks. At an error or Ctrl-C those not begun are dropped."""
    with ThreadPoolExecutor(min(threads, len(starts)) or 1) as pool:
        try:
            for done, _ in enumerate(pool.map(block, starts), 1):
                if on_progress is not None:
                    on_progress("scan", done, len(starts))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Loops:
    """Compiled loops over blocks of queries, specialised by numba for each metric function."""

    def __init__(self) -> None:
        import numba

        jit = numba.njit(nogil=True, cache=False)
        keep = jit(_keep)

        def dense(metric, values, start, stop, rows, queries, skip_own, indices, distances):  # type: ignore[no-untyped-def]
            for i in range(start, stop):
                found = 0
                for j in range(len(rows)):
                    if not (skip_own and i == j):
                        distance = np.float32(metric(queries[i], rows[j], *values))
                        found = keep(indices[i], distances[i], found, j, distance)

        def sparse(  # type: ignore[no-untyped-def]
            metric, values, start, stop, ends, columns, entries,
            query_ends, query_columns, query_entries, skip_own, indices, distances,
        ):  # fmt: skip
            for i in range(start, stop):
                own_columns = query_columns[query_ends[i] : query_ends[i + 1]]
                own_entries = query_entries[query_ends[i] : query_ends[i + 1]]
                found = 0
                for j in range(len(ends) - 1):
                    if not (skip_own and i == j):
                        its_columns = columns[ends[j] : ends[j + 1]]
                        its_entries = entries[ends[j] : ends[j + 1]]
                        distance = np.float32(
                            metric(own_columns, own_entries, its_columns, its_entries, *values)
                        )
                        found = keep(indices[i], distances[i], found, j, distance)

        self.dense: Any = jit(dense)
        self.sparse: Any = jit(sparse)


@lru_cache(maxsize=1)
def _loops() -> _Loops:
    return _Loops()


def _keep(indices: Any, distances: Any, found: int, j: int, distance: float) -> int:
    """Insert (distance, j) in ascending order. `j` only grows, so equals stay in order of id.

    What is infinitely far or NaN is no neighbour.
    """
    k = len(indices)
    if not distance < (distances[k - 1] if found == k else np.inf):
        return found
    place = found if found < k else k - 1
    while place > 0 and distance < distances[place - 1]:
        indices[place] = indices[place - 1]
        distances[place] = distances[place - 1]
        place -= 1
    indices[place] = j
    distances[place] = distance
    return found + 1 if found < k else k
