"""One server for a process, its threads and its forks; and what happens when it goes away."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import (
    EngineUnavailable,
    HnswIndexWrapper,
    NonFinite,
    ServerDied,
    Unauthorized,
    _client,
    _launch,
)
from waiting import until

ROWS = gaussian(400, 6)
LONG = gaussian(40_000, 128)  # Takes seconds to prepare, so that a call can be caught running.
NOTICED_WITHIN_S = 2.0  # The promise for a dead server.


def _server_pid():
    return hnsw_bridge.stats()["server"]["pid"]


def _in_flight():
    """Calls that the server has not answered yet; asking may count as one itself."""
    return hnsw_bridge.stats()["server"]["callsInFlight"]


class _LongCall(threading.Thread):
    """A call that takes seconds, in a thread; `error` is what ended it."""

    def __init__(self):
        super().__init__()
        with hnsw_bridge.options(m=64, ef_construction=800):
            self.index = HnswIndexWrapper(LONG, n_neighbors=15)
        idle = _in_flight()
        self.error = None
        self.ended_at = 0.0
        self.start()
        until(lambda: _in_flight() > idle or not self.is_alive())
        assert self.is_alive(), "the long call was too short to be caught"

    def run(self):
        try:
            self.index.prepare()
        except BaseException as error:
            self.error = error
        self.ended_at = time.monotonic()


def test_a_server_killed_during_a_call_is_an_error_and_the_next_call_works():
    call = _LongCall()
    other = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=1)
    expected = other.query(ROWS[:9], k=5)
    pid = _server_pid()
    killed_at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    call.join()
    assert call.ended_at - killed_at < NOTICED_WITHIN_S
    assert isinstance(call.error, ServerDied)
    assert isinstance(call.error, ConnectionError)
    assert "killed by SIGKILL" in str(call.error)
    for a, b in zip(expected, other.query(ROWS[:9], k=5), strict=True):
        np.testing.assert_array_equal(a, b)
    assert _server_pid() != pid
    call.index.close()


def test_a_server_that_died_between_calls_is_replaced_silently():
    index = HnswIndexWrapper(ROWS, n_neighbors=5)
    index.update(ROWS[:3])
    pid = _server_pid()
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: not _client._process.session._server.is_running())
    indices, distances = index.query(ROWS[:3], k=2)
    assert np.sort(indices).tolist() == [[0, 400], [1, 401], [2, 402]]
    assert (distances == 0).all()
    assert _server_pid() != pid


def test_progress_is_told_and_never_falls_within_a_phase():
    with hnsw_bridge.options(m=32, ef_construction=400):
        index = HnswIndexWrapper(LONG[:20_000], n_neighbors=15)
    told = []
    index._remote().prepare(lambda *event: told.append(event))
    assert told
    for (phase, done, total), (next_phase, next_done, next_total) in pairwise(told):
        assert 0 <= done <= total
        assert (next_done >= done and next_total == total) or next_phase != phase


def test_a_listener_that_raises_cancels_the_call_and_leaves_the_connection_usable(calls):
    with hnsw_bridge.options(m=64, ef_construction=800):
        index = HnswIndexWrapper(LONG, n_neighbors=15)

    idle = _in_flight()

    def listener(*_):
        raise RuntimeError("the listener's own")

    with pytest.raises(RuntimeError, match="the listener's own"):
        index._remote().prepare(listener)
    assert until(lambda: _in_flight() == idle)
    assert HnswIndexWrapper(ROWS, n_neighbors=5).query(ROWS[:1], k=1)[0].tolist() == [[0]]
    assert calls() == {"build": 2, "prepare": 1, "cancel": 1, "query": 1}


def test_a_message_broken_off_half_way_costs_the_connection_and_nothing_else(monkeypatch):
    index = HnswIndexWrapper(ROWS, n_neighbors=5)
    expected = index.query(ROWS[:9], k=3)
    pid = _server_pid()
    connection = _client.session()._mine()
    frames = [b'{"op":"query","id":1}', _Interrupting(b"half"), b"never sent"]
    with pytest.raises(KeyboardInterrupt):
        connection._transport.send(frames)
    for a, b in zip(expected, index.query(ROWS[:9], k=3), strict=True):
        np.testing.assert_array_equal(a, b)
    assert _server_pid() == pid
    assert _client.session()._mine() is not connection


class _Interrupting(bytes):
    """A frame in whose sending a Ctrl-C arrives."""

    def __len__(self):
        raise KeyboardInterrupt


def test_rows_of_many_batches_arrive_and_a_bad_one_among_the_last_is_named():
    rows = gaussian(3000, 1000).copy()  # 12 MB, three batches.
    with hnsw_bridge.options(algorithm="exact"):
        index = HnswIndexWrapper(rows, n_neighbors=3)
    assert index.query(rows[[0, 1500, 2999]], k=1)[0].tolist() == [[0], [1500], [2999]]
    rows[2990, 7] = np.inf
    with pytest.raises(NonFinite, match="2990"):
        HnswIndexWrapper(rows, n_neighbors=3)
    assert index.query(rows[:1], k=1)[0].tolist() == [[0]]


def test_a_result_of_many_batches_is_complete():
    rows = gaussian(2000, 4)
    indices, distances = HnswIndexWrapper(rows, n_neighbors=3).query(rows, k=2000)
    assert indices.nbytes > 3 * hnsw_bridge._client.session().greeting.limits["batchBytes"]
    assert (np.sort(indices, axis=1) == np.arange(2000)).all()
    assert (np.diff(distances, axis=1) >= 0).all()


def test_shutdown_ends_the_server_and_the_next_use_starts_one():
    index = HnswIndexWrapper(ROWS, n_neighbors=5)
    server = _client._process.session._server
    hnsw_bridge.shutdown()
    assert not server.is_running()
    assert index.query(ROWS[:1], k=1)[0].tolist() == [[0]]


def test_threads_share_one_session_and_leave_it_when_they_end():
    before = hnsw_bridge.stats()["server"]
    index = HnswIndexWrapper(ROWS, n_neighbors=5)
    barrier = threading.Barrier(5)

    def work():
        index.query(ROWS[:5], k=3)
        barrier.wait()
        barrier.wait()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    barrier.wait()
    during = hnsw_bridge.stats()["server"]
    barrier.wait()
    for thread in threads:
        thread.join()
    assert during["sessions"] == before["sessions"]
    assert during["connections"] == before["connections"] + 4
    assert until(lambda: hnsw_bridge.stats()["server"]["connections"] == before["connections"])


def test_an_index_outlives_the_thread_that_made_it(calls):
    made = []
    thread = threading.Thread(target=lambda: made.append(HnswIndexWrapper(ROWS, n_neighbors=5)))
    thread.start()
    thread.join()
    assert made[0].query(ROWS[:1], k=1)[0].tolist() == [[0]]
    assert calls() == {"build": 1, "query": 1}


def test_two_processes_use_one_server_at_once_and_keep_apart(tcp_server, run_program):
    endpoint, token = tcp_server
    with hnsw_bridge.connect(endpoint, token):
        index = HnswIndexWrapper(ROWS, n_neighbors=5)
        done = run_program(
            "count_indexes.py", HNSW_BRIDGE_ENDPOINT=endpoint, HNSW_BRIDGE_TOKEN=token
        )
        assert done.stdout.split() == ["indexes", "1", "of", "2"]
        assert index.query(ROWS[:1], k=1)[0].tolist() == [[0]]
        assert until(lambda: hnsw_bridge.stats()["server"]["indexes"] == 1)


@pytest.fixture
def tcp_server():
    """A server on tcp with a token, as `hnsw-bridge serve` starts it."""
    token = "a token for the tests"
    command = [*_launch.find_command()[:2], "serve", "--tcp", "127.0.0.1:0", "--json"]
    with subprocess.Popen(
        command,
        env={**os.environ, "HNSW_BRIDGE_TOKEN": token},
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as process:
        yield json.loads(process.stdout.readline())["endpoint"], token
        process.terminate()
        assert process.wait() == 0


def test_a_wrong_token_is_refused_and_the_server_in_use_stays(tcp_server):
    endpoint, _ = tcp_server
    pid = _server_pid()
    for token in ("another token", None):
        with pytest.raises(Unauthorized):
            hnsw_bridge.connect(endpoint, token)
    assert _server_pid() == pid


def test_connect_uses_another_server_until_shutdown(tcp_server):
    own = _server_pid()
    index = HnswIndexWrapper(ROWS, n_neighbors=5)
    with hnsw_bridge.connect(*tcp_server):
        assert _server_pid() != own
        assert index.query(ROWS[:1], k=1)[0].tolist() == [[0]]
    assert index.query(ROWS[:1], k=1)[0].tolist() == [[0]]


def test_a_token_without_an_endpoint_is_not_for_the_server_started_here(run_program):
    assert run_program("first_result.py", HNSW_BRIDGE_TOKEN="of another").stdout == "15\n"


def test_where_nobody_listens_the_engine_is_unavailable_at_once():
    with pytest.raises(EngineUnavailable, match=r"no server at tcp://127\.0\.0\.1:9"):
        hnsw_bridge.connect("tcp://127.0.0.1:9", "token")


def test_a_server_that_cannot_start_leaves_its_last_words(monkeypatch, tmp_path):
    broken = tmp_path / "broken.mjs"
    broken.write_text('console.error("the disk is on fire"); process.exit(3);')
    monkeypatch.setenv("HNSW_BRIDGE_SERVER", str(broken))
    hnsw_bridge.shutdown()
    with pytest.raises(EngineUnavailable, match=r"exit status 3; .*the disk is on fire"):
        _client.session()


def test_a_forked_child_shares_the_index_and_leaves_the_server_running(run_program):
    assert run_program("fork_and_query.py").stdout.splitlines() == [
        "child found 7 at the parent's server",
        "parent found 7 at its server",
        "server ended with the parent: True",
    ]


def test_a_child_forked_while_another_thread_is_in_a_call_is_not_blocked(run_program):
    assert run_program("fork_during_call.py").stdout == "child found 7\n"


def test_a_thread_pool_of_forked_workers_answers(run_program):
    assert run_program("fork_pool.py").stdout == "0 1 2 3 4 5 6 7 8 9\n"


def test_ctrl_c_ends_the_call_and_not_the_server():
    program = Path(__file__).parent / "programs" / "interrupt_me.py"
    with subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout.readline() == "computing\n"
            os.killpg(process.pid, signal.SIGINT)  # As a terminal does: to the whole group.
            rest = process.stdout.read().splitlines()
        except BaseException:
            process.kill()
            raise
    assert process.returncode == 0
    assert rest == ["interrupted", "cancelled at the server: 1", "same server: True"]


def test_the_server_ends_when_the_process_is_killed(run_program):
    done = run_program("be_killed.py")
    pid = int(done.stdout)
    assert until(lambda: not _is_running(pid))


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # What nobody has waited for yet is no longer running.
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_importing_the_package_is_light(run_program):
    assert run_program("import_only.py").stdout == "light\n"


def test_the_index_works_without_umap_pynndescent_and_scipy(run_program):
    assert run_program("without_others.py").stdout == "0 1 2\n"


def test_nothing_is_written_so_a_read_only_installation_is_enough(run_program):
    done = run_program("writes_nothing.py", PYTHONDONTWRITEBYTECODE="1")
    assert done.stdout == "written:\n"


def test_a_fresh_process_says_nothing_and_exits_cleanly(run_program):
    done = run_program("first_result.py")
    assert (done.stdout, done.stderr) == ("15\n", "")
