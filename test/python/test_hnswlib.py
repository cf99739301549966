"""hnswlib's index files, taken over with their labels and links."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import hnsw_bridge
from hnsw_bridge import CorruptFile, FileError, Index, InvalidArgument, UnknownMetric, interchange
from hnsw_bridge import _engine as engines

HNSWLIB = Path(__file__).parents[1] / "files" / "hnswlib"
SPACES = {"l2": "sqeuclidean", "cosine": "cosine", "ip": "inner_product"}


@pytest.mark.parametrize(("name", "metric"), SPACES.items(), ids=SPACES)
def test_an_index_comes_over_with_its_rows_labels_and_links(name, metric):
    path = HNSWLIB / f"{name}.bin"
    index, labels = Index.import_hnswlib(path, metric=metric, n_neighbors=5, algorithm="hnsw")
    with index:
        assert labels.dtype == np.uint64
        assert labels.tolist() == [1000 + 3 * i for i in range(200)]
        assert (len(index), index.dim, index.n_neighbors, index.metric) == (200, 6, 5, metric)
        assert (index.parameters["m"], index.parameters["ef_construction"]) == (5, 60)
        stats = index.stats()
        assert (stats["search_ready"], stats["search_builds"]) == (True, 0)
        assert index.verify()["sound"]
        rows = interchange.read_hnswlib(path).rows
        with Index(rows, metric=metric, n_neighbors=5, algorithm="exact") as exact:
            truth = exact.query(rows[:40], 5).indices
        found = index.query(rows[:40], 5, ef=100).indices
        same = [len(set(a) & set(b)) for a, b in zip(found, truth, strict=True)]
        assert sum(same) >= 0.95 * 5 * 40


def test_an_imported_index_is_changed_saved_and_made_again_like_any_other(tmp_path):
    index, labels = Index.import_hnswlib(HNSWLIB / "deleted.bin", metric="sqeuclidean")
    assert len(index) == len(labels) == 198
    assert not {1003, 1300} & set(labels.tolist())
    fresh = np.full((1, 6), 9, np.float32)
    assert index.update(fresh=fresh).tolist() == [198]
    index.save(tmp_path / "index.hnsw")
    again = Index.load(tmp_path / "index.hnsw")
    assert again.query(fresh, 1).indices.tolist() == [[198]]
    expected = index.query(fresh, 8)
    hnsw_bridge.shutdown()  # The rows are here too.
    np.testing.assert_array_equal(index.query(fresh, 8).distances, expected.distances)
    assert index.parameters["m"] == 5


def test_a_real_file_of_hnswlib_comes_over(tmp_path):
    hnswlib = pytest.importorskip("hnswlib")
    rows = np.random.default_rng(4).normal(size=(500, 16)).astype(np.float32)
    theirs = hnswlib.Index("l2", 16)
    theirs.init_index(600, M=8, ef_construction=100)
    theirs.add_items(rows, np.arange(500) * 7 + 2**40)
    theirs.save_index(str(tmp_path / "theirs.bin"))
    index, labels = Index.import_hnswlib(tmp_path / "theirs.bin", metric="sqeuclidean")
    assert labels[index.query(rows, 1).indices.ravel()].tolist() == [
        7 * i + 2**40 for i in range(500)
    ]


def test_what_is_no_file_of_hnswlib_and_wrong_options_are_refused(tmp_path):
    good = HNSWLIB / "l2.bin"
    for length in (0, 90, 5000):
        (tmp_path / "short").write_bytes(good.read_bytes()[:length])
        with pytest.raises(CorruptFile):
            Index.import_hnswlib(tmp_path / "short")
    # Sound rows, but a link beyond them: the engine looks at all.
    liar = bytearray(good.read_bytes())
    liar[100:104] = (5000).to_bytes(4, "little")
    (tmp_path / "liar").write_bytes(liar)
    with pytest.raises(CorruptFile):
        Index.import_hnswlib(tmp_path / "liar")
    with pytest.raises(FileError):
        Index.import_hnswlib(tmp_path / "nothing")
    with pytest.raises(UnknownMetric):
        Index.import_hnswlib(good, metric="nonsense")
    with pytest.raises(InvalidArgument):
        Index.import_hnswlib(good, metric="bit_hamming")
    with pytest.raises(InvalidArgument, match="n_neighbors"):
        Index.import_hnswlib(good, n_neighbors=0)
    with pytest.raises(TypeError):
        Index.import_hnswlib(good, m=8)


def test_an_engine_that_cannot_import_refuses_with_a_typed_error(monkeypatch):
    session = engines.engine()
    features = session.greeting.features - {"import_hnswlib"}
    monkeypatch.setattr(
        session, "greeting", dataclasses.replace(session.greeting, features=features)
    )
    with pytest.raises(InvalidArgument, match="cannot import files of hnswlib"):
        Index.import_hnswlib(HNSWLIB / "l2.bin")
