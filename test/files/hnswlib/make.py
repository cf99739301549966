"""The index files beside this one, by hnswlib 0.8.0: `python make.py`. Made once.

The numbers are those of ../make.mjs.
"""

from pathlib import Path

import hnswlib
import numpy as np

HERE = Path(__file__).parent


def numbers(length: int, seed: int) -> np.ndarray:
    i = np.arange(1, length + 1, dtype=np.uint64)
    return (((i * (2654435761 + 2 * seed)) % 2**32) >> 24).astype(np.float32) / 64


def make(name: str, space: str, deleted: list[int]) -> None:
    rows = numbers(200 * 6, 1).reshape(200, 6)
    index = hnswlib.Index(space, 6)
    index.init_index(250, ef_construction=60, M=5, random_seed=9)
    index.set_num_threads(1)
    index.add_items(rows, np.arange(200) * 3 + 1000)
    for label in deleted:
        index.mark_deleted(label)
    index.save_index(str(HERE / f"{name}.bin"))


make("l2", "l2", [])
make("cosine", "cosine", [])
make("ip", "ip", [])
make("deleted", "l2", [1003, 1300])
