"""Named row sets as float32 ``.npy`` files in the cache: every engine loads the same file.

Synthetic sets say so in ``Rows.synthetic``; a report must repeat it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import fashion_mnist
from .paths import cache_dir, sample_data_dir

SEED = 42


class DataMissing(Exception):
    """A set cannot be had on this machine; the text says what to do."""


@dataclass(frozen=True)
class Rows:
    """A prepared set: float32 C-order n x d in ``path``."""

    name: str
    path: Path
    metric: str
    synthetic: bool
    about: str

    def load(self) -> np.ndarray:
        return np.load(self.path)


@dataclass(frozen=True)
class Source:
    make: Callable[[], np.ndarray]
    about: str
    metric: str = "euclidean"
    synthetic: bool = False


def fashion() -> np.ndarray:
    folder = fashion_mnist.find()
    if folder is None:
        raise DataMissing(
            f"Fashion-MNIST is not here: apt-get install {fashion_mnist.PACKAGE}, "
            "or set HNSW_BRIDGE_FASHION_MNIST to a folder with its four idx .gz files"
        )
    return fashion_mnist.load(folder).train


def fashion_noise() -> np.ndarray:
    """Fashion-MNIST made non-integer, so that no engine can use the rows' being small integers."""
    rows = fashion().astype(np.float32)
    return rows + np.random.default_rng(SEED).normal(0.0, 1.0, rows.shape).astype(np.float32)


def sample_file(name: str) -> np.ndarray:
    path = sample_data_dir() / f"{name}.npz"
    if not path.is_file():
        raise DataMissing(f"{name}: no file {path.name}; set HNSW_BRIDGE_SAMPLE_DATA to its folder")
    with np.load(path) as archive:
        return archive["x"]


def mixture(rows: int, dim: int, clusters: int = 50, intrinsic: int = 16) -> np.ndarray:
    """Overlapping Gaussian clusters, each in a random subspace of its own, plus isotropic noise."""
    rng = np.random.default_rng(SEED)
    centres = rng.normal(0.0, 1.0, (clusters, dim)).astype(np.float32)
    bases = rng.normal(0.0, 1.0 / np.sqrt(intrinsic), (clusters, intrinsic, dim)).astype(np.float32)
    member = rng.integers(0, clusters, rows)
    out = rng.normal(0.0, 0.05, (rows, dim)).astype(np.float32)
    for cluster in range(clusters):
        ids = np.flatnonzero(member == cluster)
        inner = rng.normal(0.0, 1.0, (len(ids), intrinsic)).astype(np.float32)
        out[ids] += centres[cluster] + inner @ bases[cluster]
    return out


def unit_mixture(rows: int, dim: int) -> np.ndarray:
    values = mixture(rows, dim)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


SOURCES = {
    "fashion-mnist": Source(fashion, "Fashion-MNIST training images, 60 000 x 784, 0..255"),
    "fashion-mnist-noise": Source(
        fashion_noise, "Fashion-MNIST plus seeded normal noise of deviation 1: no integers"
    ),
    "letter": Source(lambda: sample_file("letter"), "UCI Letter Recognition, 20 000 x 16"),
    "sift5k": Source(lambda: sample_file("sift5k"), "SIFT descriptors, 5 000 x 128"),
    "synthetic-10k": Source(
        lambda: mixture(10_000, 64),
        "SYNTHETIC: seeded Gaussian mixture, 10 000 x 64",
        synthetic=True,
    ),
    "synthetic-200k": Source(
        lambda: mixture(200_000, 128),
        "SYNTHETIC: seeded Gaussian mixture, 200 000 x 128",
        synthetic=True,
    ),
    "synthetic-1m": Source(
        lambda: mixture(1_000_000, 128),
        "SYNTHETIC: seeded Gaussian mixture, 1 000 000 x 128",
        synthetic=True,
    ),
    "synthetic-unit": Source(
        lambda: unit_mixture(200_000, 768),
        "SYNTHETIC: seeded Gaussian mixture on the unit sphere, 200 000 x 768",
        metric="cosine",
        synthetic=True,
    ),
}


def prepare(name: str, count: int | None = None) -> Rows:
    """The set as a file, made if it is not in the cache; with ``count`` its first rows only.

    Raises ValueError for an unknown name, DataMissing when the machine lacks the source.
    """
    if name not in SOURCES:
        raise ValueError(f"unknown data {name!r}; known: {', '.join(SOURCES)}")
    source = SOURCES[name]
    path = cache_dir() / f"rows-{name}{f'-{count}' if count else ''}.npy"
    if not path.is_file():
        rows = np.ascontiguousarray(source.make()[:count], dtype=np.float32)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, rows)
        partial.replace(path)
    return Rows(name, path, source.metric, source.synthetic, source.about)
