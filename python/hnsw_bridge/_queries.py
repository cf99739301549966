"""Queries of an index: how hard they look, what they may return, what they tell of their work.

What may not enter: frames and sockets, how neighbours are found, and PyNNDescent's names and rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import _parameters
from ._filters import filter_bits
from ._held import HeldIndex
from ._numpy import np
from ._progress import progress_bar
from ._protocol import Header, Hits


@dataclass(frozen=True)
class Effort:
    """How hard a query is to look: what of it was given, as `Queries.query` says."""

    epsilon: float | None = None
    ef: int | None = None
    min_recall: float | None = None
    ef_steps: Any = None
    until_distance: float | None = None
    until_similarity: float | None = None

    def header(self) -> Header:
        """As the wire has it; which of them go together is for the engine to say."""
        header: Header = {}
        if self.epsilon is not None:
            header["epsilon"] = _parameters.effort(self.epsilon)
        if self.ef is not None:
            header["ef"] = _parameters.as_count(self.ef, "ef", 1)
        for name in ("min_recall", "until_distance", "until_similarity"):
            if (given := getattr(self, name)) is not None:
                header[name] = float(given)
        if self.ef_steps is not None:
            steps = [_parameters.as_count(step, "ef_steps", 1) for step in self.ef_steps]
            header["ef_steps"] = steps
        return header


class Queries(HeldIndex):
    """The methods of an index that look for the nearest rows."""

    def query(
        self,
        queries: Any,
        k: int = 10,
        *,
        epsilon: float | None = None,
        ef: int | None = None,
        filter: Any = None,
        min_recall: float | None = None,
        ef_steps: Any = None,
        until_distance: float | None = None,
        until_similarity: float | None = None,
    ) -> Hits:
        """The `k` nearest rows of each query.

        Parameters
        ----------
        queries : array-like or scipy sparse matrix of shape (q, d)
            Sparse only where the rows are.
        k : int
            0 gives empty results; above the number of rows the rest is -1 at distance inf.
        epsilon : float, optional
            PyNNDescent's effort knob: more finds more. 0.1 by default; below 0 counts as 0.
        ef : int, optional
            Width of the search pool; overrules `epsilon`. At least `k` is used.
        filter : array-like of bool or of ids, or callable, optional
            Rows that may be returned: a bool for each row, their ids, or a function of all ids (an
            int32 array) that gives a bool for each. Always min(k, matches) rows are found.
        min_recall : float, optional
            Least mean recall, in the place of `epsilon` and `ef`: each query looks as far as a rule
            says that reached this on sampled rows; 1 compares all rows.
        ef_steps : sequence of int, optional
            Widths that are tried one after the other until the best row is near enough ...
        until_distance, until_similarity : float, optional
            ... that is, at most this far, or at least as similar (1 less the distance under cosine,
            correlation, jaccard, dice and hamming; the product under inner_product).

        Returns
        -------
        Hits : (indices, distances)
            int32 and float32, both (q, k), ascending by distance, ties by id; the caller's own.

        Raises
        ------
        ValueError
            For queries that are not 2-D, not d wide or not finite, and for a wrong `k` or `ef`.
        ServerDied
            When the server goes away meanwhile. The next call starts another.
        """
        effort = Effort(epsilon, ef, min_recall, ef_steps, until_distance, until_similarity)
        count, asked = self._asked(k, effort, filter)
        return self._found(queries, "queries", count, asked)

    def profile(
        self,
        queries: Any,
        k: int = 10,
        *,
        epsilon: float | None = None,
        ef: int | None = None,
        filter: Any = None,
        min_recall: float | None = None,
        ef_steps: Any = None,
        until_distance: float | None = None,
        until_similarity: float | None = None,
    ) -> tuple[Hits, dict[str, Any]]:
        """`query`, and what it did; at most 10 000 queries.

        Returns
        -------
        hits : Hits
        profile : dict
            ``way`` (exact or hnsw), ``codes``, ``levels``; ``visited`` rows, ``distances`` computed
            and ``hops``, int32 arrays of a number for each query; ``ms`` for what was made
            ``ready``, to ``transform`` and to ``search``; with `ef_steps` ``ef_used``, the width
            that was enough.
        """
        effort = Effort(epsilon, ef, min_recall, ef_steps, until_distance, until_similarity)
        count, asked = self._asked(k, effort, filter)
        rows = self._form.given(queries, self.dim, "queries")
        with progress_bar(self.verbose) as listener:
            remote = self._at_server("profile")
            hits, told = remote.ask(rows, count, {**asked, "profile": True}, listener)
        return hits, _profile_of(told)

    def recall(
        self,
        sample: int = 1000,
        k: int = 10,
        *,
        epsilon: float | None = None,
        ef: int | None = None,
    ) -> dict[str, Any]:
        """What single queries at this effort find, against exact answers. O(sample n d).

        Parameters
        ----------
        sample : int
            Rows that are asked for their nearest others.
        k : int
            Neighbours of each, the row itself not counted.
        epsilon, ef
            As in `query`.

        Returns
        -------
        dict
            ``recall`` with ``low`` and ``high`` (95 %), ``distance_error`` or None, ``ms`` a query,
            ``exact`` (all rows are compared), ``sample``, ``k``, ``ef``.
        """
        asked = Effort(epsilon, ef).header()
        asked["sample"] = _parameters.as_count(sample, "sample", 1)
        asked["k"] = _parameters.as_count(k, "k", 1)
        with progress_bar(self.verbose) as listener:
            return self._at_server("recall").recall(asked, listener)

    def _asked(self, k: int, effort: Effort, filter: Any) -> tuple[int, Header]:
        """The number of neighbours, and what else the engine is asked for."""
        asked = effort.header()
        if filter is not None:
            asked["filter"] = filter_bits(filter, self._names())
        return _parameters.as_count(k, "k", 0), asked


def _profile_of(told: Header) -> dict[str, Any]:
    """What the server told of its work, with an array for what it told of each query."""
    profile = dict(told["profile"])
    if "ef_used" in told:
        profile["ef_used"] = told["ef_used"]
    counts = profile.keys() & {"visited", "distances", "hops", "ef_used"}
    return {**profile, **{name: np.asarray(profile[name], np.int32) for name in counts}}
