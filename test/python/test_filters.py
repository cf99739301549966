"""Queries among some of the rows, from Python."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

from hnsw_bridge import Index

N, K = 5000, 10


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(1).random((N, 12), dtype=np.float32)


@pytest.mark.parametrize("share", [0.5, 0.05, 0.005, 0.0005])
def test_the_nearest_of_the_rows_that_match_are_found(rows: np.ndarray, share: float) -> None:
    index = Index(rows, n_neighbors=5, algorithm="hnsw")
    queries = np.random.default_rng(2).random((40, 12), dtype=np.float32)
    mask = np.random.default_rng(3).random(N) < share
    mask[7] = True
    ids = np.flatnonzero(mask)
    there = min(K, len(ids))
    all_distances = np.linalg.norm(queries[:, None] - rows[ids][None], axis=2)
    worst = np.sort(all_distances, axis=1)[:, there - 1]
    for given in (mask, ids, ids.tolist(), lambda of: mask[of]):
        hits = index.query(queries, K, filter=given)
        assert mask[hits.indices[:, :there]].all()
        assert (hits.indices[:, there:] == -1).all()
        found = hits.distances[:, :there] <= worst[:, None] * 1.00001
        assert found.mean() >= 0.95


def test_filters_follow_deletions_and_wrong_ones_are_refused(rows: np.ndarray) -> None:
    index = Index(rows, n_neighbors=5)
    index.delete(np.arange(100))
    hits = index.query(rows[:3], 4, filter=[5, 99, 100, 101])
    np.testing.assert_array_equal(np.sort(hits.indices, axis=1), [[-1, -1, 100, 101]] * 3)
    assert (index.query(rows[:3], 4, filter=[]).indices == -1).all()
    assert (index.query(rows[:3], 4, filter=np.ones(N - 100, bool)).indices >= 100).all()
    for given, error in (
        (np.ones(N, bool), ValueError),
        ([N], KeyError),
        ([-1], KeyError),
        (["a"], ValueError),
    ):
        with pytest.raises(error):
            index.query(rows[:3], 4, filter=given)


def test_an_index_tells_its_recall(rows: np.ndarray) -> None:
    index = Index(rows, n_neighbors=5, algorithm="hnsw", m=6)
    few, many = (index.recall(300, 10, ef=ef) for ef in (11, 300))
    assert few["low"] <= few["recall"] <= few["high"]
    assert few["recall"] < many["recall"]
    assert (many["sample"], many["k"], many["ef"], many["exact"]) == (300, 10, 300, False)
    with pytest.raises(ValueError, match="sample"):
        index.recall(0)


def test_what_gives_an_array_of_ids_as_roaring_bitmaps_do_is_a_filter(rows: np.ndarray) -> None:
    class Bitmap:
        def to_array(self) -> array[int]:
            return array("I", [8, 4])

    index = Index(rows, n_neighbors=5)
    hits = index.query(rows[:2], 3, filter=Bitmap())
    np.testing.assert_array_equal(np.sort(hits.indices, axis=1), [[-1, 4, 8]] * 2)
