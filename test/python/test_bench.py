"""The bench's own judgement: a wrong truth or recall would make every figure wrong."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import publish
import pytest
from harness import fashion_mnist, metrics, peers, recall, suite, summary, truth
from harness.load import Stopwatch

_BENCH = Path(__file__).resolve().parents[2] / "bench"
_SEED = 42


def _hard_rows(kind: str) -> np.ndarray:
    """400 rows on which plain float32 products order neighbours wrongly, or with many ties."""
    rng = np.random.default_rng(_SEED)
    if kind == "large offset":
        return (rng.normal(size=(400, 8)) + 1e4).astype(np.float32)
    if kind == "mixed scales":
        return (rng.normal(size=(400, 8)) * 10.0 ** rng.integers(-3, 4, (400, 1))).astype("f4")
    return rng.integers(0, 3, (400, 8)).astype(np.float32)


@pytest.mark.parametrize("kind", ["large offset", "mixed scales", "many ties"])
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine", "correlation"])
def test_truth_by_products_equals_double_precision(metric: str, kind: str) -> None:
    rows = _hard_rows(kind)
    _, distances = truth.exact(rows, rows[:100], 10, metric)
    ready = metrics.prepared(rows, metric)
    expected = np.sort(metrics.block(ready[:100], ready, metric), axis=1)[:, :10]
    np.testing.assert_allclose(distances, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "minkowski", "hamming", "l1"])
def test_truth_of_other_metrics_finds_each_row_itself(metric: str) -> None:
    rows = np.random.default_rng(_SEED).normal(size=(300, 5)).astype(np.float32)
    indices, distances = truth.exact(rows, rows[:50], 4, metric, p=3.0)
    assert (indices[:, 0] == np.arange(50)).all()
    assert (np.diff(distances, axis=1) >= 0).all()


def test_recall_counts_ties_but_neither_repeats_nor_missing_rows() -> None:
    # rows 1 and 2 are equally far from row 0, row 3 is farther
    rows = np.array([[0.0], [1.0], [-1.0], [5.0]], dtype=np.float32)
    query = rows[:1]
    exact = truth.Truth(np.array([0]), *truth.exact(rows, query, 2, "euclidean"), "euclidean")
    answers = {(0, 1): 1.0, (0, 2): 1.0, (0, 3): 0.5, (0, 0): 0.5, (0, -1): 0.5, (3, -1): 0.0}
    for answer, expected in answers.items():
        assert recall.judge(np.array([answer]), rows, query, exact).recall == expected, answer


def test_idx_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.gz", tmp_path / "bad.gz"
    header = b"\x00\x00\x08\x02" + (2).to_bytes(4, "big") + (3).to_bytes(4, "big")
    good.write_bytes(gzip.compress(header + bytes(range(6))))
    assert fashion_mnist.read_idx(good).tolist() == [[0, 1, 2], [3, 4, 5]]
    for content in (b"", b"\x00\x00\x0d\x01" + bytes(8), header + bytes(5)):
        bad.write_bytes(gzip.compress(content))
        with pytest.raises(ValueError, match=r"bad\.gz"):
            fashion_mnist.read_idx(bad)


@pytest.mark.parametrize("name", suite.names())
def test_suite_names_engines_that_exist_and_peers_that_are_pinned(name: str) -> None:
    for entry in suite.load(name).engines:
        assert (_BENCH / "engines" / f"{entry.engine}.py").is_file()
        in_node = _BENCH / "peers" / f"{entry.engine}.npm"
        if in_node.is_file():
            manifest = json.loads((_BENCH / "node-peers" / "package.json").read_text())
            assert in_node.read_text().strip() in manifest["optionalDependencies"]
        elif not suite.is_own(entry.engine):
            pins = (_BENCH / "peers" / f"{entry.engine}.txt").read_text().splitlines()
            assert all("==" in pin for pin in pins)


def test_own_engine_needs_no_second_environment() -> None:
    assert peers.python_for("bridge") == Path(sys.executable)


def _attempt(seconds: float, others: float, recall_found: float) -> dict:
    timing = {"seconds": seconds, "others": others, "steal": 0.0}
    answer = {**timing, "setting": {}, "recall": recall_found, "distance_error": 0.0}
    call = {
        "build": timing,
        "settings": [answer],
        "memory": {"process_mb": 300.0, "helpers_mb": [150.0]},
        "detail": {},
    }
    return {"import": timing, "data_mb": 250.0, "calls": [call, call]}


def test_speed_below_the_stated_recall_is_not_given() -> None:
    attempts = [_attempt(1.0, 0.0, 0.94)]
    low, enough = (summary.summarise(attempts, 0, least) for least in (0.95, 0.94))
    assert (low["first_s"], low["later_s"]) == (None, None)
    assert (enough["first_s"], enough["later_s"]) == (3.0, 2.0)
    assert low["memory_over_data_mb"] == 200.0


def test_undisturbed_timing_wins_over_a_shorter_disturbed_one() -> None:
    attempts = [_attempt(1.0, 0.9, 1.0), _attempt(2.0, 0.1, 1.0)]
    assert [summary.quiet(attempt) for attempt in attempts] == [False, True]
    figures = summary.summarise(attempts, 0, 0.95)
    assert (figures["later_s"], figures["later_quiet"]) == (4.0, True)


def test_own_work_is_not_counted_as_other_load() -> None:
    with Stopwatch() as timing:
        sum(i * i for i in range(3_000_000))
    assert timing.seconds > 0
    if timing.others is None:
        pytest.skip("this system does not tell the load of other processes")
    assert 0 <= timing.others <= 64


def test_pages_show_the_kept_results_and_nothing_else() -> None:
    kept = publish.kept_results()
    assert "graph" in kept
    for page, part in ((publish.SHORT, publish.readme_part), (publish.LONG, publish.whole_part)):
        if page.is_file():
            text = page.read_text(encoding="utf-8")
            assert publish.published(text, kept, part) == text, page.name
    assert publish.MARKED.search(publish.SHORT.read_text(encoding="utf-8"))


def test_marks_of_suites_without_results_stay_as_they_are() -> None:
    text = "<!-- results: a -->\nold\n<!-- end of results -->\n<!-- results: b -->\nold\n"
    text += "<!-- end of results -->\n<!-- results: a -->\n<!-- end of results -->\n"
    filled = publish.published(text, {"a": {"suite": "a"}}, lambda result: "new\n")
    assert filled.count("new") == 2
    assert filled.count("old") == 1


def _run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, str(_BENCH / "run.py"), *arguments, "--out", str(tmp_path / "out")],
        env={**os.environ, "HNSW_BRIDGE_BENCH_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_bench_measures_the_engine_in_a_fresh_process(tmp_path: Path) -> None:
    done = _run(tmp_path, "--data", "synthetic-10k", "--rows", "600", "--peers", "", "--quick")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out" / "graph.json").read_text())
    engine = result["data"][0]["engines"][0]
    [figures] = engine["summary"]
    assert result["data"][0]["synthetic"] is True
    assert figures["recall"] >= 0.99
    assert figures["first_s"] > figures["later_s"] > figures["compute_s"] > 0
    assert len(engine["attempts"][0]["calls"][0]["memory"]["helpers_mb"]) == 1
    assert "SYNTHETIC" in (tmp_path / "out" / "graph.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--suite", "nothing"), "unknown suite 'nothing'"),
        (("--data", "nothing"), "unknown data 'nothing'"),
        (("--peers", "nothing"), "unknown peer 'nothing'"),
    ],
)
def test_bench_refuses_unknown_names_in_one_line(tmp_path: Path, arguments, named: str) -> None:
    done = _run(tmp_path, *arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1
