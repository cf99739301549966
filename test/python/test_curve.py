"""A server that encrypts, and clients that know its key, another one, or none."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import EngineUnavailable, HnswIndexWrapper, InvalidArgument
from processes import TOKEN, command, serving

ROWS = gaussian(500, 8)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """The public and the secret file of a pair."""
    keygen = command("keygen", "--out", str(tmp_path / "team"))
    subprocess.run(keygen, check=True, capture_output=True)
    return tmp_path / "team.key", tmp_path / "team.key_secret"


@pytest.fixture
def endpoint(keys, monkeypatch):
    monkeypatch.setenv("HNSW_BRIDGE_TIMEOUT", "3")
    with serving("127.0.0.1:0", "--curve-key", str(keys[1])) as where:
        yield where
        hnsw_bridge.shutdown()


def _key_in(file: Path) -> str:
    found = re.search(r'public-key = "(.*)"', file.read_text())
    assert found is not None
    return found[1]


def test_answers_are_those_of_a_server_of_ones_own(keys, endpoint):
    expected = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=1).neighbor_graph
    with hnsw_bridge.connect(endpoint, TOKEN, server_key=keys[0]):
        index = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=1)
        for ours, theirs in zip(index.neighbor_graph, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_key_may_be_text_or_in_the_environment(keys, endpoint, monkeypatch):
    with hnsw_bridge.connect(endpoint, TOKEN, server_key=_key_in(keys[0])):
        pass
    monkeypatch.setenv("HNSW_BRIDGE_ENDPOINT", endpoint)
    monkeypatch.setenv("HNSW_BRIDGE_TOKEN", TOKEN)
    monkeypatch.setenv("HNSW_BRIDGE_SERVER_KEY", _key_in(keys[0]))
    assert hnsw_bridge.stats()["server"]["connections"] == 2


def test_with_another_key_or_none_the_server_does_not_answer(endpoint):
    other = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"  # From the ZeroMQ book.
    for key in (other, None):
        with pytest.raises(EngineUnavailable, match="server_key"):
            hnsw_bridge.connect(endpoint, TOKEN, server_key=key)


def test_what_is_no_key_is_told_and_not_shown(keys, tmp_path):
    (tmp_path / "empty").write_text("nothing")
    for wrong in ("x" * 39, _key_in(keys[0]) + "!", tmp_path / "empty", tmp_path / "missing"):
        with pytest.raises(InvalidArgument) as caught:
            hnsw_bridge.connect("tcp://127.0.0.1:9", TOKEN, server_key=wrong)
        assert _key_in(keys[0])[:20] not in str(caught.value)
