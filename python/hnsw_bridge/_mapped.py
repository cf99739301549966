"""Rows that are a file: a read-only map of a whole .npy file is kept, and need not be sent.

    np.load("rows.npy", mmap_mode="r")     the file's pages, which the system shares and may drop

A server that was started with ``--allow-path`` reads such a file itself; any other gets its rows as
usual, out of the map. The file must not change while an index of it is in use.
"""

from __future__ import annotations

import os
from typing import Any

from ._numpy import np

_READERS = {(1, 0): "read_array_header_1_0", (2, 0): "read_array_header_2_0"}


def path_of(rows: Any) -> str | None:
    """The .npy file that `rows` (n, d) is a read-only map of, whole and as float32; or None."""
    mapped = _map_below(rows)
    if mapped is None or mapped.mode != "r" or mapped.filename is None:
        return None
    if rows.dtype != np.float32 or not rows.flags.c_contiguous:
        return None
    path = os.path.realpath(mapped.filename)
    return path if _shape_in(path) == rows.shape else None


def _map_below(rows: Any) -> Any:
    """The memory map that an array is a view of."""
    while isinstance(rows, np.ndarray) and not isinstance(rows, np.memmap):
        rows = rows.base
    return rows if isinstance(rows, np.memmap) else None


def _shape_in(path: str) -> tuple[int, ...] | None:
    """The shape of a file's matrix: float32, little-endian, in C order; else None.

    A view of as many rows and columns as there are cannot begin elsewhere than the file's rows do.
    """
    try:
        with open(path, "rb") as file:
            reader = _READERS.get(np.lib.format.read_magic(file))
            if reader is None:
                return None
            shape, columns_first, dtype = getattr(np.lib.format, reader)(file)
    except (OSError, ValueError):
        return None
    fits = len(shape) == 2 and not columns_first and dtype == np.dtype("<f4")
    return tuple(shape) if fits else None
