"""Callers whose server dies, falls silent, or runs out of memory."""

import contextlib
import os
import resource
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import (
    HnswIndexWrapper,
    InternalError,
    InvalidArgument,
    OutOfMemory,
    ServerDied,
    _client,
)
from hnsw_bridge._patience import patience_s
from processes import GENEROUS_S, TOKEN, heard, is_running, program, resume, serving
from waiting import until

ROWS = gaussian(400, 6)
LONG = gaussian(40_000, 128)  # Takes seconds to prepare, so that a call can be caught running.
MIB = 1 << 20


def _server():
    return hnsw_bridge.stats()["server"]


def _directory():
    """That of the socket of the server in use."""
    return Path(_client.session().endpoint.partition("://")[2]).parent


def _same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


class _Call(threading.Thread):
    """A call of `op` that takes seconds, in a thread, under way; `error` is what ended it."""

    def __init__(self, op, call):
        super().__init__()
        self._call = call
        self.error = None
        self.ended_at = 0.0
        before = _server()["calls"][op]
        self.start()
        until(lambda: _server()["calls"][op] > before or not self.is_alive())
        assert self.is_alive(), f"the long call has ended already: {self.error!r}"

    def run(self):
        try:
            self._call()
        except BaseException as error:
            self.error = error
        self.ended_at = time.monotonic()


@pytest.fixture
def long_index():
    with hnsw_bridge.options(algorithm="hnsw", m=64, ef_construction=800):
        index = HnswIndexWrapper(LONG, n_neighbors=15)
    yield index
    index.close()


def test_a_server_killed_during_a_call_is_an_error_and_the_next_call_works(long_index):
    other = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=1)
    expected = other.query(ROWS[:9], k=5)
    call = _Call("prepare", long_index.prepare)
    pid, directory = _server()["pid"], _directory()
    killed_at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    call.join()
    print(f"noticed after {1000 * (call.ended_at - killed_at):.0f} ms")
    assert call.ended_at - killed_at < GENEROUS_S
    assert isinstance(call.error, ServerDied)
    assert isinstance(call.error, ConnectionError)
    assert "killed by SIGKILL" in str(call.error)
    assert "info listening" in str(call.error), "the last words are missing"
    assert _same(expected, other.query(ROWS[:9], k=5))
    assert _server()["pid"] != pid
    assert not directory.exists()


def test_an_update_that_the_server_died_in_has_not_happened():
    with hnsw_bridge.options(algorithm="hnsw", m=64, ef_construction=800):
        index = HnswIndexWrapper(LONG[:6_000], n_neighbors=15, random_state=1)
    index.prepare()
    expected = (*index.neighbor_graph, *index.query(LONG[:50]))
    call = _Call("update", lambda: index.update(LONG[6_000:8_900], LONG[:9] + 1, range(9)))
    os.kill(_server()["pid"], signal.SIGKILL)
    call.join()
    assert isinstance(call.error, ServerDied)
    index._graph = None  # That of the new server is asked for.
    assert _same(expected, (*index.neighbor_graph, *index.query(LONG[:50])))
    assert index.stats()["rows"] == index._raw_data.shape[0] == 6_000


def test_a_server_that_died_between_calls_is_replaced_silently():
    index = HnswIndexWrapper(ROWS, n_neighbors=5)
    index.update(ROWS[:3])
    pid = _server()["pid"]
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: not _client._process.session._server.is_running())
    indices, distances = index.query(ROWS[:3], k=2)
    assert np.sort(indices).tolist() == [[0, 400], [1, 401], [2, 402]]
    assert (distances == 0).all()
    assert _server()["pid"] != pid


@pytest.mark.parametrize("where", ["here", "in another thread"])
def test_a_server_that_was_started_again_at_its_address_gets_the_rows_again(where):
    with serving("127.0.0.1:0") as endpoint:
        session = hnsw_bridge.connect(endpoint, TOKEN)
        index = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=1)
        expected = index.query(ROWS[:9])
    with serving(endpoint.partition("://")[2]):
        found = []
        asking = threading.Thread(target=lambda: found.extend(index.query(ROWS[:9])))
        asking.run() if where == "here" else asking.start()
        until(lambda: not asking.is_alive())
        assert _same(expected, found)
        assert _server()["calls"]["build"] == 1
        hnsw_bridge.shutdown()
    session.close()


# ------------------------------------------------------------------ silence


@pytest.fixture
def impatient(monkeypatch):
    """A server of its own for a test, waited for only shortly."""
    hnsw_bridge.shutdown()
    monkeypatch.setenv("HNSW_BRIDGE_TIMEOUT", "0.9")
    yield
    monkeypatch.undo()
    hnsw_bridge.shutdown()


def test_a_stopped_server_is_given_up_and_ended_and_the_next_call_works(impatient):
    index = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=1)
    index.update(ROWS[:3])
    expected = index.query(ROWS[:9])
    pid, directory = _server()["pid"], _directory()
    os.kill(pid, signal.SIGSTOP)
    stopped_at = time.monotonic()
    said = r"no sign of life for 0\.9 s and was ended, .*; its last words: .*listening"
    with pytest.raises(TimeoutError, match=said) as raised:
        index.query(ROWS[:1])
    assert raised.value.code == "ERR_TIMEOUT"
    assert time.monotonic() - stopped_at < 0.9 + GENEROUS_S
    assert not is_running(pid)
    assert not directory.exists()
    assert _same(expected, index.query(ROWS[:9]))
    assert _server()["pid"] != pid


