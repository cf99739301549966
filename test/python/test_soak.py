"""The short form of bench/soak.py: what indexes and servers that have gone leave behind."""

import sys

import pytest
import soak

import hnsw_bridge
from datasets import gaussian

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts what /proc tells")


@pytest.fixture(autouse=True)
def _fresh_server():
    hnsw_bridge.shutdown()


def test_a_hundred_indexes_leave_nothing_behind():
    assert soak.soak(gaussian(300, 1024), builds=100, every=50, warm_up=20) == {}


def test_servers_that_were_ended_leave_nothing_behind():
    assert soak.restarts(gaussian(100, 8), 5) == {}


def test_what_is_kept_is_noticed():
    rows = gaussian(300, 512)
    soak.one_life(rows, 0)
    before = soak.settled()
    kept = [hnsw_bridge.HnswIndexWrapper(rows, n_neighbors=10) for _ in range(2)]
    assert soak.grown(before, soak.counted())["indexes"] == (0, 2)
    for index in kept:
        index.close()
    assert soak.grown(before, soak.settled(before)) == {}
