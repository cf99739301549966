"""The suites beside graph, query and build: real runs on few rows, and how they are summed up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import run
from harness import suite
from harness.session import Session
from harness.stages import Stages
from tasks import bridge, filter, kernels, scale, umap_report, update


def _measured(task, folder: Path, patch: pytest.MonkeyPatch, *arguments: str) -> dict:
    """What a suite's quick run without peers measures, as its JSON has it."""
    patch.setenv("HNSW_BRIDGE_BENCH_CACHE", str(folder))
    options = run.arguments(["--quick", "--peers", "", *arguments])
    plan = suite.load(options.suite)
    data = task.measure(Session(plan, suite.chosen(plan, []), options))
    return json.loads(json.dumps({**run._header(plan, options), "data": data}))


def test_scale_measures_both_sides_and_the_one_picked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = _measured(scale, tmp_path, monkeypatch, "--suite", "scale", "--rows", "1000")
    [size] = result["data"][0]["sizes"]
    engines = {engine["name"]: engine for engine in size["engines"]}
    assert [*engines] == ["exact", "approximate", "auto"]
    for forced in ("exact", "approximate"):
        assert engines[forced]["algorithm"] == forced
    for engine in engines.values():
        assert engine["recall"] >= 0.99
        assert engine["caller_s"] > engine["engine_s"] > 0
    assert f"| {scale.ratio(size):.2f} |" in "\n".join(scale.lines(result))
    [plot] = scale.plots(result)
    drawn = {series["name"]: series["x"] for series in plot["series"]}
    assert drawn == {name: [1000] for name in engines}


def _sizes(**seconds: list[float | None]) -> dict:
    """A part with 1 000, 100 000 and 1 000 000 rows."""
    return {
        "sizes": [
            {
                "rows": rows,
                "engines": [{"name": name, "engine_s": s[at]} for name, s in seconds.items()],
            }
            for at, rows in enumerate((1_000, 100_000, 1_000_000))
        ]
    }


def test_scale_compares_auto_with_the_better_side_that_has_a_figure() -> None:
    part = _sizes(exact=[1.0, 9.0, None], approximate=[2.0, 4.0, None], auto=[1.1, 5.0, 3.0])
    assert [scale.ratio(size) for size in part["sizes"]] == [pytest.approx(1.1), 1.25, None]


def test_scale_tells_the_exponent_from_a_hundred_thousand_rows_on() -> None:
    part = _sizes(auto=[5.0, 1.0, 10.0**1.5], exact=[1.0, 2.0, None])
    assert scale.slope(part, "auto") == pytest.approx(1.5)
    assert scale.slope(part, "exact") is None


def test_no_speed_of_scale_is_stated_below_the_recall_asked_for() -> None:
    timing = {"seconds": 2.0, "others": 0.0, "steal": 0.0}
    memory = {"process_mb": 100.0, "helpers_mb": [50.0]}
    call = {**timing, "memory": memory, "detail": {"compute_s": 1.0}}
    attempt = {"calls": [call], "recall": 0.98, "data_mb": 30.0}
    low, good = (scale._figures([attempt], least) for least in (0.99, 0.98))
    assert (low["engine_s"], low["caller_s"]) == (None, None)
    assert (good["engine_s"], good["caller_s"], good["memory_over_data_mb"]) == (1.0, 2.0, 120.0)


def test_bridge_tells_what_the_way_adds_to_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = _measured(bridge, tmp_path, monkeypatch, "--suite", "bridge", "--rows", "600")
    [part] = result["data"]
    assert part["name"] == "synthetic-10k"
    assert set(part["recall"]) == {"graph", "single", "batch"}
    assert min(part["recall"].values()) >= 0.95
    assert part["bytes"]["rows"] == 600 * 64 * 4
    for step in ("single", "batch"):
        assert part[step]["seconds"] > part[step]["compute_s"] > 0
    for step in ("import_s", "start_s", "round_trip_s", "upload_s", "overhead_s", "compute_s"):
        assert part[step] > 0, step
    text = "\n".join(bridge.lines(result))
    for step in ("upload", "graph and reply", "one query", "all queries at once"):
        assert f"| {step} |" in text


def test_bridge_states_no_speed_of_poor_answers() -> None:
    step = {"seconds": 2.0, "compute_s": 1.0}
    part = {
        "quiet": True,
        "bytes": {"rows": 100, "queries": 10},
        "single": step,
        "batch": step,
        **dict.fromkeys(("import_s", "start_s", "round_trip_s", "upload_s"), 1.0),
        **dict.fromkeys(("reply_s", "overhead_s", "compute_s"), 1.0),
        "recall": {"graph": 1.0, "single": 0.5, "batch": 1.0},
    }
    rows = {line.split(" | ")[0][2:]: line for line in bridge._table(part, 0.95)}
    assert "recall too low" in rows["one query"]
    assert "recall too low" not in rows["graph and reply"] + rows["all queries at once"]


_KERNELS = {
    "features": "avx512 of avx2 avx512",
    "sets": [
        {
            "label": "avx512",
            "peak_gops": {"f32": 200.0, "u8": 1000.0, "bf16": None},
            "tile_gops": {
                "f32": {"128": 180.0, "1600": 190.0},
                "u8": {"128": 700.0, "1600": 800.0},
            },
        }
    ],
}


