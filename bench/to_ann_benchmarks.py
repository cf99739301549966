"""Writes sets of the bench as ann-benchmarks reads them: one HDF5 file for each.

    python bench/to_ann_benchmarks.py --data NAME,... [--rows N] [--queries N] [--out data]

A file holds ``train`` and ``test`` (float32), and for every row of ``test`` the exact ``neighbors``
(row numbers of ``train``) and their ``distances``, nearest first.
"""

import argparse
import sys
from pathlib import Path

import h5py
import numpy as np
from harness import datasets, metrics, truth
from harness.datasets import DataMissing

NEIGHBORS = 100
# our metric -> the name it has there
DISTANCES = {"euclidean": "euclidean", "cosine": "angular"}


def distance_of(metric: str) -> str:
    """Its name in ann-benchmarks; ValueError where it has none."""
    name = metrics.canonical(metric)
    if name not in DISTANCES:
        raise ValueError(f"ann-benchmarks has no {metric!r}, only {', '.join(DISTANCES)}")
    return DISTANCES[name]


def export(name: str, rows: int | None, queries: int | None, folder: Path) -> Path:
    """The file written. ValueError for an unknown set, DataMissing where it cannot be had."""
    prepared = datasets.prepare(name, rows)
    train, test = prepared.load(), np.load(prepared.queries)[:queries]
    distance = distance_of(prepared.metric)
    path = folder / f"{name}-{train.shape[1]}-{distance}.hdf5"
    folder.mkdir(parents=True, exist_ok=True)
    indices, distances = truth.exact(train, test, NEIGHBORS, prepared.metric)
    with h5py.File(path, "w") as file:
        file.attrs.update(type="dense", distance=distance, dimension=train.shape[1])
        file.attrs["point_type"] = "float"
        arrays = {"train": train, "test": test, "neighbors": indices, "distances": distances}
        for key, values in arrays.items():
            file.create_dataset(key, data=values)
    return path


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="to_ann_benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help=f"of: {', '.join(datasets.SOURCES)}")
    parser.add_argument("--rows", type=int, help="only the first N rows")
    parser.add_argument("--queries", type=int, help="only the first N queries")
    parser.add_argument("--out", type=Path, default=Path("data"), help="ann-benchmarks' data/")
    options = parser.parse_args(argv)
    try:
        for name in options.data.split(","):
            print(export(name.strip(), options.rows, options.queries, options.out).stem)
    except (ValueError, DataMissing) as error:
        print(f"to_ann_benchmarks: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
