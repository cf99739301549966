"""Servers whose clients die: one's own goes with its process, a shared one frees what they had."""

import signal
import time
from pathlib import Path

import pytest

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper
from processes import GENEROUS_S, heard, is_running, program
from waiting import until

ROWS = gaussian(400, 6)
MIB = 1 << 20


def _server():
    return hnsw_bridge.stats()["server"]


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("idle", signal.SIGKILL),
        ("build", signal.SIGKILL),
        ("upload", signal.SIGKILL),
        ("build", signal.SIGTERM),
    ],
)
def test_a_server_goes_with_its_process_and_leaves_nothing(what, how):
    with program("use_a_server.py", what) as process:
        pid, directory = heard(process).split()
        assert heard(process) == "ready"
        killed_at = time.monotonic()
        process.send_signal(how)
        assert until(lambda: not is_running(int(pid)))
        took_s = time.monotonic() - killed_at
        print(f"{what}, {how.name}: the server was gone after {1000 * took_s:.0f} ms")
        assert took_s < GENEROUS_S
        assert not Path(directory).exists()
        assert process.wait() == -how


def _nothing_of_others():
    server = _server()
    return server["calls_in_flight"] == server["indexes"] == server["sessions"] == 1


@pytest.mark.parametrize("what", ["build", "upload"])
def test_what_a_killed_client_had_is_freed_and_its_work_cancelled(what, tcp_server):
    endpoint, token = tcp_server
    environment = {"HNSW_BRIDGE_ENDPOINT": endpoint, "HNSW_BRIDGE_TOKEN": token}
    with hnsw_bridge.connect(endpoint, token):
        index = HnswIndexWrapper(ROWS, n_neighbors=5)
        before = _server()
        with program("use_a_server.py", what, **environment) as process:
            heard(process)
            assert heard(process) == "ready"
            during = _server()
            killed_at = time.monotonic()
            process.kill()
            assert during["calls_in_flight"] > 1, "it was too short"
            assert until(_nothing_of_others)
            idle_s = time.monotonic() - killed_at
        held = during["memory"]["rss"] - before["memory"]["rss"]
        assert held > 20 * MIB
        assert until(lambda: _server()["memory"]["rss"] - before["memory"]["rss"] < held / 2)
        freed_s = time.monotonic() - killed_at
        left = _server()["memory"]["rss"] - before["memory"]["rss"]
        freed = f"{held >> 20} -> {left >> 20} MiB in {freed_s:.2f} s"
        print(f"{what}: idle after {idle_s:.2f} s, {freed}")
        assert freed_s < GENEROUS_S
        assert index.query(ROWS[:1], k=1)[0].tolist() == [[0]]
