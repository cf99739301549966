"""Forks, fresh workers, threads, kernels: whoever shares an index gets its answers, and no server
is left behind."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import hnsw_bridge
from datasets import gaussian, iris
from hnsw_bridge import HnswIndexWrapper
from processes import PROGRAMS, heard, is_running, program
from waiting import until

ROWS = gaussian(3000, 8)


def _same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


# ------------------------------------------------------------------ forks


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


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_forked_child_whose_server_is_lost_gets_its_own(how, run_program):
    told = run_program("fork_after_death.py", how, HNSW_BRIDGE_TIMEOUT="1").stdout.split()
    child, parent = told[:3], told[3:]
    assert child[:2] == ["child:", "True"]
    assert parent[:2] == ["parent:", "True"]
    assert len({child[2], *parent[2:]}) == 3, "one of them used the server of another"
    assert all(until(lambda pid=pid: not is_running(int(pid))) for pid in (child[2], *parent[2:]))


# ------------------------------------------------------------------ fresh workers


@pytest.mark.parametrize("how", ["spawn", "forkserver", "loky"])
def test_workers_that_start_afresh_answer_equally_and_take_their_servers_along(how, run_program):
    told = run_program("use_in_workers.py", how).stdout.strip()
    servers = told.replace("own server: ", "of workers: ").split("of workers: ")[1:]
    pids = [int(pid) for part in servers for pid in part.split()]
    assert told.startswith("equal: True made anew: 0 ")
    assert 2 <= len(set(pids)) <= 3
    assert all(until(lambda pid=pid: not is_running(pid)) for pid in pids)


def test_workers_of_xdist_have_a_server_each(tmp_path):
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    shutil.copy(PROGRAMS / "by_xdist.py", tmp_path / "test_by_xdist.py")
    command = [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(
        [*command, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "SERVERS": str(tmp_path / "servers")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    pids = set((tmp_path / "servers").read_text().split())
    assert 1 <= len(pids) <= 2
    assert all(until(lambda pid=pid: not is_running(int(pid))) for pid in pids)


# ------------------------------------------------------------------ the end of a process


def test_a_process_that_exits_takes_its_server_along():
    with program("use_a_server.py", "exit") as process:
        pid, directory = heard(process).split()
        assert heard(process) == "ready"
        assert process.wait(20) == 0
    assert not is_running(int(pid))
    assert not Path(directory).exists()


class _Kernel:
    """Python's own prompt: it runs a cell and waits for the next, as a notebook's kernel does."""

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-i", "-q", "-u"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
        self.run("import os, numpy as np, hnsw_bridge")
        self.run("rows = np.random.RandomState(0).standard_normal((40_000, 128))")
        self.run("index = hnsw_bridge.HnswIndexWrapper(rows[:500], n_neighbors=5)")
        return self

    def __exit__(self, *_):
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()
        self.process.wait()

    def run(self, line):
        self.process.stdin.write(line + "\n")

    def asked(self, expression):
        self.run(f"print({expression})")
        return heard(self.process)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_restarted_kernel_finds_a_server_of_its_own_and_the_old_one_gone(how):
    server = "hnsw_bridge.stats()['server']['pid']"
    with _Kernel() as kernel:
        first = int(kernel.asked(server))
        kernel.process.send_signal(how)
        assert kernel.process.wait() == -how
    with _Kernel() as kernel:
        assert kernel.asked("index.query(rows[7:8], k=1)[0]") == "[[7]]"
        assert int(kernel.asked(server)) != first
    assert until(lambda: not is_running(first))


def test_an_interrupted_cell_leaves_the_kernel_and_its_index_usable():
    with _Kernel() as kernel:
        pid = int(kernel.asked("hnsw_bridge.stats()['server']['pid']"))
        options = "algorithm='hnsw', m=64, ef_construction=800"
        kernel.run(f"with hnsw_bridge.options({options}): big = hnsw_bridge.HnswIndexWrapper(rows)")
        kernel.run("")
        assert kernel.asked("'beginning'") == "beginning"
        kernel.run("big.prepare()")
        time.sleep(1)
        os.killpg(kernel.process.pid, signal.SIGINT)
        assert kernel.asked("index.query(rows[7:8], k=1)[0]") == "[[7]]"
        # The cancelled work ends when it next looks; the call that asks is in flight itself.
        in_flight = "hnsw_bridge.stats()['server']['calls_in_flight']"
        assert until(lambda: kernel.asked(in_flight) == "1")
        assert kernel.asked("hnsw_bridge.stats()['server']['calls']['cancel']") == "1"
        assert int(kernel.asked("hnsw_bridge.stats()['server']['pid']")) == pid


# ------------------------------------------------------------------ threads


def test_sixteen_threads_get_from_one_index_what_one_thread_gets():
    with hnsw_bridge.options(algorithm="hnsw"):
        index = HnswIndexWrapper(ROWS, n_neighbors=10, random_state=1)
    expected = [index.query(ROWS[i : i + 150] + 0.01, k=7) for i in range(16)]
    graph = index.neighbor_graph
    barrier = threading.Barrier(16)

    def work(i):
        barrier.wait()
        return [index.query(ROWS[i : i + 150] + 0.01, k=7) for _ in range(5)], index.neighbor_graph

    with ThreadPoolExecutor(16) as pool:
        for i, (answers, seen) in enumerate(pool.map(work, range(16))):
            assert all(_same(answer, expected[i]) for answer in answers)
            assert _same(seen, graph)


def test_sixteen_threads_make_products_once_however_many_ask_first(calls):
    index = HnswIndexWrapper(ROWS, n_neighbors=10, random_state=1)
    with ThreadPoolExecutor(16) as pool:
        graphs = list(pool.map(lambda _: index.neighbor_graph, range(16)))
    assert all(_same(graph, graphs[0]) for graph in graphs)
    assert calls() == {"build": 1, "neighbor_graph": 1}


def test_transforms_in_threads_give_what_one_after_another_give():
    from hnsw_bridge.umap import UMAP

    rows = iris()
    model = UMAP(n_neighbors=10, random_state=42, force_approximation_algorithm=True)
    model.fit(rows[:100])
    parts = [rows[100 + i : 110 + i] for i in range(0, 40, 10)]
    expected = [model.transform(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        for a, b in zip(expected, pool.map(model.transform, parts), strict=True):
            np.testing.assert_array_equal(a, b)
