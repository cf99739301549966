"""What every test here relies on: a server can be started, and no state leaks between tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hnsw_bridge
from processes import PROGRAMS, TOKEN, serving

_HERE = Path(__file__).parent
_HEAVY_USERS = _HERE / "users" / "heavy"

for variable in [name for name in os.environ if name.startswith("HNSW_BRIDGE")]:
    del os.environ[variable]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--users", action="store_true", help="also tests that need scanpy and the like"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Tests that import what is only in the users' environment are not even looked at elsewhere."""
    return True if collection_path == _HEAVY_USERS and not config.getoption("users") else None


@pytest.fixture(scope="session", autouse=True)
def _server_can_be_started() -> None:
    """Without an engine half the suite would test PyNNDescent: better none of it runs."""
    try:
        hnsw_bridge.stats()
    except hnsw_bridge.EngineUnavailable as error:
        pytest.exit(f"no server for the tests: {error}", returncode=3)


@pytest.fixture(autouse=True)
def _nothing_installed() -> Iterator[None]:
    yield
    hnsw_bridge.uninstall()


@pytest.fixture
def calls() -> Callable[[], Counter[str]]:
    """Tells the calls the server accepted since this fixture, or since it was asked last."""
    seen = _server_calls()

    def since() -> Counter[str]:
        nonlocal seen
        before, seen = seen, _server_calls()
        return Counter({op: n for op, n in (seen - before).items() if op not in _HOUSEKEEPING})

    return since


_HOUSEKEEPING = ("stats", "plan", "hello", "close", "goodbye", "ping", "credit", "rows")


def _server_calls() -> Counter[str]:
    return Counter(hnsw_bridge.stats()["server"]["calls"])


@pytest.fixture
def tcp_server() -> Iterator[tuple[str, str]]:
    """Endpoint and token of a server on tcp, as `hnsw-bridge serve` starts it."""
    with serving("127.0.0.1:0") as endpoint:
        yield endpoint, TOKEN


@pytest.fixture
def run_program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program of `programs/` in a process of its own, and fails when that fails."""

    def run(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, str(PROGRAMS / name), *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stderr}"
        return done

    return run
