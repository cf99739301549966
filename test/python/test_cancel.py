"""Ctrl-C, and other ways to break a call off: the server stops, and the index is as it was."""

import json
import os
import signal
import time

import numpy as np
import pytest

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper, _client, _remote
from processes import GENEROUS_S, heard, program, resume, tell
from waiting import until

ROWS = gaussian(400, 6)


def _interrupt(process):
    """Ctrl-C as a terminal sends it: to the whole group. When that was."""
    sent_at = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    return sent_at


@pytest.mark.parametrize("what", ["prepare", "neighbor_graph", "query", "update"])
def test_ctrl_c_ends_the_call_at_the_server_and_changes_nothing(what):
    with program("interrupt_me.py", what) as process:
        assert heard(process) == "computing"
        time.sleep(0.1)  # Into the midst of it.
        sent_at = _interrupt(process)
        found = json.loads(heard(process))
        assert process.wait() == 0
    assert found["at"] is not None, "the call was too short to be interrupted"
    print(f"{what}: KeyboardInterrupt after {1000 * (found['at'] - sent_at):.0f} ms")
    assert found["at"] - sent_at < GENEROUS_S
    assert found["in flight"] == 1, "the call had not ended when KeyboardInterrupt came"
    assert found["same server"]
    assert found["errors"] == {"ERR_CANCELLED": 1}
    assert found["before"] == found["after"]
    assert found["calls"]["cancel"] == 1
    assert found["calls"]["build"] == 1, "the index was built again"
    if what == "update":
        assert found["before"]["graph here"] == found["before"]["graph there"]
        assert found["rows then"] == [6_100, 6_100]


@pytest.fixture
def frozen():
    """A program whose server is stopped in the middle of an upload."""
    with program("interrupt_me_frozen.py", HNSW_BRIDGE_TIMEOUT="3") as process:
        server = int(heard(process).split()[1])
        try:
            os.kill(server, signal.SIGSTOP)
            tell(process)
            assert heard(process) == "waiting"
            yield process, server
        finally:
            resume(server)


def test_a_second_ctrl_c_gives_up_waiting_and_the_server_stays_usable(frozen):
    process, server = frozen
    _interrupt(process)
    time.sleep(0.5)
    again_at = _interrupt(process)
    word, at = heard(process).split()
    assert word == "interrupted"
    assert float(at) > again_at, "the first Ctrl-C did not wait for the server"
    print(f"second Ctrl-C: KeyboardInterrupt after {1000 * (float(at) - again_at):.0f} ms")
    assert float(at) - again_at < GENEROUS_S
    os.kill(server, signal.SIGCONT)
    tell(process)
    assert heard(process) == "same server: True equal answers: True indexes: ['1']"
    assert process.wait() == 0


def test_one_ctrl_c_waits_until_the_server_has_heard_of_it(frozen):
    process, server = frozen
    _interrupt(process)
    time.sleep(0.5)
    heard_at = time.monotonic()
    os.kill(server, signal.SIGCONT)
    word, at = heard(process).split()
    assert word == "interrupted"
    assert float(at) > heard_at
    tell(process)
    assert heard(process) == "same server: True equal answers: True indexes: ['1']"
    assert process.wait() == 0


def test_ctrl_c_does_not_wait_for_ever_for_a_server_that_stays_silent(frozen):
    process, _ = frozen
    sent_at = _interrupt(process)
    word, at = heard(process).split()
    assert word == "interrupted"
    assert float(at) - sent_at < 2 * GENEROUS_S
    process.kill()


def _state(index):
    graph, found = index.neighbor_graph, index.query(ROWS[:50], k=7)
    rows = (index.stats()["rows"], index._raw_data.shape[0])
    return rows, b"".join(array.tobytes() for array in (*graph, *found))


def test_an_interrupt_that_comes_after_the_update_takes_it_back(monkeypatch, calls):
    index = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=1)
    before = _state(index)
    update = _remote.RemoteIndex.update

    def too_late(*arguments):
        update(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(_remote.RemoteIndex, "update", too_late)
        with pytest.raises(KeyboardInterrupt):
            index.update(ROWS[:30] + 1)
    assert _state(index) == before
    assert calls()["build"] == 2


def _held():
    """The ids of this session's indexes. Garbage of other tests may go at any time."""
    return set(hnsw_bridge.stats()["session"]["indexes"])


@pytest.mark.parametrize("lost", [False, True], ids=["told", "lost"])
def test_what_an_interrupted_build_had_made_is_freed(lost, monkeypatch):
    """Ctrl-C came with the answer on its way. Lost: it had been read, and nobody knows of it."""
    held = _held()
    connection = _client.session()._mine()
    until_done = connection._until_done

    def interrupted(*arguments):
        if lost:
            until_done(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(connection, "_until_done", interrupted)
    with pytest.raises(KeyboardInterrupt):
        HnswIndexWrapper(ROWS, n_neighbors=5)
    assert connection.is_open() is not lost
    monkeypatch.undo()
    assert HnswIndexWrapper(ROWS, n_neighbors=5).query(ROWS[:1], k=1)[0].tolist() == [[0]]
    # Of a build that nobody knows of the server learns when the session ends.
    assert until(lambda: len(_held() - held) == lost)


def test_a_release_broken_off_costs_a_connection_and_nothing_else(calls):
    index = HnswIndexWrapper(ROWS, n_neighbors=5)
    session = _client.session()
    with pytest.raises(KeyboardInterrupt):
        session._keeper._transport.send([_Interrupting(b"half"), b"never sent"])
    held = _held()
    HnswIndexWrapper(ROWS, n_neighbors=5).close()
    assert until(lambda: _held() <= held)
    assert session._keeper.is_open()
    session._mine().close()  # From here the keeper alone holds the session.
    assert index.query(ROWS[:1], k=1)[0].tolist() == [[0]]
    assert calls() == {"build": 2, "query": 1}


class _Interrupting(bytes):
    """A frame in whose sending a Ctrl-C arrives."""

    def __len__(self):
        raise KeyboardInterrupt


def test_a_message_broken_off_half_way_costs_the_connection_and_nothing_else():
    index = HnswIndexWrapper(ROWS, n_neighbors=5)
    expected = index.query(ROWS[:9], k=3)
    pid = hnsw_bridge.stats()["server"]["pid"]
    connection = _client.session()._mine()
    frames = [b'{"op":"query","id":1}', _Interrupting(b"half"), b"never sent"]
    with pytest.raises(KeyboardInterrupt):
        connection._transport.send(frames)
    for a, b in zip(expected, index.query(ROWS[:9], k=3), strict=True):
        np.testing.assert_array_equal(a, b)
    assert hnsw_bridge.stats()["server"]["pid"] == pid
    assert _client.session()._mine() is not connection
