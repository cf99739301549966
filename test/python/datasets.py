"""Real rows to test on: the stored sets, and scikit-learn's own. Generated ones are seeded."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.sparse import csr_matrix

_STORED = Path(__file__).resolve().parents[3] / "shared" / "data"


@cache
def stored(name: str, key: str = "x") -> npt.NDArray[np.float32]:
    """An array of a stored set as float32; skips the test where the sets are not there."""
    path = _STORED / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"the stored test data ({path.name}) are not beside this checkout")
    with np.load(path) as archive:
        rows = archive[key].astype(np.float32)
    rows.setflags(write=False)
    return rows


@cache
def newsgroups(name: str) -> tuple[Any, npt.NDArray[np.int64]]:
    """Word counts of a stored set as float32 CSR, and the group that each row is of."""
    parts = [stored(name, key) for key in ("data", "indices", "indptr", "shape", "y")]
    data, indices, indptr, shape, labels = parts
    rows = csr_matrix((data, indices.astype(np.int32), indptr.astype(np.int32)), shape.astype(int))
    return rows, labels.astype(np.int64)


@cache
def gaussian(n: int, d: int, seed: int = 42) -> npt.NDArray[np.float32]:
    rows = np.random.RandomState(seed).standard_normal((n, d)).astype(np.float32)
    rows.setflags(write=False)
    return rows


@cache
def with_zero_rows() -> npt.NDArray[np.float32]:
    """1002 rows of width 5, the last two zero: the set PyNNDescent's own suite uses."""
    rows = np.vstack([np.random.RandomState(189212).uniform(0, 1, (1000, 5)), np.zeros((2, 5))])
    rows = rows.astype(np.float32)
    rows.setflags(write=False)
    return rows


@cache
def digits() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x.astype(np.float32), y


@cache
def iris() -> npt.NDArray[np.float32]:
    from sklearn.datasets import load_iris

    rows: npt.NDArray[np.float32] = load_iris().data.astype(np.float32)
    return rows
