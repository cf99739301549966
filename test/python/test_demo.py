"""The demo: refuses bad data in one line, and proves that the engine answered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harness import fashion_mnist
from showcase import app, arguments, data, files, thumbnails
from showcase.colours import colouring
from showcase.engine_facts import engine_facts
from showcase.errors import DemoError
from showcase.names import LINE_POINTS, apart

_DEMO = Path(__file__).resolve().parents[2] / "demo" / "demo.py"
_ROWS = np.random.default_rng(42).normal(size=(40, 3)).astype(np.float32)
_HOLED = _ROWS.copy()
_HOLED[3, 2] = np.nan


def _npy(values: object, **options: bool) -> Callable[[Path], None]:
    return lambda path: np.save(path, np.asarray(values), **options)


def _npz(**arrays: np.ndarray) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **arrays)


def _bytes(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


_BAD = {
    "absent.npy": (lambda path: None, "no such file"),
    "junk.npy": (_bytes(b"hello"), "not a whole .npy or .npz"),
    "junk.npz": (_bytes(b"PK\x03\x04junk"), "not a whole .npy or .npz"),
    "empty.npy": (_bytes(b""), "not a whole .npy or .npz"),
    "pickled.npy": (_npy([{}, 1], allow_pickle=True), "not a whole .npy or .npz"),
    "nan.npy": (_npy(_HOLED), "nan at row 3, column 2"),
    "huge.npy": (_npy(np.full((9, 2), 1e300)), "1e+300 at row 0, column 0"),
    "flat.npy": (_npy(np.arange(9.0)), "shape (9,)"),
    "text.npy": (_npy([["a", "b"]]), "dtype <U1"),
    "complex.npy": (_npy(np.zeros((9, 2), complex)), "dtype complex128"),
    "norows.npy": (_npy(np.zeros((0, 4))), "0 rows"),
    "nocolumns.npy": (_npy(np.zeros((9, 0))), "no columns"),
    "few.npy": (_npy(np.zeros((3, 4))), "3 rows"),
    "two.npz": (_npz(a=_ROWS, b=_ROWS), "it holds a, b"),
    "none.npz": (_npz(), "it holds nothing"),
    "sparse.npz": (_npz(data=_ROWS[0], indices=_ROWS[0], indptr=_ROWS[0]), "sparse"),
    "widths.npz": (_npz(x=_ROWS, x_test=_ROWS[:, :2]), "2 columns, the rows have 3"),
}


@pytest.mark.parametrize("name", _BAD)
def test_bad_file_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    write, named = _BAD[name]
    write(tmp_path / name)
    with pytest.raises(DemoError) as refused:
        data.load(str(tmp_path / name), None, print)
    assert named in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "words", [["--rows", "2"], ["--rows", "x"], ["--bogus"], ["--data"], ["--seed", "a"]]
)
def test_bad_option_is_refused(words: list[str]) -> None:
    with pytest.raises(DemoError):
        arguments.parse(words)


def test_rows_labels_names_and_images_are_read_from_a_file(tmp_path: Path) -> None:
    images = np.arange(40 * 6 * 5).reshape(40, 6, 5) % 251
    labels = np.arange(40) % 2
    np.savez(tmp_path / "own.npz", x=images, y=labels, names=np.array(["even", "odd"]))
    found = files.read_file(str(tmp_path / "own.npz"))
    assert found.rows.shape == (40, 30)
    assert found.image_shape == (6, 5)
    loaded = data.load(str(tmp_path / "own.npz"), 20, print)
    assert len(loaded.train) == 20
    assert colouring(loaded).names == ("even", "odd")
    assert thumbnails.sheets(loaded.rows.reshape(-1, 6, 5)).pixels > 0


def test_without_fashion_mnist_and_apt_digits_are_used_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fashion_mnist, "PLACES", ())
    monkeypatch.setenv("PATH", "")
    said: list[str] = []
    assert data.load("fashion-mnist", None, said.append).name == "digits"
    assert "no apt-get" in said[0]
    assert "digits" in said[1]


def test_a_failing_apt_get_is_told_and_digits_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "apt-get"
    program.write_text("#!/bin/sh\necho $* >> $0.log\nexit 100\n")
    program.chmod(0o755)
    monkeypatch.setattr(fashion_mnist, "PLACES", ())
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    assert data.load("fashion-mnist", None, said.append).name == "digits"
    assert "installing Debian's package dataset-fashion-mnist" in said[0]
    assert "could not install" in said[1]
    asked = Path(f"{program}.log").read_text().splitlines()
    assert asked[1] == "update -q"
    assert asked[0] == asked[2] == "install -y -q dataset-fashion-mnist"


def test_every_label_goes_with_its_row() -> None:
    digits = data.load("digits", None, print)
    from sklearn.datasets import load_digits

    source = load_digits()
    by_row = {row.tobytes(): label for row, label in zip(source.data, source.target, strict=True)}
    rows = digits.rows.astype(np.float64)
    assert [by_row[row.tobytes()] for row in rows] == digits.labels.tolist()


@pytest.mark.parametrize(
    ("labels", "count", "scale"),
    [
        (None, 1, False),
        (np.array(list("ab" * 20)), 2, False),
        (np.arange(40) % 25, 25, False),
        (np.linspace(0, 1, 40), 40, False),
    ],
)
def test_labels_of_any_kind_get_colours(labels, count: int, scale: bool) -> None:
    part = (None, None) if labels is None else (labels[:30], labels[30:])
    got = colouring(data.Dataset("own", _ROWS[:30], _ROWS[30:], *part))
    assert (len(got.names), len(got.colours), got.is_scale) == (count, count, scale)
    assert got.codes.shape == (40,)


def test_many_numbers_become_a_scale() -> None:
    rows = np.zeros((100, 2), dtype=np.float32)
    values = np.linspace(-1, 1, 100)
    got = colouring(data.Dataset("own", rows[:80], rows[80:], values[:80], values[80:]))
    assert got.is_scale
    assert got.codes[0] == 0
    assert got.codes[-1] == len(got.names) - 1


def test_class_names_are_moved_apart() -> None:
    spots = apart(np.array([[0.0, 0.0], [5.0, 1.0], [500.0, 0.0]]), np.array([40.0, 40.0, 40.0]))
    assert abs(spots[0, 1] - spots[1, 1]) >= LINE_POINTS - 0.1
    assert spots[2, 1] == 0.0


def test_demo_draws_a_map_and_counts_its_calls_at_the_server(tmp_path: Path) -> None:
    command = [sys.executable, str(_DEMO), "--data", "digits", "--rows", "300"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path), "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["engine"] == "hnsw-bridge"
    assert (figures["calls"]["neighbor_graph"], figures["calls"]["query"]) == (1, 1)
    assert (figures["recall_at_k"], figures["query_recall_at_k"]) == (1.0, 1.0)
    assert figures["trustworthiness"] > 0.9
    assert figures["plan"]["neighbor_graph"]["reason"]
    seconds = figures["seconds"]
    assert 0 < seconds["neighbors"] < seconds["fit"]
    assert 0 < seconds["transform_query"] < seconds["transform"]
    picture, page = Path(figures["files"]["picture"]), Path(figures["files"]["page"])
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    text = page.read_text(encoding="utf-8")
    assert "://" not in text.replace("data:image", "")
    assert "%DATA%" not in text
    assert page.stat().st_size < 6_000_000


def test_another_engines_map_is_not_shown_as_ours() -> None:
    facts = engine_facts(object())
    assert facts["engine"] == "pynndescent"
    with pytest.raises(DemoError, match=r"hnsw-bridge did not answer\. switched off"):
        app.check_answered("hnsw-bridge", {**facts, "fallback": "switched off"})
    app.check_answered("pynndescent", facts)