@pytest.mark.parametrize(
    ("codes", "tiles"),
    [("u8", "u8"), ("u8 filter", "u8"), ("bf16 filter", "bf16"), ("f32", "f32"), (None, "f32")],
)
def test_kernels_know_on_which_tiles_an_answer_ran(codes: str | None, tiles: str) -> None:
    assert kernels.kind(codes) == tiles


def test_kernels_hold_the_graph_against_the_peak_of_its_tiles_on_all_threads() -> None:
    engine = {"kernels": "avx512", "codes": "u8 filter", "gops": 1500.0}
    assert kernels.efficiency(engine, _KERNELS, 2) == 0.75
    assert kernels.efficiency({**engine, "codes": "bf16 filter"}, _KERNELS, 2) is None
    assert kernels.efficiency({**engine, "kernels": "neon"}, _KERNELS, 2) is None
    assert kernels.operations(3, 10) == 3 * 2 * 10


def test_kernels_table_has_a_line_for_each_kind_of_tile() -> None:
    lines = kernels._peak_table(_KERNELS)
    assert lines[0].index("128") < lines[0].index("1600")
    assert lines[2:] == [
        "| avx512 | f32 | 200 | 180 | 190 | 95 % |",
        "| avx512 | u8 | 1000 | 700 | 800 | 80 % |",
    ]


def _umap_engine(name: str, engine: str, seconds: float, recall: float = 1.0) -> dict:
    parts = dict.fromkeys((*umap_report.PARTS, "neighbors_compile"), seconds)
    return {
        "name": name,
        "engine": engine,
        "version": "1",
        "quiet": True,
        "parts": [parts],
        "total_s": 2 * seconds,
        "memory_over_data_mb": None,
        "recall": {"graph": recall, "query": 1.0},
    }


@pytest.mark.parametrize(("recall", "stated"), [(0.95, True), (0.94, False)])
def test_umap_compares_parts_only_where_the_neighbours_are_good(
    recall: float, stated: bool
) -> None:
    own = _umap_engine("hnsw-bridge", "bridge_umap", 1.0)
    part = {"engines": [own, _umap_engine("umap-learn", "umap_learn", 3.0, recall)]}
    told = umap_report._ratios(part, 0.95)
    assert (told[:1] == ["- umap-learn takes 3.00 times as long"]) is stated
    [ours, theirs] = umap_report._table(part, 0.95)[2:]
    assert "recall too low" not in ours
    assert ("recall too low" not in theirs) is stated
    assert umap_report._compiling_told(part)[0].endswith("hnsw-bridge 1.00 s, umap-learn 3.00 s")


def test_stages_tell_the_share_of_compiling() -> None:
    clock = [0.0]

    class Module:
        @staticmethod
        def nearest_neighbors() -> str:
            clock[0] += 2.5
            return "found"

        fuzzy_simplicial_set = spectral_layout = optimize_layout_euclidean = staticmethod(int)

    with Stages(Module, lambda: clock[0]) as stages:
        assert Module.nearest_neighbors() == "found"
        Module.optimize_layout_euclidean()
    assert dict(stages.compiling) == {"neighbors": 2.5, "layout": 0.0}
    assert stages.results["neighbors"] == "found"
    assert stages.seconds["neighbors"] >= 0


def test_update_measures_each_step_and_judges_what_is_there_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = _measured(update, tmp_path, monkeypatch, "--suite", "update", "--rows", "2200")
    [part] = result["data"]
    assert (part["rows"], part["changed"]) == (2000, 200)
    [own] = part["engines"]
    assert "error" not in own
    assert [*own["summary"]["seconds"]] == ["delete", "add", "replace", "rebuild"]
    assert min(own["summary"]["recall"].values()) >= 0.95
    assert "2000 x 128, euclidean, SYNTHETIC, 200 rows a step" in "\n".join(update.lines(result))


def test_filter_judges_every_filter_against_the_rows_that_match(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = _measured(filter, tmp_path, monkeypatch, "--suite", "filter", "--rows", "2000")
    [part] = result["data"]
    assert [each["matches"] for each in part["filters"]] == 2 * [1000, 100, 10, 1]
    [own] = part["engines"]
    assert "error" not in own
    for sweep in own["summary"]["sweeps"]:
        assert sweep["shown"]["enough"], sweep
        assert sweep["shown"]["qps"] > 0
    text = "\n".join(filter.lines(result))
    assert "| 50 % (1000) | 5 % (100) | 0.5 % (10) | 0.05 % (1) |" in text
    # without the peer there is nothing to compare with
    assert "5 % of the rows, random, at a recall of 0.95 or more: no ratio" in text


def test_filter_shows_the_fastest_setting_that_reaches_the_recall() -> None:
    points = [{"recall": r, "qps": q} for r, q in ((0.9, 9.0), (0.96, 5.0), (0.99, 6.0))]
    assert filter.shown(points, 0.95) == {"recall": 0.99, "qps": 6.0, "enough": True}
    assert filter.shown(points[:1], 0.95) == {"recall": 0.9, "qps": 9.0, "enough": False}


def test_filter_draws_rows_of_one_place_or_of_any() -> None:
    rows = np.arange(100, dtype=np.float32)[:, None]
    near, anywhere = (filter.matches(rows, kind, 0.1) for kind in ("correlated", "random"))
    assert len(near) == len(anywhere) == 10
    assert near[-1] - near[0] == 9
    assert anywhere[-1] - anywhere[0] > 9
