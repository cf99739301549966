"""`Index`: the engine's index by its own names, beside plain distances and `HnswIndexWrapper`."""

import inspect
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

import hnsw_bridge
import oracle
from datasets import gaussian
from hnsw_bridge import (
    Closed,
    CorruptFile,
    DimensionMismatch,
    FileError,
    HnswIndexWrapper,
    Index,
    InvalidArgument,
    UnknownMetric,
)

ROWS = gaussian(2000, 8)
QUERIES = gaussian(60, 8, seed=7)
SPARSE = sp.random(130, 40, 0.2, "csr", np.float32, random_state=4)
BITS = np.random.RandomState(3).randint(0, 256, (120, 4)).astype(np.uint8)
FORMS = {
    "dense": (ROWS[:150], {}),
    "dense, rows that the engine changes": (ROWS[:150], {"metric": "cosine"}),
    "dense, with parameters": (ROWS[:150], {"metric": "minkowski", "metric_kwds": {"p": 3}}),
    "sparse": (SPARSE, {"metric": "cosine"}),
    "bits": (BITS, {"metric": "bit_jaccard"}),
}
every_form = pytest.mark.parametrize(("rows", "options"), FORMS.values(), ids=FORMS.keys())


@pytest.fixture(scope="module")
def index():
    return Index(ROWS, n_neighbors=10)


def _same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_nearest_rows_are_found(index):
    indices, distances = index.query(QUERIES, 5, ef=200)
    truth = np.sort(oracle.distances(QUERIES, ROWS), axis=1)[:, :5]
    assert indices.dtype == np.int32
    assert (np.isclose(distances, truth, rtol=1e-5)).mean() > 0.99


def test_ef_overrules_epsilon(index):
    wide = Index(ROWS, algorithm="hnsw", m=4, ef_construction=20)
    _same(wide.query(QUERIES, ef=10, epsilon=1.0), wide.query(QUERIES, ef=10))
    truth = oracle.distances(QUERIES, ROWS).argsort(axis=1)[:, :10]
    found = [
        np.mean([len(set(a) & set(b)) for a, b in zip(hits.indices, truth, strict=True)])
        for hits in (wide.query(QUERIES, ef=10), wide.query(QUERIES, ef=400))
    ]
    assert found[1] > found[0]


@every_form
def test_it_answers_as_the_wrapper_of_the_same_seed(rows, options):
    own = Index(rows, n_neighbors=6, seed=5, **options)
    other = HnswIndexWrapper(rows, n_neighbors=6, **options)
    _same(own.neighbor_graph(), other.neighbor_graph)
    _same(own.query(rows[:9], 4, epsilon=0.3), other.query(rows[:9], 4, 0.3))
    assert own.size == len(own) == rows.shape[0]


def test_updates_replace_then_append():
    rows = ROWS[:300].copy()
    index = Index(rows, n_neighbors=5)
    index.update(fresh=QUERIES[:2], updated=QUERIES[2:4], updated_indices=[0, -1])
    rows[[0, -1]] = QUERIES[2:4]
    expected = Index(np.vstack([rows, QUERIES[:2]]), n_neighbors=5)
    assert index.size == 302
    _same(index.neighbor_graph(), expected.neighbor_graph())
    with pytest.raises(InvalidArgument, match="updated"):
        index.update(updated=QUERIES[:2])
    with pytest.raises(DimensionMismatch, match="fresh"):
        index.update(fresh=QUERIES[:, :3])


@every_form
def test_a_file_brings_it_back(rows, options, tmp_path):
    index = Index(rows, n_neighbors=6, **options)
    index.save(tmp_path / "index.hnsw")
    for again in (
        Index.load(tmp_path / "index.hnsw"),
        Index.load(tmp_path / "index.hnsw", mmap=True),
        Index.restore(index.dump()),
        pickle.loads(pickle.dumps(index)),
    ):
        _same(again.query(rows[:9], 3), index.query(rows[:9], 3))
        assert again.parameters == index.parameters
        assert again.metric_kwds == index.metric_kwds
        assert type(again) is Index
        again._remote_index.close()  # The next call sends the rows again, with their parameters.
        _same(again.query(rows[:9], 3), index.query(rows[:9], 3))


