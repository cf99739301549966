"""Ours beside the real PyNNDescent 0.7 in one process: the same shapes, errors and random words.

It compiles for half a minute in every process, so there are few comparisons, and all are here.
"""

import numpy as np
import pynndescent
import pytest
import umap.umap_ as umap_

import hnsw_bridge
import oracle
from datasets import with_zero_rows
from hnsw_bridge import HnswIndexWrapper

ROWS = with_zero_rows()


@pytest.fixture(scope="module")
def pair():
    """The two indexes of one set of rows, and the states that seeded them."""
    states = np.random.RandomState(5), np.random.RandomState(5)
    ours = HnswIndexWrapper(ROWS, n_neighbors=10, n_trees=5, random_state=states[0])
    theirs = pynndescent.NNDescent(ROWS, n_neighbors=10, n_trees=5, random_state=states[1])
    return ours, theirs, states


def test_construction_draws_the_same_words(pair):
    ours, theirs, (our_state, their_state) = pair
    np.testing.assert_array_equal(ours.rng_state, np.array(theirs.rng_state))
    assert our_state.get_state()[2] == their_state.get_state()[2]
    np.testing.assert_array_equal(our_state.get_state()[1], their_state.get_state()[1])


def test_the_shown_attributes_are_the_same(pair):
    ours, theirs, _ = pair
    names = "n_trees n_trees_after_update n_iters n_neighbors dim metric _angular_trees _is_sparse"
    for name in names.split():
        assert getattr(ours, name) == getattr(theirs, name), name
    missing = {name for name in vars(theirs) if not name.startswith("_")} - set(vars(ours))
    assert missing == set()


def test_the_graphs_have_one_form_and_ours_is_no_worse(pair):
    true = oracle.distances(ROWS, ROWS)
    recalls = []
    for index in pair[:2]:
        indices, distances = index.neighbor_graph
        assert (indices.dtype, distances.dtype) == (np.int32, np.float32)
        np.testing.assert_array_equal(indices[:, 0], np.arange(len(ROWS)))
        recalls.append(oracle.recall(distances, true, 10))
    assert recalls[0] >= recalls[1] >= 0.98


def test_switched_off_the_real_one_answers():
    with hnsw_bridge.install("off"):
        index = umap_.NNDescent(ROWS[:200], n_neighbors=5, random_state=1)
        assert isinstance(index, umap_.NNDescent)
    assert type(index) is pynndescent.NNDescent
    assert index.neighbor_graph[0].shape == (200, 5)
