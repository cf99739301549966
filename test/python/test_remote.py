"""What travels for each operation: rows once, long parameters as values, changes as changes."""

import numpy as np
import pytest
import scipy.sparse as sp

import hnsw_bridge
import oracle
from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper, InvalidArgument, NonFinite
from waiting import until

WIDE = gaussian(60, 48)
VINV = np.diag(np.arange(1, 49)).astype(np.float32) + 0.25  # 2304 numbers: too long for a header.


def _values():
    return hnsw_bridge.stats()["session"]["values"]


def _same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", ["VI", "vinv"])
def test_a_long_parameter_goes_up_before_the_build_and_is_used_up_by_it(name, calls):
    index = HnswIndexWrapper(WIDE, "mahalanobis", {name: VINV.tolist()}, n_neighbors=5)
    assert calls() == {"put": 1, "build": 1}
    assert _values() == []
    true = oracle.distances(WIDE, WIDE, "mahalanobis", VI=VINV)
    indices, distances = index.query(WIDE, k=5)
    np.testing.assert_allclose(distances, np.take_along_axis(true, indices, 1), rtol=1e-4)
    assert oracle.recall(distances, true, 5) == 1


def test_a_short_parameter_is_in_the_header(calls):
    variances = np.arange(1, 49)
    index = HnswIndexWrapper(WIDE, "seuclidean", {"V": variances}, n_neighbors=5)
    assert calls() == {"build": 1}
    true = oracle.distances(WIDE, WIDE, "seuclidean", V=variances)
    assert oracle.recall(index.query(WIDE, k=5)[1], true, 5) == 1


def test_a_value_that_a_failed_build_left_is_freed():
    with pytest.raises(NonFinite):
        HnswIndexWrapper(WIDE * np.nan, "mahalanobis", {"VI": VINV})
    assert until(lambda: _values() == [])


WRONG_KWDS = {
    "a name of another metric": ("mahalanobis", {"V": VINV}, TypeError, "takes vinv"),
    "a name twice": ("mahalanobis", {"VI": VINV, "vinv": VINV}, TypeError, "twice"),
    "another shape": (
        "mahalanobis",
        {"VI": VINV[:, :9]},
        InvalidArgument,
        r"shape \(48, 48\), got",
    ),
    "a flat matrix": ("mahalanobis", {"VI": VINV.ravel()}, InvalidArgument, r"got \(2304,\)"),
    "too few": ("seuclidean", {"V": [1, 2]}, InvalidArgument, r"shape \(48,\), got \(2,\)"),
    "nan": ("seuclidean", {"sigma": WIDE[0] * np.nan}, NonFinite, "finite numbers only"),
    "text": ("wminkowski", {"w": "heavy"}, InvalidArgument, "real numbers"),
    "no number": ("minkowski", {"p": "three"}, InvalidArgument, "p must be a number"),
    "an infinite p": ("minkowski", {"p": np.inf}, InvalidArgument, "chebyshev"),
    "for a metric without": ("euclidean", {"p": 2}, TypeError, "takes none"),
}


@pytest.mark.parametrize(("metric", "kwds", "error", "said"), WRONG_KWDS.values(), ids=WRONG_KWDS)
def test_wrong_parameters_are_told_before_anything_is_sent(metric, kwds, error, said, calls):
    with pytest.raises(error, match=said):
        HnswIndexWrapper(WIDE, metric, kwds)
    assert calls() == {}


def test_pynndescents_own_word_to_sparse_metrics_is_understood():
    rows = sp.csr_matrix(WIDE * (WIDE > 0))
    expected = HnswIndexWrapper(rows, "correlation", n_neighbors=5, random_state=1)
    index = HnswIndexWrapper(rows, "correlation", {"n_features": 48}, 5, random_state=1)
    assert _same(index.query(rows), expected.query(rows))
    with pytest.raises(TypeError, match="no parameter 'n_features'"):
        HnswIndexWrapper(rows, "correlation", {"n_features": 47})


FORMS = {
    "dense": (gaussian(3000, 24), "euclidean"),
    "sparse": (sp.random(3000, 4000, 0.006, "csr", np.float32, 1), "cosine"),
    "bits": (np.random.RandomState(0).randint(0, 256, (3000, 24)).astype(np.uint8), "bit_hamming"),
}


