"""The bench's own judgement: a wrong truth or recall would make every figure wrong."""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import publish
import pytest
from harness import fashion_mnist, metrics, peers, recall, rounds, suite, summary, sweep, truth
from harness.load import Stopwatch
from harness.session import Session, split

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


def _point(recall_found: float, qps: float) -> dict:
    return {"recall": recall_found, "qps": qps, "quiet": True}


def test_speed_at_a_recall_lies_between_the_points_around_it() -> None:
    points = [_point(0.90, 1000.0), _point(0.98, 100.0), _point(0.97, 50.0)]
    found = sweep.at_recall(points, 0.94)
    assert found is not None
    assert found["qps"] == pytest.approx(100.0 * 10**0.5)
    assert sweep.at_recall(points, 0.85) == {"qps": 1000.0, "at_least": True, "quiet": True}
    assert sweep.at_recall(points, 0.99) is None
    # what another point beats in both recall and speed is no part of the curve
    assert [p["recall"] for p in sweep.frontier(points)] == [0.90, 0.98]


def test_cases_take_turns_until_each_was_quiet_often_enough() -> None:
    seen: list[str] = []

    def case(name: str, results: list[dict]) -> rounds.Case:
        def attempt() -> dict:
            seen.append(name)
            return results.pop(0)

        return rounds.Case(name, attempt, lambda result: result["calm"])

    def timing(calm: bool, wall_s: float = 1.0) -> dict:
        return {"calm": calm, "wall_s": wall_s}

    cases = [
        case("quick", [timing(True), timing(False), timing(True)]),
        case("long", [timing(True, 60.0)]),
        case("broken", [{"error": "no"}]),
        case("noisy", [timing(False)] * 4),
    ]
    rounds.take_turns(cases, {"quiet": 2, "most": 4, "long_s": 30}, lambda text: None)
    order = ["quick", "long", "broken", "noisy", "quick", "noisy", "quick", "noisy", "noisy"]
    assert seen == order
    assert [len(c.attempts) for c in cases] == [3, 1, 0, 4]
    assert cases[2].error == "no"


def test_jobs_are_ended_at_their_limit_and_say_so(tmp_path: Path) -> None:
    from harness.process import run_job

    job = {"task": "graph", "engine": "bridge", "rows": str(tmp_path / "none.npy")}
    assert run_job(Path(sys.executable), job, lambda result, path: None, 0.01) == {
        "error": "stopped after 0 s"
    }


def test_what_does_not_fit_a_set_is_left_out_unless_it_is_asked_for() -> None:
    plan = suite.load("graph")

    def names(peers_asked: str | None) -> tuple[set[str], set[str]]:
        options = argparse.Namespace(peers=peers_asked)
        session = Session(plan, suite.chosen(plan, split(peers_asked)), options)
        fits, left_out = session.entries_for("synthetic-1m")
        return {entry.name for entry in fits}, {entry.name for entry in left_out}

    fits, left_out = names(None)
    assert "faiss flat" in left_out
    assert {"hnsw-bridge", "pynndescent"} <= fits
    assert fits | left_out == {entry.name for entry in plan.engines}
    assert "faiss flat" in names("faiss flat")[0]


def test_a_peer_from_sources_says_what_to_do_without_them(tmp_path: Path) -> None:
    with pytest.raises(peers.PeerMissing, match="--glass DIR"):
        peers.python_for("glass")
    with pytest.raises(peers.PeerMissing, match="no checkout"):
        peers.python_for("glass", tmp_path)


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


def test_runs_on_different_sets_are_joined_and_others_are_refused() -> None:
    def result(name: str, **other) -> dict:
        return {
            "suite": "graph",
            "machine": {},
            "threads": 2,
            "k": 15,
            "data": [{"name": name}],
            **other,
        }

    assert [part["name"] for part in publish.joined([result("a"), result("b")])["data"]] == [
        "a",
        "b",
    ]
    for other in (result("a"), result("b", threads=4), result("b", suite="query")):
        with pytest.raises(ValueError, match="not runs of one suite"):
            publish.joined([result("a"), other])


def test_what_does_not_fit_the_minutes_is_named(tmp_path: Path) -> None:
    few = ("--data", "synthetic-10k", "--rows", "600", "--peers", "", "--quick")
    done = _run(tmp_path, *few, "--minutes", "0")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out" / "graph.json").read_text())
    errors = [engine["error"] for engine in result["data"][0]["engines"]]
    assert errors == ["the 0 minutes of --minutes were over"]
    assert errors[0] in (tmp_path / "out" / "graph.md").read_text()


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


@pytest.mark.parametrize("name", ["query", "build"])
def test_queries_and_builds_are_measured_through_both_doors(tmp_path: Path, name: str) -> None:
    done = _run(tmp_path, "--suite", name, "--data", "sift5k", "--peers", "", "--quick")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out" / f"{name}.json").read_text())
    [part] = result["data"]
    assert {"bridge", "bridge_node"} == {engine["engine"] for engine in part["engines"]}
    for engine in part["engines"]:
        assert "error" not in engine, engine
        figures = engine["summary"]
        points = figures["settings"] if name == "build" else figures["sweeps"][0]["points"]
        assert points[-1]["recall"] >= 0.95
    assert "sift5k" in (tmp_path / "out" / f"{name}.md").read_text()
