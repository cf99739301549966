"""One server for a process, its threads and its forks; and what happens when it goes away."""

import threading

import numpy as np
import pytest

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import (
    EngineUnavailable,
    HnswIndexWrapper,
    NonFinite,
    Unauthorized,
    _client,
)
from waiting import until

ROWS = gaussian(400, 6)
LONG = gaussian(40_000, 128)  # Takes seconds to prepare, so that a call can be caught running.
NOTICED_WITHIN_S = 2.0  # The promise for a dead server.


def _server_pid():
    return hnsw_bridge.stats()["server"]["pid"]


def _in_flight():
    """Calls that the server has not answered yet; asking is one itself."""
    return hnsw_bridge.stats()["server"]["calls_in_flight"]


def test_a_listener_that_raises_cancels_the_call_and_leaves_the_connection_usable(calls):
    with hnsw_bridge.options(m=64, ef_construction=800):
        index = HnswIndexWrapper(LONG, n_neighbors=15)

    def listener(*_):
        raise RuntimeError("the listener's own")

    with pytest.raises(RuntimeError, match="the listener's own"):
        index._remote().prepare(listener)
    assert until(lambda: _in_flight() == 1)
    assert HnswIndexWrapper(ROWS, n_neighbors=5).query(ROWS[:1], k=1)[0].tolist() == [[0]]
    assert calls() == {"build": 2, "prepare": 1, "cancel": 1, "query": 1}


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
