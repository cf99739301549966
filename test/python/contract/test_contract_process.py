"""Contract checks 49 and 50: the first index of a process, and the end of its server."""

import os
import signal
import threading

import numpy as np
import pytest

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper, ServerDied
from sides import same_bytes
from waiting import until

LONG = gaussian(30_000, 128)


def test_contract_49_the_first_fit_of_300_rows_takes_less_than_a_second(run_program):
    # The check is a time, so the best of three counts: other tests may have the processor.
    told = [run_program("first_index.py").stdout.split() for _ in range(3)]
    assert min(float(seconds) for seconds, _ in told) < 1.0
    assert {compiler for _, compiler in told} == {"none"}


class _Call(threading.Thread):
    """A call that takes seconds, accepted by the server; what ends it is in `error`."""

    def __init__(self, op, work):
        super().__init__()
        self.work, self.error = work, None
        before = _accepted(op)
        self.start()
        until(lambda: _accepted(op) > before or not self.is_alive())
        assert self.is_alive(), "the call was too short to be caught"

    def run(self):
        try:
            self.work()
        except BaseException as error:
            self.error = error


def _accepted(op):
    return hnsw_bridge.stats()["server"]["calls"].get(op, 0)


CALLS = {
    "query": lambda index: index.query(LONG[:5000], k=5),
    "neighbor_graph": lambda index: index.neighbor_graph,
    "update": lambda index: index.update(LONG[4000:6000]),
}


@pytest.mark.parametrize("op", CALLS)
def test_contract_50_a_server_that_dies_in_a_call_is_an_error_and_the_next_call_works(op):
    rows = LONG[:4000] if op == "update" else LONG
    with hnsw_bridge.options(algorithm="hnsw", m=64, ef_construction=800):
        index = HnswIndexWrapper(rows, n_neighbors=15, random_state=1)
    if op == "update":  # What is prepared is kept so: the new rows are inserted in the call.
        index.prepare()
    bystander = HnswIndexWrapper(LONG[:400], n_neighbors=5, random_state=1)
    expected = bystander.query(LONG[:9], k=5)
    call = _Call(op, lambda: CALLS[op](index))
    os.kill(hnsw_bridge.stats()["server"]["pid"], signal.SIGKILL)
    call.join()
    assert isinstance(call.error, ServerDied), repr(call.error)
    assert call.error.code == "ERR_SERVER_DIED"
    assert same_bytes(bystander.query(LONG[:9], k=5), expected)
    if op == "update":
        np.testing.assert_array_equal(index._raw_data, LONG[:4000])
        assert index.query(LONG[:3], k=1)[0].ravel().tolist() == [0, 1, 2]
    index.close()
