"""Fork while another thread computes on the index that the child will ask."""

import os
import sys
import threading
import time

import numpy as np

import hnsw_bridge

rows = np.random.RandomState(0).standard_normal((40_000, 128)).astype(np.float32)
with hnsw_bridge.options(m=64, ef_construction=800):
    index = hnsw_bridge.HnswIndexWrapper(rows, n_neighbors=15)
small = hnsw_bridge.HnswIndexWrapper(rows[:300], n_neighbors=5)
thread = threading.Thread(target=index.prepare, daemon=True)
thread.start()
while not hnsw_bridge.stats()["server"]["calls"]["prepare"]:
    time.sleep(0.02)
assert not index._lock.try_acquire(), "the thread is not in its call"

child = os.fork()
if child == 0:
    assert index._lock.try_acquire()
    index._lock.release()
    print("child found", small.query(rows[7:8], k=1)[0][0, 0])
    sys.stdout.flush()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
