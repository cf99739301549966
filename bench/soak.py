"""Soak: indexes made, asked, changed and let go, many times over, and what is left of that.

    python bench/soak.py [--builds N] [--every N] [--restarts N]

Prints a line of counts for every so many builds and ends with 1 when something grew. Counts are of
this process and of the server: resident memory, open files, sockets, threads, files on disk. What
is counted exactly must be what it was after the warm-up; memory may differ by what allocators keep.
Needs Linux. `test/python/test_soak.py` runs the short form.
"""

import argparse
import contextlib
import gc
import os
import pickle
import sys
import threading
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import hnsw_bridge
import numpy as np
from hnsw_bridge import HnswIndexWrapper, _client

ROWS, WIDTH = 2000, 32
WARM_UP = 40  # By then pools of threads, code and allocators have their size.
# Measured: in 1200 builds the server wandered between 90 and 131 MiB and ended at 109, this process
# stayed at 42. One index in ten that were kept (0.8 MiB each) would be 96 MiB by then.
MEMORY_BOUND = 64 << 20
SETTLES_WITHIN_S = 10.0


@dataclass(frozen=True)
class Counts:
    """What must not grow. The last two are memory, all others are exact."""

    files: int
    server_files: int
    server_sockets: int
    server_threads: int
    on_disk: int
    last_words: int
    indexes: int
    values: int
    connections: int
    rss: int
    server_rss: int


MEMORY = ("rss", "server_rss")


def counted() -> Counts:
    server = hnsw_bridge.stats()["server"]
    own, other = Path("/proc/self"), Path(f"/proc/{server['pid']}")
    opened = _links(other)
    return Counts(
        files=len(_links(own)),
        server_files=len(opened),
        server_sockets=sum(name.startswith("socket:") for name in opened),
        server_threads=len(os.listdir(other / "task")),
        on_disk=len(os.listdir(_directory())),
        last_words=(other / "fd" / "2").stat().st_size,
        indexes=server["indexes"],
        values=server["values"],
        connections=server["connections"],
        rss=_resident(own),
        server_rss=_resident(other),
    )


def _directory() -> Path:
    """That of the socket of the server in use."""
    return Path(_client.session().endpoint.partition("://")[2]).parent


def _links(process: Path) -> list[str]:
    names = []
    for link in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # That of the listing itself.
            names.append(os.readlink(link))
    return names


def _resident(process: Path) -> int:
    return int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def one_life(rows: np.ndarray, seed: int) -> None:
    """An index, something else that is made besides in one of four ways, and the end of it all."""
    with hnsw_bridge.options(algorithm="hnsw"):
        index = HnswIndexWrapper(rows, n_neighbors=10, random_state=seed)
    index.query(rows[:50], k=5)
    index.update(rows[:20] + 1)
    assert index.neighbor_graph[0].shape[0] == len(rows) + 20
    match seed % 4:
        case 0:
            index.close()
        case 1:
            again = pickle.loads(pickle.dumps(index))
            assert again.query(rows[:1], k=1)[0].shape == (1, 1)
        case 2:
            thread = threading.Thread(target=index.query, args=(rows[:5],))
            thread.start()
            thread.join()
        case 3:
            with contextlib.suppress(hnsw_bridge.NonFinite):
                HnswIndexWrapper(rows * np.nan, n_neighbors=10)


def settled(before: Counts | None = None) -> Counts:
    """The counts once what was let go has ended there; sockets close in their own time."""
    gc.collect()
    time.sleep(0.2)
    give_up_at = time.monotonic() + SETTLES_WITHIN_S
    while True:
        now = counted()
        if before is None or not grown(before, now) or time.monotonic() > give_up_at:
            return now
        time.sleep(0.05)


def grown(before: Counts, after: Counts) -> dict[str, tuple[int, int]]:
    """What is more than before, with both counts; memory only where it is beyond the bound."""
    bound = dict.fromkeys(MEMORY, MEMORY_BOUND)
    counts = [(f.name, getattr(before, f.name), getattr(after, f.name)) for f in fields(Counts)]
    return {name: (a, b) for name, a, b in counts if b > a + bound.get(name, 0)}


def restart(rows: np.ndarray) -> None:
    """A server's whole life."""
    HnswIndexWrapper(rows, n_neighbors=10)
    directory = _directory()
    hnsw_bridge.shutdown()
    assert not directory.exists()


def tell(builds: int, now: Counts) -> None:
    shown = {k: f"{v / 2**20:.0f} MiB" if k in MEMORY else v for k, v in asdict(now).items()}
    print(
        f"{builds:6}", *(f"{name} {count}" for name, count in shown.items()), sep="  ", flush=True
    )


def soak(
    rows: np.ndarray, builds: int, every: int, warm_up: int = WARM_UP
) -> dict[str, tuple[int, int]]:
    """So many lives after a warm-up: what has grown, with the counts before and after."""
    for i in range(warm_up):
        one_life(rows, i)
    first = settled()
    tell(0, first)
    for i in range(builds):
        one_life(rows, i)
        if (i + 1) % every == 0:
            tell(i + 1, settled(first))
    return grown(first, settled(first))


def restarts(rows: np.ndarray, count: int) -> dict[str, tuple[int, int]]:
    """So many servers: what this process has more of than after the first."""
    restart(rows)
    files = len(_links(Path("/proc/self")))
    for _ in range(count):
        restart(rows)
    after = len(_links(Path("/proc/self")))
    return {"files after restarts": (files, after)} if after > files else {}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.splitlines()[0])
    parser.add_argument("--builds", type=int, default=2000)
    parser.add_argument("--every", type=int, default=200, help="builds between two lines")
    parser.add_argument("--restarts", type=int, default=20, help="servers started and ended")
    asked = parser.parse_args(argv)
    rows = np.random.default_rng(42).normal(size=(ROWS, WIDTH)).astype(np.float32)
    more = soak(rows, asked.builds, asked.every)
    hnsw_bridge.shutdown()
    more |= restarts(rows, asked.restarts)
    for name, (before, after) in more.items():
        print(f"{name} grew from {before} to {after}")
    print("nothing grew" if not more else f"{len(more)} grew")
    return 1 if more else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
