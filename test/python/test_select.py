"""Who answers: the five rules, for every way of asking."""

import sys
import warnings

import numba
import numpy as np
import pynndescent
import pytest
import umap.umap_ as umap_

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import (
    FallbackWarning,
    HnswIndexWrapper,
    InvalidArgument,
    UnknownMetric,
    _install,
    _select,
)

ROWS = gaussian(50, 4)


class _Stock:
    """Stands under PyNNDescent's name, so that falling back costs no compilation here.

    What falls back to the real one is tested beside it, in test_beside_pynndescent.py.
    """

    def __init__(self, data, metric="euclidean", metric_kwds=None, n_neighbors=30, **_):
        self.metric = metric


@pytest.fixture(autouse=True)
def _stock(monkeypatch):
    monkeypatch.setattr(pynndescent, "NNDescent", _Stock)
    monkeypatch.setattr(umap_, "NNDescent", _Stock)


@pytest.fixture(autouse=True)
def _news_upstream(monkeypatch):
    """A metric of a later PyNNDescent, which the engine has never heard of."""
    monkeypatch.setitem(pynndescent.distances.named_distances, NEWS, None)


NEWS = "a metric of tomorrow"


@numba.njit
def _euclidean(x, y):
    return np.sqrt(np.sum((x - y) ** 2))


CONDITIONS = {
    "off": (ROWS, "euclidean"),
    "no server": (ROWS, "euclidean"),
    "metric not of the engine": (ROWS, NEWS),
    "callable metric, many rows": (ROWS, _euclidean),
    "callable metric": (ROWS[:49], _euclidean),
    "all well": (ROWS, "euclidean"),
}
# condition -> (ours or PyNNDescent's, and whether a warning tells those who asked by name)
TRUTH = {
    "off": (_Stock, False),
    "no server": (_Stock, True),
    "metric not of the engine": (_Stock, True),
    "callable metric, many rows": (_Stock, True),
    "callable metric": (HnswIndexWrapper, False),
    "all well": (HnswIndexWrapper, False),
}


def _ask_installed(mode):
    def ask(data, metric):
        with hnsw_bridge.install(mode):
            return umap_.NNDescent(data, metric, n_neighbors=5)

    return ask


def _ask_by_class(data, metric):
    return HnswIndexWrapper(data, metric, n_neighbors=5)


WAYS = {
    "install('auto')": (_ask_installed("auto"), False),
    "install('on')": (_ask_installed("on"), True),
    "HnswIndexWrapper": (_ask_by_class, True),
}


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("way", WAYS)
def test_the_truth_table_of_selection(monkeypatch, condition, way):
    ask, by_name = WAYS[way]
    answers, warns = TRUTH[condition]
    if condition == "off":
        monkeypatch.setenv("HNSW_BRIDGE", "off")
    if condition == "no server":
        hnsw_bridge.shutdown()
        monkeypatch.setenv("HNSW_BRIDGE_SERVER", "/nowhere/at/all")
    monkeypatch.setattr(_select, "MAX_CALLABLE_ROWS", 49)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        index = ask(*CONDITIONS[condition])
    assert type(index) is answers
    told = [w for w in caught if w.category is FallbackWarning]
    assert len(told) == (1 if warns and by_name else 0)
    assert all(w.filename == __file__ for w in told)


def test_off_by_argument_is_off():
    with hnsw_bridge.install("off"):
        assert type(umap_.NNDescent(ROWS)) is _Stock


def test_the_environment_names_the_mode_that_install_leaves_open(monkeypatch):
    monkeypatch.setenv("HNSW_BRIDGE", "on")
    with hnsw_bridge.install(), pytest.warns(FallbackWarning, match=NEWS):
        umap_.NNDescent(ROWS, NEWS)


@pytest.mark.parametrize("mode", ["yes", 1, "AUTO"])
def test_a_mode_that_is_none_is_a_value_error_and_installs_nothing(mode):
    with pytest.raises(ValueError, match="mode must be one of auto, on, off"):
        hnsw_bridge.install(mode)
    assert umap_.NNDescent is _Stock


