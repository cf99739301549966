"""Query one index from worker processes that start afresh, and tell what servers answered.

    use_in_workers.py spawn|forkserver|loky

The index travels as its bytes. Prints whether all answers are those of this process, and the pids
of the servers of this process and of the workers.
"""

import multiprocessing
import os
import sys

import numpy as np

import hnsw_bridge

# Large enough that joblib hands the rows over as a file that workers map.
ROWS = np.random.RandomState(0).standard_normal((4_000, 80)).astype(np.float32)


def ask(task):
    index, i = task
    found = index.query(ROWS[i : i + 100], k=5)
    return os.getpid(), hnsw_bridge.stats()["server"], found


def in_workers(how, tasks):
    if how == "loky":
        import joblib

        return joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(ask)(t) for t in tasks)
    with multiprocessing.get_context(how).Pool(2) as pool:
        return pool.map(ask, tasks, chunksize=1)


if __name__ == "__main__":
    with hnsw_bridge.options(algorithm="hnsw"):
        index = hnsw_bridge.HnswIndexWrapper(ROWS, n_neighbors=5, random_state=1)
    index.prepare()
    starts = range(0, 800, 100)
    answers = in_workers(sys.argv[1], [(index, i) for i in starts])
    own = hnsw_bridge.stats()["server"]["pid"]
    equal = all(
        a.tobytes() == b.tobytes()
        for i, (_, _, found) in zip(starts, answers, strict=True)
        for a, b in zip(index.query(ROWS[i : i + 100], k=5), found, strict=True)
    )
    servers = {pid: server for pid, server, _ in answers}
    made = sum(server["calls"]["prepare"] for server in servers.values())
    print("equal:", equal, "made anew:", made, "own server:", own, "of workers:", end=" ")
    print(*{server["pid"] for server in servers.values()} - {own})
