"""openTSNE on this engine: as an index of ours, and by the name it looks up."""

import numpy as np
import openTSNE
import pytest
from sklearn.neighbors import KNeighborsClassifier

import hnsw_bridge
import oracle
from datasets import digits
from hnsw_bridge import HnswIndexWrapper
from hnsw_bridge.opentsne import KNNIndex

PERPLEXITY = 10
X, Y = digits()


def _embed(neighbors, rows):
    tsne = openTSNE.TSNE(
        perplexity=PERPLEXITY,
        neighbors=neighbors,
        early_exaggeration_iter=80,
        n_iter=120,
        random_state=1,
        n_jobs=2,
    )
    return tsne.fit(rows)


def test_a_real_run_separates_digits_and_places_new_ones(calls):
    index = KNNIndex(X[:1500], k=3 * PERPLEXITY, random_state=1, n_jobs=-1)
    embedding = _embed(index, X[:1500])
    assert type(index.index) is HnswIndexWrapper
    assert calls() == {"build": 1, "neighbor_graph": 1}
    judge = KNeighborsClassifier(5).fit(embedding, Y[:1500])
    placed = embedding.transform(X[1500:])
    assert calls() == {"query": 1}
    assert judge.score(placed, Y[1500:]) >= 0.85


def test_build_and_query_leave_the_row_itself_out():
    index = KNNIndex(X[:400], k=12, metric="cosine")
    indices, distances = index.build()
    assert indices.shape == distances.shape == (400, 12)
    assert not (indices == np.arange(400)[:, None]).any()
    true = oracle.distances(X[:400], X[:400], "cosine")
    np.fill_diagonal(true, np.inf)
    np.testing.assert_allclose(distances, oracle.nearest(true, 12)[1], atol=1e-5)
    found, _ = index.query(X[400:410], 7)
    assert found.shape == (10, 7)


def test_it_is_an_index_of_its_with_its_checks():
    assert issubclass(KNNIndex, openTSNE.nearest_neighbors.KNNIndex)
    with pytest.raises(ValueError, match="less than the number of rows, 20, got 30"):
        KNNIndex(X[:20], k=30).build()
    with pytest.raises(ValueError, match="metric"):
        KNNIndex(X[:20], k=5, metric="no such metric").build()


def test_its_own_pynndescent_method_is_answered_when_installed_everywhere(calls):
    with hnsw_bridge.install(everywhere=True):
        index = openTSNE.nearest_neighbors.NNDescent(X[:300], k=20, random_state=1)
        indices, distances = index.build()
    assert calls() == {"build": 1, "neighbor_graph": 1, "query": 1}
    assert indices.shape == (300, 20)
    true = oracle.distances(X[:300], X[:300])
    np.testing.assert_allclose(distances, oracle.nearest(true, 21)[1][:, 1:], rtol=1e-4)