def test_what_neither_side_knows_is_our_error():
    for ask in (_ask_by_class, _ask_installed("auto")):
        with pytest.raises(UnknownMetric, match=r"one of .*, got 'nonsense'"):
            ask(ROWS, "nonsense")


def test_a_python_function_is_our_error_and_names_the_way_out():
    for ask in (_ask_by_class, _ask_installed("auto")):
        with pytest.raises(InvalidArgument, match=r"numba\.njit, got <function"):
            ask(ROWS, lambda a, b: 0.0)


def test_a_callable_needs_no_server(monkeypatch):
    hnsw_bridge.shutdown()
    monkeypatch.setenv("HNSW_BRIDGE_SERVER", "/nowhere/at/all")
    assert type(_ask_by_class(ROWS, _euclidean)) is HnswIndexWrapper


def test_without_pynndescent_the_reason_is_raised(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynndescent", None)
    monkeypatch.setitem(sys.modules, "pynndescent.distances", None)
    with pytest.raises(UnknownMetric, match=NEWS):
        HnswIndexWrapper(ROWS, NEWS)


def test_where_ours_was_put_in_its_place_by_hand_the_reason_is_raised(monkeypatch):
    monkeypatch.setattr(pynndescent, "NNDescent", HnswIndexWrapper)
    with pytest.raises(UnknownMetric, match=NEWS):
        pynndescent.NNDescent(ROWS, NEWS)


def test_uninstall_gives_the_name_back():
    hnsw_bridge.install()
    hnsw_bridge.install("on")
    assert umap_.NNDescent is _install.NNDescent
    hnsw_bridge.uninstall()
    hnsw_bridge.uninstall()
    assert umap_.NNDescent is _Stock


def test_a_block_inside_an_installation_leaves_it_as_it_was():
    with hnsw_bridge.install("auto"):
        with hnsw_bridge.using("off"):
            assert type(umap_.NNDescent(ROWS)) is _Stock
        assert type(umap_.NNDescent(ROWS)) is HnswIndexWrapper
    with hnsw_bridge.using("on"):
        assert type(umap_.NNDescent(ROWS)) is HnswIndexWrapper
    assert umap_.NNDescent is _Stock


def test_a_block_in_one_thread_is_not_seen_by_another():
    from concurrent.futures import ThreadPoolExecutor

    with hnsw_bridge.using("on"), ThreadPoolExecutor(1) as pool:
        assert type(pool.submit(lambda: umap_.NNDescent(ROWS)).result()) is _Stock


def test_what_another_patched_over_ours_is_left_alone(monkeypatch):
    hnsw_bridge.install()
    umap_.NNDescent = other = type("Other", (), {})
    hnsw_bridge.uninstall()
    assert umap_.NNDescent is other


def test_everywhere_is_pynndescents_own_name_too():
    with hnsw_bridge.install(everywhere=True):
        assert type(pynndescent.NNDescent(ROWS)) is HnswIndexWrapper
        assert type(pynndescent.pynndescent_.NNDescent(ROWS)) is HnswIndexWrapper
        assert type(pynndescent.NNDescent(ROWS, NEWS)) is _Stock
    assert pynndescent.NNDescent is _Stock


def test_both_kinds_are_instances_of_the_patched_name():
    with hnsw_bridge.install():
        for index in (umap_.NNDescent(ROWS), umap_.NNDescent(ROWS, NEWS), HnswIndexWrapper(ROWS)):
            assert isinstance(index, umap_.NNDescent)
        assert not isinstance(ROWS, umap_.NNDescent)
        assert not isinstance(_Stock(ROWS), HnswIndexWrapper)


def test_a_subclass_under_the_patched_name_counts():
    made = []

    with hnsw_bridge.install():

        class Counting(umap_.NNDescent):
            def __init__(self, *args, **kwargs):
                made.append(self)
                super().__init__(*args, **kwargs)

            def query(self, *args, **kwargs):
                made.append("query")
                return super().query(*args, **kwargs)

        index = Counting(ROWS, n_neighbors=5)
        assert type(index) is Counting
        np.testing.assert_array_equal(index.query(ROWS, k=1)[0][:, 0], np.arange(50))
    assert made == [index, "query"]
