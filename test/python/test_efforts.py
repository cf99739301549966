"""Efforts by their outcome, profiles, rebuilds and filters of radius searches, from Python."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from hnsw_bridge import Index

N, DIM, K = 5000, 12, 10


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(1).random((N, DIM), dtype=np.float32)


@pytest.fixture(scope="module")
def queries() -> np.ndarray:
    return np.random.default_rng(2).random((60, DIM), dtype=np.float32)


def test_the_recall_that_is_asked_for_is_kept(rows: np.ndarray, queries: np.ndarray) -> None:
    index = Index(rows, n_neighbors=5, algorithm="hnsw")
    truth = np.sort(np.linalg.norm(queries[:, None] - rows[None], axis=2), axis=1)[:, K - 1 : K]
    for wanted in (0.8, 0.95, 0.99, 1.0):
        hits, profile = index.profile(queries, K, min_recall=wanted)
        assert (hits.distances <= truth * 1.00001).mean() >= wanted
        assert profile["way"] == ("exact" if wanted == 1 else "hnsw")
        assert profile["distances"].dtype == np.int32
        assert (profile["visited"] > 0).all()
        plain = index.query(queries, K, min_recall=wanted)
        np.testing.assert_array_equal(plain.indices, hits.indices)


def test_a_profile_is_asked_for_as_a_query_is() -> None:
    query, profile = (inspect.signature(each).parameters for each in (Index.query, Index.profile))
    assert list(query.values()) == list(profile.values())


def test_widths_are_tried_until_the_best_row_is_near_enough(rows: np.ndarray) -> None:
    index = Index(rows, n_neighbors=5, algorithm="hnsw")
    far = np.full((2, DIM), 9, np.float32)
    hits, profile = index.profile(far, 3, ef_steps=[16, 64], until_distance=0.1)
    np.testing.assert_array_equal(profile["ef_used"], [64, 64])
    np.testing.assert_array_equal(hits.indices, index.query(far, 3, ef=64).indices)
    for wrong in ({"ef_steps": [16]}, {"min_recall": 2}, {"min_recall": 0.9, "ef": 5}):
        with pytest.raises(ValueError, match=r"until|minRecall|ef "):
            index.query(far, 3, **wrong)


def test_other_links_stay_with_the_index(rows: np.ndarray, queries: np.ndarray) -> None:
    index = Index(rows, n_neighbors=5, algorithm="hnsw", m=8)
    index.delete(np.arange(50))
    index.rebuild(m=20)
    assert index.engine_parameters["m"] == 20
    stats = index.stats()
    assert (stats["m"], stats["inserts_since_build"]) == (20, 0)
    assert sum(stats["degrees"]) == stats["level_rows"][0] == N - 50
    assert (index.query(queries, 3).indices >= 50).all()
    with pytest.raises(ValueError, match="512"):
        index.rebuild(m=4000)


def test_balls_hold_only_what_matches(rows: np.ndarray, queries: np.ndarray) -> None:
    index = Index(rows, n_neighbors=5, algorithm="hnsw")
    mask = np.arange(N) % 4 == 0
    balls = index.radius_search(queries, 0.6, filter=mask, exact=True)
    within = np.linalg.norm(queries[:, None] - rows[None], axis=2) <= 0.6
    np.testing.assert_array_equal(np.diff(balls.indptr), (within & mask).sum(axis=1))
    assert mask[balls.indices].all()
    target = index.search_with_target_count(queries[0], 20, filter=mask)
    assert mask[target.indices].all()
    assert 16 <= len(target.indices) <= 24
    counted = index.estimate_count(queries, 0.6, sample=N, filter=mask)
    np.testing.assert_array_equal(counted.counts, (within & mask).sum(axis=1))
    own = index.radius_search_by_id([4, 5], 0.0, filter=mask)
    np.testing.assert_array_equal(own.indptr, [0, 1, 1])


def test_a_preset_names_links_and_width(rows: np.ndarray) -> None:
    assert Index(rows, preset="recall").engine_parameters["m"] == 32
    index = Index(rows, preset="recall", m=9)
    assert (index.engine_parameters["m"], index.engine_parameters["ef"]) == (9, 192)
    with pytest.raises(ValueError, match="balanced"):
        Index(rows, preset="best")
