"""The module for ann-benchmarks in a copy of its runner (see README.md here), on HDF5 files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

_UPSTREAM = Path(__file__).parent / "upstream"
_BENCH = Path(__file__).resolve().parents[3] / "bench"
_SET = "synthetic-10k-64-euclidean"
_COUNT = 10


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ann-benchmarks with our module and one of our sets in it, and a small set of bits."""
    place = tmp_path_factory.mktemp("annb") / "checkout"
    shutil.copytree(_UPSTREAM, place)
    shutil.copytree(
        _BENCH / "ann_benchmarks" / "hnsw_bridge",
        place / "ann_benchmarks" / "algorithms" / "hnsw_bridge",
    )
    data = place / "data"
    _run(
        place,
        _BENCH / "to_ann_benchmarks.py",
        *("--data", "synthetic-10k", "--rows", "2000", "--queries", "60", "--out", str(data)),
    )
    _write_bits(data / "bits-200-hamming.hdf5")
    return place


def _run(place: Path, program: Path | str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, str(program), *arguments],
        cwd=place,
        env={**os.environ, "HNSW_BRIDGE_BENCH_CACHE": str(place.parent / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def _write_bits(path: Path) -> None:
    rng = np.random.default_rng(3)
    centres = rng.random((20, 200)) < 0.5
    rows = centres[rng.integers(0, 20, 1030)] ^ (rng.random((1030, 200)) < 0.1)
    train, test = rows[:1000], rows[1000:]
    distances = (test[:, None] != train[None]).mean(axis=2)
    order = np.argsort(distances, axis=1, kind="stable")[:, :100]
    with h5py.File(path, "w") as file:
        file.attrs.update(type="dense", distance="hamming", dimension=200, point_type="bit")
        file["train"], file["test"], file["neighbors"] = train, test, order
        file["distances"] = np.take_along_axis(distances, order, axis=1)


_DEFINITIONS = """
import json, sys
from ann_benchmarks.definitions import algorithm_status, get_definitions
[definition] = get_definitions(64, sys.argv[1], sys.argv[2], 10)
print(json.dumps({**vars(definition), "status": algorithm_status(definition).name}))
"""


def _definition(checkout: Path, point_type: str, distance: str) -> dict:
    """Of config.yml, as its runner reads it."""
    program = checkout / "definition.py"
    program.write_text(_DEFINITIONS)
    return json.loads(_run(checkout, program, point_type, distance).stdout)


def _measure(checkout: Path, data: str, definition: dict, queries: list, *flags: str) -> list[Path]:
    """What `run_algorithm.py` is asked inside a container; the result files."""
    _run(
        checkout,
        "run_algorithm.py",
        *("--dataset", data, "--algorithm", definition["algorithm"], "--runs", "1"),
        *("--module", definition["module"], "--constructor", definition["constructor"]),
        *("--count", str(_COUNT), *flags, json.dumps(definition["arguments"])),
        *(json.dumps(group) for group in queries),
    )
    folder = definition["algorithm"] + ("-batch" if "--batch" in flags else "")
    return sorted((checkout / "results" / data / str(_COUNT) / folder).glob("*.hdf5"))


def test_exported_set_has_the_layout_and_the_true_neighbours(checkout: Path) -> None:
    with h5py.File(checkout / "data" / f"{_SET}.hdf5") as file:
        assert {**file.attrs} == {
            "type": "dense",
            "distance": "euclidean",
            "dimension": 64,
            "point_type": "float",
        }
        train, test = np.array(file["train"], "f8"), np.array(file["test"], "f8")
        assert (train.shape, test.shape) == ((2000, 64), (60, 64))
        distances = np.linalg.norm(test[:, None] - train[None], axis=2)
        found = np.take_along_axis(distances, np.array(file["neighbors"]), axis=1)
        np.testing.assert_allclose(found, np.sort(distances, axis=1)[:, :100], rtol=1e-9)
        np.testing.assert_allclose(file["distances"], found, rtol=1e-6)


@pytest.mark.parametrize("distance", ["euclidean", "angular"])
def test_config_names_a_module_that_the_runner_can_load(checkout: Path, distance: str) -> None:
    definition = _definition(checkout, "float", distance)
    assert definition["status"] == "AVAILABLE"
    assert definition["arguments"] == [distance, {"n_neighbors": 30}]
    assert len(definition["query_argument_groups"]) > 5


@pytest.mark.parametrize("flags", [(), ("--batch",)])
def test_runner_measures_single_queries_and_batches(checkout: Path, flags: tuple[str, ...]) -> None:
    definition = _definition(checkout, "float", "euclidean")
    definition["arguments"][1]["algorithm"] = "hnsw"
    files = _measure(checkout, _SET, definition, [[0.0], [0.4]], *flags)
    assert len(files) == 2
    for path in files:
        with h5py.File(path) as file:
            assert bool(file.attrs["batch_mode"]) is bool(flags)
            assert file.attrs["dist_comps"] > 0
            assert file.attrs["index_size"] > 0
            assert file["neighbors"].shape == (60, _COUNT)
            assert (np.diff(file["distances"], axis=1) >= -1e-5).all()
    runs, printed = _tables(checkout, 0.5)
    own = [run for run in runs if run["mode"] == ("batch" if flags else "single")]
    assert len(own) == 2
    assert max(run["recall"] for run in own) >= 0.98
    assert all(run["queries_per_s"] > 0 and run["distances"] > 0 for run in own)
    assert printed.count("| hnsw-bridge(") == len(runs)


def test_no_speed_is_stated_below_the_recall_asked_for(checkout: Path) -> None:
    definition = _definition(checkout, "float", "euclidean")
    _measure(checkout, _SET, definition, [[0.0]])
    assert "recall too low" not in _tables(checkout, 0.5)[1]
    runs, printed = _tables(checkout, 1.1)
    assert printed.count("recall too low") == len(runs) > 0


def _tables(checkout: Path, least: float) -> tuple[list[dict], str]:
    """What is written to the JSON, and the printed Markdown."""
    printed = _run(
        checkout,
        _BENCH / "from_ann_benchmarks.py",
        *("results", "--data", f"data/{_SET}.hdf5", "--least", str(least), "--out", "tables"),
    ).stdout
    return json.loads((checkout / "tables" / f"ann-benchmarks-{_SET}.json").read_text()), printed


def test_runner_measures_rows_of_bits(checkout: Path) -> None:
    definition = _definition(checkout, "bit", "hamming")
    [path] = _measure(checkout, "bits-200-hamming", definition, [[0.4]])
    with h5py.File(path) as file, h5py.File(checkout / "data" / "bits-200-hamming.hdf5") as data:
        limit = np.array(data["distances"])[:, _COUNT - 1 : _COUNT]
        assert (np.array(file["distances"]) <= limit + 1e-6).mean() >= 0.99


def test_fewer_rows_than_asked_for_are_no_error(checkout: Path) -> None:
    with h5py.File(checkout / "data" / "few-4-euclidean.hdf5", "w") as file:
        file.attrs.update(type="dense", distance="euclidean", dimension=4, point_type="float")
        file["train"] = np.random.default_rng(1).random((6, 4), dtype=np.float32)
        file["test"] = file["train"][:3]
    definition = _definition(checkout, "float", "euclidean")
    [path] = _measure(checkout, "few-4-euclidean", definition, [[0.1]])
    with h5py.File(path) as file:
        assert [sorted(row)[4:] for row in file["neighbors"][:].tolist()] == [[*range(6)]] * 3
