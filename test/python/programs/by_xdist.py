"""Tests for pytest-xdist's workers: each has a server, and indexes that are its own."""

import os

import numpy as np
import pytest

import hnsw_bridge

ROWS = np.random.RandomState(0).standard_normal((500, 6)).astype(np.float32)


@pytest.fixture(scope="session")
def index():
    return hnsw_bridge.HnswIndexWrapper(ROWS, n_neighbors=5)


@pytest.mark.parametrize("i", range(8))
def test_a_row_is_nearest_to_itself(i, index):
    assert index.query(ROWS[i : i + 1], k=1)[0].tolist() == [[i]]
    assert hnsw_bridge.stats()["server"]["calls"]["build"] == 1
    with open(os.environ["SERVERS"], "a") as servers:
        print(hnsw_bridge.stats()["server"]["pid"], file=servers)
