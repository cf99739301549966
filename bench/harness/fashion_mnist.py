"""Fashion-MNIST as Debian's package ``dataset-fashion-mnist`` ships it: gzipped idx files."""

import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PACKAGE = "dataset-fashion-mnist"
PLACES = ("/usr/share/datasets/fashion-mnist", "/usr/local/share/datasets/fashion-mnist")
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
FILES = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}


@dataclass(frozen=True)
class FashionMnist:
    """Images are uint8 n x 784 (28 x 28, row by row), labels uint8 n."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def find() -> Path | None:
    """The folder with all four files, or None; HNSW_BRIDGE_FASHION_MNIST is looked at first."""
    places = [os.environ.get("HNSW_BRIDGE_FASHION_MNIST"), *PLACES]
    for place in filter(None, places):
        folder = Path(place)
        if all((folder / name).is_file() for name in FILES.values()):
            return folder
    return None


def read_idx(path: Path) -> np.ndarray:
    """An idx file of unsigned bytes, in its own shape; ValueError if it is anything else."""
    with gzip.open(path, "rb") as stream:
        raw = stream.read()
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path}: not an idx file of unsigned bytes")
    rank = raw[3]
    shape = tuple(int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank))
    values = np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * rank)
    if values.size != int(np.prod(shape)):
        raise ValueError(f"{path}: {values.size} values, but the header says {shape}")
    return values.reshape(shape)


def load(folder: Path) -> FashionMnist:
    parts = {name: read_idx(folder / file) for name, file in FILES.items()}
    return FashionMnist(
        train=parts["train_images"].reshape(len(parts["train_images"]), -1),
        train_labels=parts["train_labels"],
        test=parts["test_images"].reshape(len(parts["test_images"]), -1),
        test_labels=parts["test_labels"],
    )
