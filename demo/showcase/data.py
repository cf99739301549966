"""The rows to embed, from wherever ``--data`` says, split into rows to fit and rows to place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from harness import fashion_mnist

from .arguments import LEAST_ROWS
from .errors import DemoError
from .files import read_file
from .install import install_fashion_mnist

SEED = 42
TEST_SHARE = 7  # one row in seven is held back when the data bring no test rows of their own


@dataclass(frozen=True)
class Dataset:
    """Rows as float32 n x d; labels (any dtype) or None; class names by label value or None."""

    name: str
    train: np.ndarray
    test: np.ndarray
    train_labels: np.ndarray | None = None
    test_labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    image_shape: tuple[int, int] | None = None

    @property
    def rows(self) -> np.ndarray:
        return np.vstack([self.train, self.test])

    @property
    def labels(self) -> np.ndarray | None:
        if self.train_labels is None or self.test_labels is None:
            return None
        return np.concatenate([self.train_labels, self.test_labels])


def load(source: str, count: int | None, say: Callable[[str], None]) -> Dataset:
    """The data set, cut to ``count`` fitted rows. DemoError names what is wrong with it."""
    if source == "fashion-mnist":
        data = _fashion_mnist(say) or _digits()
    elif source == "digits":
        data = _digits()
    elif source.endswith((".npy", ".npz")):
        data = _from_file(source)
    else:
        raise DemoError(f"--data {source!r} is not fashion-mnist, digits, FILE.npy or FILE.npz")
    if len(data.train) < LEAST_ROWS:
        raise DemoError(f"{data.name} has {len(data.train)} rows to fit; {LEAST_ROWS} are needed")
    return _cut(data, count)


def _fashion_mnist(say: Callable[[str], None]) -> Dataset | None:
    folder = fashion_mnist.find() or install_fashion_mnist(say)
    if folder is None:
        say("Using scikit-learn's digits (1 797 images of 8 x 8) in its place.")
        return None
    parts = fashion_mnist.load(folder)
    return Dataset(
        name="Fashion-MNIST",
        train=_floats(parts.train),
        test=_floats(parts.test),
        train_labels=parts.train_labels,
        test_labels=parts.test_labels,
        class_names=fashion_mnist.CLASS_NAMES,
        image_shape=(28, 28),
    )


def _digits() -> Dataset:
    from sklearn.datasets import load_digits

    digits = load_digits()
    names = tuple(str(i) for i in range(10))
    return _split("digits", digits.data, digits.target, names, (8, 8))


def _from_file(path: str) -> Dataset:
    found = read_file(path)
    if found.test is None:
        return _split(found.name, found.rows, found.labels, found.class_names, found.image_shape)
    labelled = found.labels is not None and found.test_labels is not None
    return Dataset(
        name=found.name,
        train=_floats(found.rows),
        test=_floats(found.test),
        train_labels=found.labels if labelled else None,
        test_labels=found.test_labels if labelled else None,
        class_names=found.class_names,
        image_shape=found.image_shape,
    )


def _split(name, rows, labels, class_names, image_shape) -> Dataset:
    if len(rows) <= LEAST_ROWS:  # one of them is held back
        raise DemoError(f"{name} has {len(rows)} rows; {LEAST_ROWS + 1} are needed")
    order = np.random.default_rng(SEED).permutation(len(rows))
    held = max(1, len(rows) // TEST_SHARE)
    test, train = np.sort(order[:held]), np.sort(order[held:])
    return Dataset(
        name=name,
        train=_floats(rows[train]),
        test=_floats(rows[test]),
        train_labels=None if labels is None else labels[train],
        test_labels=None if labels is None else labels[test],
        class_names=class_names,
        image_shape=image_shape,
    )


def _cut(data: Dataset, count: int | None) -> Dataset:
    """A seeded sample of the fitted rows, and of the test rows in the same share."""
    if count is None or count >= len(data.train):
        return data
    share = max(1, round(len(data.test) * count / len(data.train)))
    train, test = _sample(len(data.train), count), _sample(len(data.test), share)
    return Dataset(
        name=data.name,
        train=data.train[train],
        test=data.test[test],
        train_labels=None if data.train_labels is None else data.train_labels[train],
        test_labels=None if data.test_labels is None else data.test_labels[test],
        class_names=data.class_names,
        image_shape=data.image_shape,
    )


def _sample(size: int, count: int) -> np.ndarray:
    return np.sort(np.random.default_rng(SEED).choice(size, count, replace=False))


def _floats(rows: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rows, dtype=np.float32)
