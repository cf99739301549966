"""Fork, and lose the server: the child gets one of its own, and takes it along when it ends."""

import os
import signal
import sys

import numpy as np

import hnsw_bridge

rows = np.random.RandomState(0).standard_normal((300, 5))
index = hnsw_bridge.HnswIndexWrapper(rows, n_neighbors=5, random_state=1)
expected = index.query(rows)
lost = hnsw_bridge.stats()["server"]["pid"]
os.kill(lost, signal.SIGKILL if sys.argv[1] == "killed" else signal.SIGSTOP)


def equal() -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(expected, index.query(rows), strict=True))


child = os.fork()
if child == 0:
    print("child:", equal(), hnsw_bridge.stats()["server"]["pid"], flush=True)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
try:
    index.query(rows)
except TimeoutError:  # The server that is stopped still had a connection of this process.
    assert sys.argv[1] == "stopped"
print("parent:", equal(), hnsw_bridge.stats()["server"]["pid"], lost)
