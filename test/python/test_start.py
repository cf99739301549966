"""A server that cannot be started: what the user is told, and that nothing is left of it."""

import os

import pytest

import hnsw_bridge
from hnsw_bridge import EngineUnavailable, _client, _launch
from processes import is_running


@pytest.fixture(autouse=True)
def _without_a_server(monkeypatch):
    hnsw_bridge.shutdown()
    yield
    monkeypatch.undo()
    hnsw_bridge.shutdown()


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Puts a script in the place of the server's."""

    def put(text):
        path = tmp_path / "server.mjs"
        path.write_text(text)
        monkeypatch.setenv("HNSW_BRIDGE_SERVER", str(path))

    return put


def test_a_server_that_ends_at_once_leaves_its_last_words(script):
    script('console.error("the disk is on fire"); process.exit(3);')
    with pytest.raises(EngineUnavailable, match=r"exit status 3; .*the disk is on fire"):
        _client.session()


def test_a_server_that_never_gets_ready_is_ended(script, tmp_path, monkeypatch):
    script(f"""
        import {{ writeFileSync }} from "node:fs";
        writeFileSync("{tmp_path}/pid", String(process.pid));
        console.error("looking for my keys");
        setInterval(() => {{}}, 1000);
    """)
    monkeypatch.setattr(_launch, "START_S", 0.5)
    monkeypatch.setenv("HNSW_BRIDGE_TIMEOUT", "1")
    with pytest.raises(EngineUnavailable, match=r"not start within 1 s .*looking for my keys"):
        _client.session()
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_a_script_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("HNSW_BRIDGE_SERVER", "/nowhere/cli.js")
    with pytest.raises(EngineUnavailable, match=r"HNSW_BRIDGE_SERVER is '/nowhere/cli\.js'"):
        _client.session()


def test_a_package_without_its_server_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(_launch, "__file__", str(tmp_path / "python" / "package" / "_launch.py"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"server .* was not found: install the package"):
        _client.session()


def test_a_machine_without_node_is_told_where_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(_launch.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EngineUnavailable, match=r"Node\.js was not found: .*20\.19 .*pip install"):
        _client.session()


def test_a_node_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("HNSW_BRIDGE_NODE", "/nowhere/node")
    with pytest.raises(EngineUnavailable, match=r"could not start '/nowhere/node': .*No such file"):
        _client.session()


@pytest.mark.skipif(os.name == "nt", reason="runs a shell script in the place of an old Node.js")
def test_a_node_that_is_too_old_is_told_by_its_version(monkeypatch, tmp_path):
    old = tmp_path / "node"
    old.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo v16.20.2; exit 0; fi\n'
        'echo "SyntaxError: Unexpected token" >&2; exit 1\n'
    )
    old.chmod(0o700)
    monkeypatch.setenv("HNSW_BRIDGE_NODE", str(old))
    with pytest.raises(EngineUnavailable, match=r"Node\.js v16\.20\.2 .* is too old: .* 20\.19 or"):
        _client.session()
