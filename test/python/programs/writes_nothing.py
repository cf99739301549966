"""Use the package, and tell every file outside the temporary directory that was written to."""

import sys

written: list[str] = []


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str) and isinstance(arguments[2], int):
        if arguments[2] & 0o3 or "w" in str(arguments[1] or ""):
            written.append(arguments[0])
    elif event in ("os.mkdir", "os.rename", "os.remove", "shutil.copyfile"):
        written.append(f"{event} {arguments[0]}")


sys.addaudithook(watch)

import pickle  # noqa: E402
import tempfile  # noqa: E402

import numpy as np  # noqa: E402

import hnsw_bridge  # noqa: E402

rows = np.random.RandomState(0).standard_normal((300, 5))
index = hnsw_bridge.HnswIndexWrapper(rows, n_neighbors=5)
index.neighbor_graph  # noqa: B018 - reading it computes it
index.update(rows[:9])
pickle.loads(pickle.dumps(index)).query(rows)
assert "numba" not in sys.modules, "nothing is compiled here"

import numba  # noqa: E402

largest = numba.njit(lambda x, y: np.abs(x - y).max())
hnsw_bridge.HnswIndexWrapper(rows, largest, n_neighbors=5).query(rows)
# numba asks where temporary files could be, and Python tries that out.
elsewhere = [path for path in written if tempfile.gettempdir() not in path]
print("written:", *elsewhere, sep="")
