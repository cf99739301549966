"""Fork with an index in hand: the child asks the same server, and its end is not the server's."""

import os
import sys

import numpy as np

import hnsw_bridge
from hnsw_bridge import _client

rows = np.random.RandomState(0).standard_normal((300, 5))
index = hnsw_bridge.HnswIndexWrapper(rows, n_neighbors=5)
pid = hnsw_bridge.stats()["server"]["pid"]
sys.stdout.flush()

child = os.fork()
if child == 0:
    found = index.query(rows[7:8], k=1)[0][0, 0]
    same = hnsw_bridge.stats()["server"]["pid"] == pid
    print("child found", found, "at the parent's server" if same else "at a server of its own")
    index = None
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0

found = index.query(rows[7:8], k=1)[0][0, 0]
same = hnsw_bridge.stats()["server"]["pid"] == pid
print("parent found", found, "at its server" if same else "at another server")

lingering = os.fork()
if lingering == 0:
    os.read(0, 1)
    os._exit(0)
server = _client._process.session._server
hnsw_bridge.shutdown()
print("server ended with the parent:", server._process.returncode == 0)
os.kill(lingering, 9)
os.waitpid(lingering, 0)
