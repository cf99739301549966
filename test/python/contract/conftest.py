"""Gives the tests of the contract their sides: `index_class`, and `make_index` by algorithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import hnsw_bridge
from sides import ENGINES, SIDES, UPSTREAM

_UPSTREAM_MARKS = [
    pytest.mark.upstream,
    pytest.mark.timeout(600),  # It compiles.
    pytest.mark.filterwarnings("ignore:::pynndescent"),
    pytest.mark.filterwarnings("ignore:::numba"),
    pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning"),
]


def _params(names: Any) -> list[Any]:
    return [pytest.param(name, marks=_UPSTREAM_MARKS if name == UPSTREAM else []) for name in names]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, names in (("index_class", SIDES), ("make_index", ENGINES)):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, _params(names), indirect=True, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Takes out the upstream half of a test, or of a case, that is marked `ours_only`."""
    gone = [item for item in items if _is_upstream(item) and item.get_closest_marker("ours_only")]
    if gone:
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item not in set(gone)]


def _is_upstream(item: pytest.Item) -> bool:
    values = getattr(item, "callspec", None)
    return values is not None and UPSTREAM in (
        values.params.get("index_class"),
        values.params.get("make_index"),
    )


def _class_of(side: str) -> type[Any]:
    if side == UPSTREAM:
        from pynndescent import NNDescent

        return NNDescent
    return hnsw_bridge.HnswIndexWrapper


@pytest.fixture(scope="module")
def index_class(request: pytest.FixtureRequest) -> type[Any]:
    """The class under test."""
    return _class_of(request.param)


@pytest.fixture(scope="module")
def make_index(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes an index of the class under test, ours by one algorithm."""

    def make(*args: Any, **kwargs: Any) -> Any:
        with hnsw_bridge.options(**ENGINES[request.param]):
            return _class_of(request.param)(*args, **kwargs)

    make.side = request.param  # type: ignore[attr-defined]
    return make
