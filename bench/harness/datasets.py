"""Named row sets as float32 ``.npy`` files in the cache: every engine loads the same file.

Synthetic sets say so in ``Rows.synthetic``; a report must repeat it. Queries are rows that the set
does not hold, or for the smallest sets some of the set's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import fashion_mnist
from .paths import cache_dir, sample_data_dir

SEED = 42
QUERIES = 10_000
DIGITS_HELD_OUT = 297


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
    queries: Path
    queries_about: str
    correctness_only: bool = False

    def load(self) -> np.ndarray:
        return np.load(self.path)


@dataclass(frozen=True)
class Source:
    """``correctness_only``: too small for a speed to mean anything; its recall is what counts."""

    make: Callable[[], np.ndarray]
    about: str
    make_queries: Callable[[], np.ndarray]
    queries_about: str
    metric: str = "euclidean"
    synthetic: bool = False
    correctness_only: bool = False


def _fashion_folder() -> Path:
    folder = fashion_mnist.find()
    if folder is None:
        raise DataMissing(
            f"Fashion-MNIST is not here: apt-get install {fashion_mnist.PACKAGE}, "
            "or set HNSW_BRIDGE_FASHION_MNIST to a folder with its four idx .gz files"
        )
    return folder


def fashion() -> np.ndarray:
    return fashion_mnist.load(_fashion_folder()).train


def fashion_test() -> np.ndarray:
    return fashion_mnist.load(_fashion_folder()).test


def with_noise(images: np.ndarray, seed: int) -> np.ndarray:
    """Images made non-integer, so that no engine can use the rows' being small integers."""
    rows = images.astype(np.float32)
    return rows + np.random.default_rng(seed).normal(0.0, 1.0, rows.shape).astype(np.float32)


def digits() -> np.ndarray:
    """scikit-learn's handwritten digits, 1 797 x 64."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataMissing(f"digits come with scikit-learn: {error}") from error
    return load_digits().data


def sample_file(name: str) -> np.ndarray:
    path = sample_data_dir() / f"{name}.npz"
    if not path.is_file():
        raise DataMissing(f"{name}: no file {path.name}; set HNSW_BRIDGE_SAMPLE_DATA to its folder")
    with np.load(path) as archive:
        return archive["x"]


@dataclass(frozen=True)
class Mixture:
    """Overlapping Gaussian clusters, each in a random subspace of its own, plus isotropic noise.

    The clusters follow from SEED and ``dim`` alone, so rows and queries come from the same ones.
    """

    dim: int
    clusters: int = 50
    intrinsic: int = 16
    unit: bool = False

    def rows(self, count: int) -> np.ndarray:
        rng = np.random.default_rng(SEED)
        return self._drawn(count, *self._clusters(rng), rng)

    def queries(self, count: int = QUERIES) -> np.ndarray:
        clusters = self._clusters(np.random.default_rng(SEED))
        return self._drawn(count, *clusters, np.random.default_rng(SEED + 1))

    def _clusters(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        centres = rng.normal(0.0, 1.0, (self.clusters, self.dim)).astype(np.float32)
        shape = (self.clusters, self.intrinsic, self.dim)
        return centres, rng.normal(0.0, 1.0 / np.sqrt(self.intrinsic), shape).astype(np.float32)

    def _drawn(self, count, centres, bases, rng) -> np.ndarray:
        member = rng.integers(0, self.clusters, count)
        out = rng.normal(0.0, 0.05, (count, self.dim)).astype(np.float32)
        for cluster in range(self.clusters):
            ids = np.flatnonzero(member == cluster)
            inner = rng.normal(0.0, 1.0, (len(ids), self.intrinsic)).astype(np.float32)
            out[ids] += centres[cluster] + inner @ bases[cluster]
        return out / np.linalg.norm(out, axis=1, keepdims=True) if self.unit else out


def some_of(make: Callable[[], np.ndarray], count: int = 1_000) -> Callable[[], np.ndarray]:
    """A seeded sample of a set's own rows, in their order."""

    def drawn() -> np.ndarray:
        rows = make()
        chosen = np.random.default_rng(SEED).choice(len(rows), min(count, len(rows)), replace=False)
        return rows[np.sort(chosen)]

    return drawn


def _sample(name: str, about: str) -> Source:
    def make() -> np.ndarray:
        return sample_file(name)

    return Source(make, about, some_of(make), "1 000 of the rows, seeded", correctness_only=True)


def _mixture(count: int, dim: int, **options) -> Source:
    shape = Mixture(dim, **options)
    place = " on the unit sphere" if shape.unit else ""
    size = f"{count:,} x {dim}".replace(",", " ")
    return Source(
        lambda: shape.rows(count),
        f"SYNTHETIC: seeded Gaussian mixture{place}, {size}",
        shape.queries,
        "10 000 more of the same mixture",
        metric="cosine" if shape.unit else "euclidean",
        synthetic=True,
    )


SOURCES = {
    "fashion-mnist": Source(
        fashion,
        "Fashion-MNIST training images, 60 000 x 784, 0..255",
        fashion_test,
        "its 10 000 test images",
    ),
    "fashion-mnist-noise": Source(
        lambda: with_noise(fashion(), SEED),
        "Fashion-MNIST plus seeded normal noise of deviation 1: no integers",
        lambda: with_noise(fashion_test(), SEED + 1),
        "its 10 000 test images, with other noise",
    ),
    "letter": _sample("letter", "UCI Letter Recognition, 20 000 x 16"),
    "sift5k": _sample("sift5k", "SIFT descriptors, 5 000 x 128"),
    "digits": Source(
        lambda: digits()[:-DIGITS_HELD_OUT],
        "scikit-learn's handwritten digits, the first 1 500 x 64",
        lambda: digits()[-DIGITS_HELD_OUT:],
        f"the last {DIGITS_HELD_OUT}",
    ),
    "synthetic-10k": _mixture(10_000, 64),
    "synthetic-200k": _mixture(200_000, 128),
    "synthetic-1m": _mixture(1_000_000, 128),
    "synthetic-unit": _mixture(200_000, 768, unit=True),
}


def prepare(name: str, count: int | None = None) -> Rows:
    """The set and its queries as files, made if they are not in the cache; with ``count`` its first
    rows only (the queries are the same).

    Raises ValueError for an unknown name, DataMissing when the machine lacks the source.
    """
    if name not in SOURCES:
        raise ValueError(f"unknown data {name!r}; known: {', '.join(SOURCES)}")
    source = SOURCES[name]
    rows = _kept(f"rows-{name}{f'-{count}' if count else ''}", lambda: source.make()[:count])
    return Rows(
        name,
        rows,
        source.metric,
        source.synthetic,
        source.about,
        _kept(f"queries-{name}", source.make_queries),
        source.queries_about,
        source.correctness_only,
    )


def _kept(stem: str, make: Callable[[], np.ndarray]) -> Path:
    path = cache_dir() / f"{stem}.npy"
    if not path.is_file():
        partial = path.with_suffix(".partial.npy")
        np.save(partial, np.ascontiguousarray(make(), dtype=np.float32))
        partial.replace(path)
    return path
