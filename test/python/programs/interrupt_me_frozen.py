"""Be interrupted while the server is stopped, and use it again when it goes on.

Prints "waiting" when a call that uploads rows has come to wait for the server, "interrupted" and
the time when KeyboardInterrupt came, and after a line on stdin how the next call went.
"""

import sys
import threading
import time
import traceback

import numpy as np

import hnsw_bridge


def tell_when_waiting() -> None:
    main = threading.main_thread().ident
    while not any(
        f.name == "receive" for f in traceback.extract_stack(sys._current_frames()[main])
    ):
        time.sleep(0.02)
    print("waiting", flush=True)


rows = np.random.RandomState(0).standard_normal((20_000, 128)).astype(np.float32)
small = hnsw_bridge.HnswIndexWrapper(rows[:300], n_neighbors=5, random_state=1)
expected = small.query(rows[:9])
server = hnsw_bridge.stats()
print("server", server["server"]["pid"], flush=True)
sys.stdin.readline()
threading.Thread(target=tell_when_waiting).start()
try:
    hnsw_bridge.HnswIndexWrapper(rows, n_neighbors=5)
    print("the server was not stopped", flush=True)
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), flush=True)
sys.stdin.readline()
found = small.query(rows[:9])
after = hnsw_bridge.stats()
same = after["server"]["pid"] == server["server"]["pid"]
equal = all(a.tobytes() == b.tobytes() for a, b in zip(expected, found, strict=True))
while after["server"]["calls_in_flight"] > 1:  # The stats call itself is one.
    time.sleep(0.02)
    after = hnsw_bridge.stats()
print("same server:", same, "equal answers:", equal, "indexes:", after["session"]["indexes"])
