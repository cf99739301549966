"""Use a server, so that a test can end this process at a moment of its choice.

    use_a_server.py build|upload|idle|exit|freeze

Prints the pid of the server and the directory of its socket, then "ready" in the midst of what was
asked for: computing on an index, sending the rows of one, waiting for a line, or about to exit with
the server stopped.
"""

import os
import signal
import sys
import threading
import time

import numpy as np

import hnsw_bridge
from hnsw_bridge import _client

what = sys.argv[1]


def server() -> dict[str, object]:
    return hnsw_bridge.stats()["server"]


def tell_when(happened) -> None:
    """From another thread: this one will be busy."""

    def watch() -> None:
        while not happened():
            time.sleep(0.01)
        print("ready", flush=True)

    threading.Thread(target=watch, daemon=True).start()


before = server()
print(before["pid"], os.path.dirname(_client.session().endpoint.partition("://")[2]), flush=True)
if what == "upload":
    rows = np.ones((200_000, 256), np.float32)  # 200 MB
    tell_when(lambda: server()["bytes_received"] - before["bytes_received"] > 30_000_000)
    hnsw_bridge.HnswIndexWrapper(rows, n_neighbors=5)
    print("it was too short", flush=True)
elif what == "build":
    rows = np.random.RandomState(0).standard_normal((100_000, 128)).astype(np.float32)
    with hnsw_bridge.options(algorithm="hnsw", m=64, ef_construction=800):
        index = hnsw_bridge.HnswIndexWrapper(rows, n_neighbors=15)
    tell_when(lambda: server()["calls"]["prepare"] > 0)
    index.prepare()
    print("it was too short", flush=True)
else:
    index = hnsw_bridge.HnswIndexWrapper(np.eye(50), n_neighbors=5)
    index.query(np.eye(50))
    if what == "freeze":
        os.kill(before["pid"], signal.SIGSTOP)
    print("ready", flush=True)
    if what == "idle":
        sys.stdin.readline()
