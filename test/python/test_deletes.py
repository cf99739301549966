"""Rows that go, from Python."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import hnsw_bridge
from hnsw_bridge import Index

N = 600


def _rows(seed: int, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 12), dtype=np.float32)


def _checked(index: Index, rows: dict[int, np.ndarray]) -> None:
    """Every row is found by its own id, and nothing else is there."""
    ids = np.array(sorted(rows), np.int32)
    np.testing.assert_array_equal(index.ids, ids)
    content = np.array([rows[i] for i in ids])
    hits = index.query(content, 1)
    np.testing.assert_array_equal(hits.indices[:, 0], ids)
    graph = index.neighbor_graph()
    np.testing.assert_array_equal(graph.indices[:, 0], ids)
    assert np.isin(graph.indices, ids).all()


@pytest.mark.parametrize("algorithm", ["exact", "hnsw"])
def test_ids_stay_through_deletions_pickles_files_and_servers(
    algorithm: str, tmp_path: Path
) -> None:
    data = _rows(1)
    rows = dict(enumerate(data))
    index = Index(data, algorithm=algorithm, n_neighbors=5)
    index.delete([3, 200, 3])
    index.delete(np.arange(580, 600))
    for gone in (3, *range(200, 201), *range(580, 600)):
        del rows[gone]
    fresh = _rows(2, 4)
    np.testing.assert_array_equal(index.update(fresh=fresh), np.arange(600, 604))
    rows.update(zip(range(600, 604), fresh, strict=True))
    other = _rows(3, 2)
    index.replace([7, 601], other)
    rows.update({7: other[0], 601: other[1]})
    np.testing.assert_array_equal(index.update(other[:1], other[1:], [9]), [604])
    rows.update({604: other[0] + 0, 9: other[1]})
    # The replaced and the appended copies are equal rows: one of them is enough to look for.
    index.delete([604, 601])
    del rows[604], rows[601]
    index.replace([9], _rows(4, 1))
    rows[9] = _rows(4, 1)[0]
    _checked(index, rows)
    assert index.stats()["deleted"] == 605 - len(rows)
    index.save(tmp_path / "rows.hnsw")
    for again in (pickle.loads(pickle.dumps(index)), Index.load(tmp_path / "rows.hnsw")):
        _checked(again, rows)
        np.testing.assert_array_equal(again.update(fresh=_rows(5, 1)), [605])
    hnsw_bridge.shutdown()
    _checked(index, rows)


def test_refused_deletions_change_nothing() -> None:
    index = Index(_rows(1), n_neighbors=5)
    index.delete([5])
    for ids, error in (
        ([5], KeyError),
        ([N], KeyError),
        ([-1], KeyError),
        ([0.5], ValueError),
        (index.ids, ValueError),
    ):
        with pytest.raises(error):
            index.delete(ids)
    with pytest.raises(KeyError):
        index.radius_search_by_id([5], 0.1)
    with pytest.raises(KeyError):
        index.replace([5], _rows(2, 1))
    with pytest.raises(ValueError, match="2 ids for 1 rows"):
        index.replace([6, 7], _rows(2, 1))
    assert index.size == N - 1
    index.delete([])
    assert index.size == N - 1
    hits = index.radius_search_by_id([6, N - 1], 1e-6)
    np.testing.assert_array_equal(hits.indices, [6, N - 1])


def test_sparse_rows_and_bits_go_as_well() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    dense = _rows(1)
    dense[dense < 0.6] = 0
    bits = np.random.default_rng(2).integers(0, 256, (N, 8), dtype=np.uint8)
    for data, metric in ((sparse.csr_matrix(dense), "euclidean"), (bits, "bit_hamming")):
        index = Index(data, metric=metric, n_neighbors=4)
        index.delete(np.arange(0, N, 3))
        ids = np.array([i for i in range(N) if i % 3], np.int32)
        np.testing.assert_array_equal(index.neighbor_graph().indices[:, 0], ids)
        assert (index.query(data[:10], 1).indices[1:3, 0] == [1, 2]).all()