@every_form
def test_files_of_the_two_classes_are_the_same_to_both(rows, options, tmp_path):
    path = tmp_path / "index.hnsw"
    own = Index(rows, n_neighbors=6, **options)
    own.save(path)
    other = HnswIndexWrapper.load(path)
    other._remote_index.close()
    assert other.n_neighbors == 6
    _same(other.query(rows[:9], 3), own.query(rows[:9], 3, epsilon=0.1))
    other.save(path)
    _same(Index.load(path).query(rows[:9], 3), own.query(rows[:9], 3))


def test_damaged_and_missing_files_are_told(tmp_path):
    path = tmp_path / "index.hnsw"
    Index(ROWS[:100]).save(path)
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    for mmap in (False, True):
        with pytest.raises(CorruptFile, match="checksum"):
            Index.load(path, mmap=mmap)
        with pytest.raises(FileError):
            Index.load(tmp_path / "nowhere", mmap=mmap)
        with pytest.raises(FileError):
            Index.load(tmp_path, mmap=mmap)
    path.write_bytes(b"")
    with pytest.raises(CorruptFile):
        Index.load(path, mmap=True)


def test_verify_finds_a_sound_index_sound():
    index = Index(ROWS, algorithm="hnsw")
    index.prepare()
    found = index.verify()
    assert found["sound"]
    assert found["rows"] == 2000
    assert sum(found["links"]["degrees"]) == 2000
    assert found["links"]["unreachable"] == found["links"]["out_of_range"] == 0


def test_the_radius_searches_are_there(index):
    hits = index.radius_search(QUERIES[:5], 1.5, exact=True)
    truth = oracle.distances(QUERIES[:5], ROWS) <= 1.5
    assert abs(len(hits.indices) - truth.sum()) <= 2
    index.prepare(radius=True)


def test_a_closed_index_refuses_calls_and_says_so():
    with Index(ROWS[:50]) as index:
        assert "50 x 8" in repr(index)
    assert "closed" in repr(index)
    with pytest.raises(Closed):
        index.query(QUERIES)


def test_an_index_is_true_also_when_closed():
    index = Index(ROWS[:50])
    assert index
    index.close()
    assert len(index) == 0
    assert index


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"m": 1}, "m"),
        ({"m": 2.5}, "m must be an integer"),
        ({"ef": 0}, "ef must be >= 1"),
        ({"seed": -1}, "seed must be >= 0"),
        ({"n_neighbors": 0}, "n_neighbors"),
        ({"n_threads": 0}, "n_threads"),
        ({"algorithm": "magic"}, "algorithm"),
        ({"graph_recall": 2}, "graphRecall"),
        ({"quantization": "uint3"}, "quantization"),
    ],
)
def test_wrong_options_are_told_by_name(options, message):
    with pytest.raises(InvalidArgument, match=message):
        Index(ROWS[:20], **options)


def test_an_unknown_metric_is_an_error_and_nobody_answers_instead():
    with pytest.raises(UnknownMetric):
        Index(ROWS[:20], metric="nonsense")


def test_both_classes_share_what_holds_rows_and_nothing_is_written_twice():
    bases = set(Index.__mro__) & set(HnswIndexWrapper.__mro__)
    assert hnsw_bridge._saved.SavedIndex in bases
    assert hnsw_bridge._radius.RadiusSearch in bases
    for name in ("_remote", "_wire_options", "_start_unconnected", "_found", "__getstate__"):
        assert inspect.getattr_static(Index, name) is inspect.getattr_static(HnswIndexWrapper, name)
