"""A client one protocol version older or newer than the server is told so, and which to upgrade."""

import pytest

import hnsw_bridge
from hnsw_bridge import UnsupportedVersion, _connection


@pytest.mark.parametrize(("spoken", "older"), [((2, 3), "server"), ((0, 0), "client")])
def test_ranges_that_do_not_meet_are_an_error_that_names_the_older_side(
    monkeypatch, tcp_server, spoken, older
):
    monkeypatch.setattr(_connection, "PROTOCOL_RANGE", spoken)
    with pytest.raises(UnsupportedVersion, match=f"upgrade the {older}") as caught:
        hnsw_bridge.connect(*tcp_server)
    assert f"protocol {spoken[0]} to {spoken[1]}" in str(caught.value)


@pytest.mark.parametrize("spoken", [(0, 1), (1, 2)])
def test_ranges_that_meet_are_enough(monkeypatch, tcp_server, spoken):
    monkeypatch.setattr(_connection, "PROTOCOL_RANGE", spoken)
    with hnsw_bridge.connect(*tcp_server):
        assert hnsw_bridge.stats()["server"]["protocol"] == 1
