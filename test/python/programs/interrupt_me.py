"""Compute for long, be interrupted, and tell what is left of the call and of the server."""

import threading
import time

import numpy as np

import hnsw_bridge


def calls_in_flight() -> int:
    return int(hnsw_bridge.stats()["server"]["callsInFlight"])


def tell_when_computing() -> None:
    while calls_in_flight() == idle:
        time.sleep(0.02)
    print("computing", flush=True)


idle = calls_in_flight()
rows = np.random.RandomState(0).standard_normal((40_000, 128)).astype(np.float32)
with hnsw_bridge.options(m=64, ef_construction=800):
    index = hnsw_bridge.HnswIndexWrapper(rows, n_neighbors=15)
pid = hnsw_bridge.stats()["server"]["pid"]
try:
    threading.Thread(target=tell_when_computing).start()
    index.prepare()
    print("the call was too short to be interrupted")
except KeyboardInterrupt:
    print("interrupted")
while calls_in_flight() != idle:
    time.sleep(0.02)
print("cancelled at the server:", hnsw_bridge.stats()["server"]["calls"]["cancel"])
print("same server:", hnsw_bridge.stats()["server"]["pid"] == pid)