def test_all_threads_get_an_error_when_their_server_is_stopped(impatient, long_index):
    with hnsw_bridge.options(algorithm="hnsw", m=64, ef_construction=800):
        other = HnswIndexWrapper(LONG, n_neighbors=15)
    calls = [_Call("prepare", each.prepare) for each in (long_index, other)]
    os.kill(_server()["pid"], signal.SIGSTOP)
    for call in calls:
        call.join()
        assert isinstance(call.error, (TimeoutError, ServerDied))
    assert HnswIndexWrapper(ROWS, n_neighbors=5).query(ROWS[:1], k=1)[0].tolist() == [[0]]


def test_a_thread_that_comes_to_a_stopped_server_gets_another(impatient):
    index = HnswIndexWrapper(ROWS, n_neighbors=5)
    pid = _server()["pid"]
    os.kill(pid, signal.SIGSTOP)
    found = []
    thread = threading.Thread(target=lambda: found.append(index.query(ROWS[:1], k=1)[0].tolist()))
    thread.start()
    thread.join()
    assert found == [[[0]]]
    assert not is_running(pid)


def test_a_stopped_server_of_somebody_else_is_given_up_and_left_alone(impatient, tcp_server):
    with hnsw_bridge.connect(*tcp_server):
        index = HnswIndexWrapper(ROWS, n_neighbors=5)
        pid = _server()["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(TimeoutError, match=rf"no sign of life .*{tcp_server[0]}"):
                index.query(ROWS[:1])
            with pytest.raises(ServerDied, match=r"no server answered within 0\.9 s"):
                index.query(ROWS[:1])
        finally:
            resume(pid)
        assert index.query(ROWS[:1], k=1)[0].tolist() == [[0]]
        assert _server()["pid"] == pid


def test_a_process_with_a_stopped_server_ends_and_takes_it_along():
    with program("use_a_server.py", "freeze") as process:
        pid, directory = heard(process).split()
        assert heard(process) == "ready"
        assert process.wait(20) == 0
    assert not is_running(int(pid))
    assert not Path(directory).exists()


@pytest.mark.parametrize("given", ["soon", "0", "-1", "nan", "inf"])
def test_a_patience_that_is_no_time_is_refused(given, monkeypatch):
    monkeypatch.setenv("HNSW_BRIDGE_TIMEOUT", given)
    with pytest.raises(InvalidArgument, match=rf"HNSW_BRIDGE_TIMEOUT .*above 0, got '{given}'"):
        patience_s()


def test_the_patience_is_thirty_seconds_unless_told_otherwise(monkeypatch):
    assert patience_s() == 30
    monkeypatch.setenv("HNSW_BRIDGE_TIMEOUT", "2.5")
    assert patience_s() == 2.5


# ------------------------------------------------------------------ memory


@pytest.fixture
def limited():
    """Leaves the server so many bytes of address space beyond what it has, or as many in all."""

    def limit(more, in_all=False):
        pid = _server()["pid"]
        taken = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
        most = more if in_all else taken + more
        resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
        return pid

    yield limit
    hnsw_bridge.shutdown()


def test_memory_that_is_not_to_be_had_is_refused_and_the_server_lives_on(limited):
    small = HnswIndexWrapper(ROWS, n_neighbors=5)
    pid = limited(64 * MIB)
    with pytest.raises(MemoryError, match="could not allocate") as raised:
        HnswIndexWrapper(np.ones((250_000, 128), np.float32), n_neighbors=5)
    assert isinstance(raised.value, OutOfMemory)
    assert small.query(ROWS[:1], k=1)[0].tolist() == [[0]]
    assert _server()["pid"] == pid


def test_a_server_that_dies_for_want_of_memory_says_so_and_is_replaced(limited):
    index = HnswIndexWrapper(ROWS, n_neighbors=5)
    pid = limited(MIB, in_all=True)
    asked_at = time.monotonic()

    def ask_on():
        """What takes memory in JavaScript, in threads and in the core, some of it refused."""
        nonlocal asked_at
        while True:
            asked_at = time.monotonic()
            index.query(np.tile(ROWS, (20, 1)), k=20)
            hnsw_bridge.stats()
            with contextlib.suppress(OutOfMemory, InternalError):
                HnswIndexWrapper(LONG[:20_000], n_neighbors=5)

    with pytest.raises(ServerDied, match=r"(?s)the server died: out of memory, .*llocat") as died:
        ask_on()
    took_s = time.monotonic() - asked_at
    print(f"told after {1000 * took_s:.0f} ms at most: {died.value}")
    assert took_s < GENEROUS_S
    assert index.query(ROWS[:1], k=1)[0].tolist() == [[0]]
    assert _server()["pid"] != pid
