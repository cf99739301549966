"""Rows, labels and names from the user's own ``.npy`` or ``.npz`` file; nothing is unpickled."""

from __future__ import annotations

import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import DemoError

ROWS = ("x", "X", "x_train", "X_train", "train", "data", "features", "embeddings")
TEST = ("x_test", "X_test", "test", "queries")
LABELS = ("y", "Y", "y_train", "labels", "label", "target", "train_labels")
TEST_LABELS = ("y_test", "test_labels")
NAMES = ("names", "class_names", "target_names")


@dataclass(frozen=True)
class Found:
    name: str
    rows: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    test: np.ndarray | None = None
    test_labels: np.ndarray | None = None
    image_shape: tuple[int, int] | None = None


def read_file(path: str) -> Found:
    """What the file holds, checked: 2-D finite numbers (n x h x w: images). DemoError if not."""
    content = _read(path)
    name = Path(path).stem
    if isinstance(content, np.ndarray):
        rows, shape = _matrix(path, "the array", content)
        return Found(name, rows, image_shape=shape)
    rows, shape = _matrix(path, *_pick_rows(path, content))
    test = _first(content, TEST)
    test_rows = None
    if test is not None and content[test].ndim > 1 and len(content[test]):
        test_rows, _ = _matrix(path, f"array {test!r}", content[test])
        if test_rows.shape[1] != rows.shape[1]:
            raise DemoError(
                f"{path}: array {test!r} has {test_rows.shape[1]} columns, the rows have "
                f"{rows.shape[1]}"
            )
    return Found(
        name,
        rows,
        labels=_labels(content, LABELS, len(rows)),
        class_names=_names(content),
        test=test_rows,
        test_labels=None if test_rows is None else _labels(content, TEST_LABELS, len(test_rows)),
        image_shape=shape,
    )


def _read(path: str) -> np.ndarray | dict[str, np.ndarray]:
    try:
        # opened here, so that it is closed too where NumPy gives up on it
        with open(path, "rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            with loaded:
                return {name: loaded[name] for name in loaded.files}
    except FileNotFoundError:
        raise DemoError(f"{path}: no such file") from None
    except OSError as error:
        raise DemoError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        raise DemoError(f"{path}: not a whole .npy or .npz file of plain arrays") from None


def _pick_rows(path: str, content: dict[str, np.ndarray]) -> tuple[str, np.ndarray]:
    if {"indptr", "indices", "data"} <= set(content):
        raise DemoError(f"{path}: holds a sparse matrix; the demo takes dense rows only")
    name = _first(content, ROWS)
    if name is None:
        wide = [key for key, value in content.items() if value.ndim == 2]
        if len(wide) != 1:
            held = ", ".join(content) or "nothing"
            raise DemoError(f"{path}: no array named x (or {', '.join(ROWS[1:])}); it holds {held}")
        name = wide[0]
    return f"array {name!r}", content[name]


def _matrix(path: str, what: str, rows: np.ndarray) -> tuple[np.ndarray, tuple[int, int] | None]:
    """Rows as numbers n x d, and the images' shape if they came as n x h x w."""
    if rows.dtype.kind not in "biuf":
        raise DemoError(f"{path}: {what} has dtype {rows.dtype}; numbers are needed")
    if rows.ndim not in (2, 3):
        raise DemoError(f"{path}: {what} has shape {rows.shape}; n x d or n x h x w is needed")
    flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    if flat.shape[1] == 0:
        raise DemoError(f"{path}: {what} has no columns")
    _check_finite(path, what, flat)
    return flat, (rows.shape[1], rows.shape[2]) if rows.ndim == 3 else None


def _check_finite(path: str, what: str, rows: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(rows.astype(np.float32))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DemoError(
            f"{path}: {what} has {rows[row, column]} at row {row}, column {column}; "
            "all values must be finite float32 numbers"
        )


def _labels(content, keys, count) -> np.ndarray | None:
    name = _first(content, keys)
    if name is None or content[name].shape != (count,):
        return None
    return content[name]


def _names(content) -> tuple[str, ...] | None:
    name = _first(content, NAMES)
    if name is None or content[name].ndim != 1:
        return None
    return tuple(str(value) for value in content[name])


def _first(content, keys) -> str | None:
    return next((key for key in keys if key in content), None)