@pytest.mark.parametrize(("rows", "metric"), FORMS.values(), ids=FORMS.keys())
def test_an_update_sends_the_changes_only(rows, metric, calls):
    index = HnswIndexWrapper(rows[:2000], metric, n_neighbors=4, random_state=1)
    ids = np.arange(0, 2000, 2)[::-1]
    calls()
    index.update(rows[2000:2100], rows[2000:], ids)
    index.update(rows[2100:2200])
    index.update(None, rows[:1], [-1])
    assert calls() == {"update": 3}, "1000 ids are still in the header"
    index.update(None, rows[np.r_[0:1001]], range(1001))
    assert calls() == {"put": 1, "update": 1}
    fresh = HnswIndexWrapper(index._raw_data, metric, n_neighbors=4, random_state=1)
    assert index._raw_data.shape == (2200, rows.shape[1])
    np.testing.assert_allclose(
        index.neighbor_graph[1], fresh.neighbor_graph[1], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(("rows", "metric"), FORMS.values(), ids=FORMS.keys())
def test_an_update_that_the_server_refuses_changes_nothing(rows, metric):
    index = HnswIndexWrapper(rows[:500], metric, n_neighbors=4, random_state=1)
    expected = (*index.neighbor_graph, *index.query(rows[:50]))
    stored = index._raw_data
    wrong = rows[:3].astype(np.float32)
    if sp.issparse(wrong):
        wrong.data[2] = np.nan
    else:
        wrong[2, 2] = np.nan
    for change in ((wrong, None, None), (None, wrong, [1, 2, 3]), (rows[:2], wrong, [1, 2, 3])):
        with pytest.raises(ValueError, match=r"finite|NaN|nan|whole numbers"):
            index.update(*change)
    assert index._raw_data is stored
    assert _same((*index.neighbor_graph, *index.query(rows[:50])), expected)


def test_sparse_rows_of_many_batches_arrive_and_a_bad_one_among_the_last_is_named():
    random, n, width = np.random.RandomState(3), 20_000, 1_000_000
    columns = random.randint(0, width, n * 100)  # 2 M entries, 16 MB.
    values = random.uniform(1, 2, n * 100).astype(np.float32)
    rows = sp.csr_matrix((values, columns, np.arange(n + 1) * 100), (n, width))
    rows.sum_duplicates()
    with hnsw_bridge.options(algorithm="exact"):
        index = HnswIndexWrapper(rows, "euclidean", n_neighbors=3)
    assert index.query(rows[[0, 9_999, 19_999]], k=1)[0].tolist() == [[0], [9_999], [19_999]]
    rows.data[-1] = np.inf
    with pytest.raises(NonFinite, match="19999"):
        HnswIndexWrapper(rows, "euclidean", n_neighbors=3)


def test_one_row_longer_than_a_batch_arrives():
    width = 700_000  # 5.6 MB of entries.
    rows = sp.csr_matrix(np.vstack([np.ones(width), np.arange(width)]), dtype=np.float32)
    index = HnswIndexWrapper(rows, "cosine", n_neighbors=1)
    indices, distances = index.query(rows, k=2)
    assert indices.tolist() == [[0, 1], [1, 0]]
    np.testing.assert_allclose(distances[:, 1], 1 - np.sqrt(3) / 2, rtol=1e-3)


def test_bits_of_many_batches_arrive():
    rows = np.random.RandomState(1).randint(0, 256, (9000, 1000)).astype(np.uint8)  # 9 MB.
    with hnsw_bridge.options(algorithm="exact"):
        index = HnswIndexWrapper(rows, "bit_hamming", n_neighbors=3)
    assert index.query(rows[[0, 5000, 8999]], k=1)[0].tolist() == [[0], [5000], [8999]]


def test_the_least_recall_of_a_graph_is_an_engine_option():
    rows = np.random.RandomState(2).normal(size=(50, 4)).astype(np.float32)
    assert HnswIndexWrapper(rows).engine_parameters["graph_recall"] == 0.99
    with hnsw_bridge.options(graph_recall=0.75):
        assert HnswIndexWrapper(rows).engine_parameters["graph_recall"] == 0.75
    with (
        hnsw_bridge.options(graph_recall=0.4),
        pytest.raises(ValueError, match=r"graphRecall is 0\.4"),
    ):
        HnswIndexWrapper(rows)
