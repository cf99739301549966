"""Rows that are a file: read by the server itself where it may, and never twice in this process."""

import numpy as np
import pyarrow as pa
import pytest

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper, NonFinite

ROWS = gaussian(3000, 64)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that the server of this test may read."""
    monkeypatch.setenv("HNSW_BRIDGE_ALLOW_PATH", str(tmp_path))
    hnsw_bridge.shutdown()
    yield tmp_path
    hnsw_bridge.shutdown()


def _mapped(path, rows=ROWS):
    np.save(path, rows)
    return np.load(path, mmap_mode="r")


def _received():
    return hnsw_bridge.stats()["server"]["bytes_received"]


def _graph(rows):
    return HnswIndexWrapper(rows, n_neighbors=5, random_state=1).neighbor_graph


def _same(one, other):
    return all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def test_a_file_where_the_server_may_read_is_not_sent(folder):
    mapped = _mapped(folder / "rows.npy")
    before = _received()
    graph = _graph(mapped)
    assert _received() - before < 10_000
    assert _same(graph, _graph(ROWS))


def test_a_file_elsewhere_is_sent(folder, tmp_path_factory):
    mapped = _mapped(tmp_path_factory.mktemp("elsewhere") / "rows.npy")
    before = _received()
    graph = _graph(mapped)
    assert _received() - before > ROWS.nbytes
    assert _same(graph, _graph(ROWS))


def test_without_a_word_to_the_server_files_are_sent(tmp_path):
    mapped = _mapped(tmp_path / "rows.npy")
    before = _received()
    assert _same(_graph(mapped), _graph(ROWS))
    assert _received() - before > ROWS.nbytes


def test_the_map_itself_is_kept_and_nothing_is_copied(folder):
    mapped = _mapped(folder / "rows.npy")
    index = HnswIndexWrapper(mapped, n_neighbors=5)
    assert np.shares_memory(index._raw_data, mapped)


@pytest.mark.parametrize(
    "changed",
    [
        lambda mapped: mapped[:1000],
        lambda mapped: mapped[::2],
        lambda mapped: mapped[:, :32],
        lambda mapped: np.load(mapped.filename, mmap_mode="r+"),
        lambda mapped: np.load(mapped.filename, mmap_mode="c"),
    ],
    ids=["first rows", "every other row", "first columns", "writable", "copy on write"],
)
def test_parts_and_what_can_be_written_to_are_copied_and_sent(folder, changed):
    rows = changed(_mapped(folder / "rows.npy"))
    before = _received()
    index = HnswIndexWrapper(rows, n_neighbors=5, random_state=1)
    assert _same(index.neighbor_graph, _graph(np.array(rows)))
    assert _received() - before > rows.nbytes
    assert not np.shares_memory(index._raw_data, rows)


def test_other_numbers_are_converted_and_sent(folder):
    mapped = _mapped(folder / "rows.npy", ROWS.astype(np.float64))
    assert _same(_graph(mapped), _graph(ROWS))


def test_what_is_wrong_with_the_rows_of_a_file_is_told_as_ever(folder):
    rows = ROWS.copy()
    rows[7, 3] = np.nan
    with pytest.raises(NonFinite, match="row 7, column 3"):
        HnswIndexWrapper(_mapped(folder / "rows.npy", rows)).prepare()


def test_an_arrow_file_that_pyarrow_wrote_is_read(folder, calls):
    """By the server; Python has no door of its own for these."""
    path = folder / "rows.arrow"
    column = pa.FixedSizeListArray.from_arrays(pa.array(ROWS.ravel()), ROWS.shape[1])
    table = pa.table([column], ["rows"])
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=700)
    session = hnsw_bridge._client.session()
    promise = {"rows": 3000, "dim": 64, "dtype": "float32", "path": str(path)}
    reply = session.call("build", {**promise, "options": {"n_neighbors": 5}})
    assert reply["rows"] == 3000
    assert session.call("stats")["server"]["bytesCopied"] == ROWS.nbytes
