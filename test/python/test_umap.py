"""umap-learn on this engine: that it is reached, and that the embedding is as good as from exact
neighbours. Contract checks 41 to 47 where they apply.

umap searches without any index below 4096 rows, so these tests force it and assert the calls.
"""

import pickle

import numpy as np
import pytest
import umap
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier

import hnsw_bridge
import oracle
from datasets import digits, gaussian, iris, stored
from hnsw_bridge import HnswIndexWrapper
from hnsw_bridge.umap import UMAP

IRIS_TRUST = 0.97
LARGEST_TRUST_LOSS = 0.005
SEEDS = (1, 2, 3)


def _forced(cls=umap.UMAP, **kwds):
    return cls(
        **{"n_neighbors": 10, "random_state": 42, **kwds}, force_approximation_algorithm=True
    )


@pytest.fixture(scope="module")
def fitted():
    """UMAP on 120 of iris' rows, by the explicit import."""
    return _forced(UMAP).fit(iris()[:120])


@pytest.mark.parametrize("way", ["install", "import"])
def test_41_iris_is_embedded_by_this_engine(calls, way):
    if way == "install":
        hnsw_bridge.install()
    with hnsw_bridge.options(algorithm="hnsw"):
        model = _forced(UMAP if way == "import" else umap.UMAP).fit(iris())
    assert trustworthiness(iris(), model.embedding_, n_neighbors=10) >= IRIS_TRUST
    assert type(model._knn_search_index) is HnswIndexWrapper
    assert model._knn_search_index.plan["neighbor_graph"]["algorithm"] == "approximate"
    assert calls() == {"build": 1, "neighbor_graph": 1}


def test_41_transform_and_update_reach_the_engine(calls):
    model = _forced(UMAP).fit(iris()[:120])
    assert calls() == {"build": 1, "neighbor_graph": 1}
    assert model.transform(iris()[120:140]).shape == (20, 2)
    assert calls() == {"query": 1}
    model.update(iris()[120:140])
    assert calls() == {"update": 1, "neighbor_graph": 1}
    assert model.embedding_.shape == (140, 2)
    assert np.isfinite(model.embedding_).all()


def test_43_after_update_the_rows_are_in_their_order():
    model = _forced(UMAP).fit(iris()[:120])
    model.update(iris()[120:])
    np.testing.assert_array_equal(model._raw_data, iris())


def test_41_the_counting_subclass_is_called_once_each(monkeypatch):
    counts = {"made": 0, "query": 0, "update": 0}

    class Counting(HnswIndexWrapper):
        def __init__(self, *args, **kwargs):
            counts["made"] += 1
            super().__init__(*args, **kwargs)

        def query(self, *args, **kwargs):
            counts["query"] += 1
            return super().query(*args, **kwargs)

        def update(self, *args, **kwargs):
            counts["update"] += 1
            return super().update(*args, **kwargs)

    import pynndescent

    def refuse(*_, **__):
        raise AssertionError("PyNNDescent was called")

    monkeypatch.setattr(umap.umap_, "NNDescent", Counting)
    monkeypatch.setattr(pynndescent.NNDescent, "__init__", refuse)
    rows = gaussian(240, 5)
    model = _forced(n_epochs=20).fit(rows[:200])
    model.transform(rows[200:220])
    model.update(rows[220:])
    assert counts == {"made": 1, "query": 1, "update": 1}
    assert type(model._knn_search_index) is Counting


def test_41_unforced_small_data_reach_no_index(calls):
    with hnsw_bridge.install():
        umap.UMAP(n_neighbors=10, random_state=42, n_epochs=20).fit(iris())
    assert calls() == {}


def test_41_density_output_makes_an_index_of_the_embedding(calls):
    with hnsw_bridge.install():
        model = _forced(densmap=True, output_dens=True, n_epochs=30).fit(iris())
    assert calls() == {"build": 2, "neighbor_graph": 2}
    assert model.rad_emb_.shape == (150,)


def test_41_aligned_slices_are_each_indexed(calls):
    slices = [iris()[:100], iris()[50:150]]
    relation = {i + 50: i for i in range(50)}
    with hnsw_bridge.install():
        model = umap.AlignedUMAP(
            n_neighbors=10, n_epochs=20, random_state=1, force_approximation_algorithm=True
        ).fit(slices, relations=[relation])
    assert calls() == {"build": 2, "neighbor_graph": 2}
    assert [e.shape for e in model.embeddings_] == [(100, 2), (100, 2)]


@pytest.mark.parametrize(("metric", "epsilon"), [("euclidean", 0.12), ("cosine", 0.24)])
def test_42_the_effort_of_transform_depends_on_the_metric(monkeypatch, metric, epsilon):
    seen = []
    real = HnswIndexWrapper.query

    def query(self, *args, **kwargs):
        seen.append(kwargs["epsilon"])
        return real(self, *args, **kwargs)

    monkeypatch.setattr(HnswIndexWrapper, "query", query)
    model = _forced(UMAP, metric=metric, n_epochs=20).fit(iris()[:120])
    model.transform(iris()[120:])
    assert seen == [epsilon]


def test_44_a_precomputed_index_of_ours_is_accepted_and_transforms(recwarn):
    rows = iris()[:120]
    index = HnswIndexWrapper(rows, n_neighbors=10, random_state=42)
    with hnsw_bridge.install():
        model = umap.UMAP(
            n_neighbors=10, random_state=42, precomputed_knn=(*index.neighbor_graph, index)
        ).fit(rows)
        assert model.transform(iris()[120:]).shape == (30, 2)
    assert [str(w.message) for w in recwarn if "knn" in str(w.message)] == []


def _trust_from(rows, seed, neighbours):
    model = umap.UMAP(n_neighbors=10, random_state=seed, precomputed_knn=(*neighbours, None))
    with pytest.warns(UserWarning, match="not an NNDescent object"):
        return trustworthiness(rows, model.fit_transform(rows), n_neighbors=10)


def test_45_trust_is_that_of_exact_neighbours():
    rows = iris()
    true = oracle.distances(rows, rows)
    exact = oracle.nearest(true, 10)
    exact = exact[0].astype(np.int32), exact[1].astype(np.float32)
    difference = []
    for seed in SEEDS:
        with hnsw_bridge.options(algorithm="hnsw"):
            model = _forced(UMAP, random_state=seed).fit(rows)
        ours = trustworthiness(rows, model.embedding_, n_neighbors=10)
        difference.append(ours - _trust_from(rows, seed, exact))
    assert abs(np.mean(difference)) <= LARGEST_TRUST_LOSS, f"seeds {SEEDS}: {difference}"


def test_45_digits_are_embedded_and_new_ones_land_among_their_own():
    x, y = digits()
    with hnsw_bridge.options(algorithm="hnsw"):
        model = _forced(UMAP, n_neighbors=15, n_epochs=100).fit(x[:1500])
    assert trustworthiness(x[:1500], model.embedding_, n_neighbors=10) >= 0.97
    judge = KNeighborsClassifier(5).fit(model.embedding_, y[:1500])
    assert judge.score(model.transform(x[1500:]), y[1500:]) >= 0.85


def test_41_letter_is_large_enough_to_need_no_force(calls):
    x, y = stored("letter")[:6000], stored("letter", "y")[:6000]
    model = UMAP(n_neighbors=15, random_state=42, n_epochs=50, init="pca").fit(x)
    assert calls() == {"build": 1, "neighbor_graph": 1}
    assert type(model._knn_search_index) is HnswIndexWrapper
    judge = KNeighborsClassifier(5).fit(model.embedding_[::2], y[::2])
    assert judge.score(model.embedding_[1::2], y[1::2]) >= 0.6


def test_46_a_fitted_model_pickles_and_transforms_in_a_new_process(fitted, tmp_path, run_program):
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    np.save(tmp_path / "new.npy", iris()[120:])
    done = run_program("load_and_transform.py", str(tmp_path))
    assert done.stdout.split() == ["UMAP", "HnswIndexWrapper", "(30,", "2)"]


def test_the_model_is_a_umap_with_its_parameters(fitted):
    from sklearn.base import clone

    assert isinstance(fitted, umap.UMAP)
    again = clone(fitted)
    assert type(again) is UMAP
    assert again.get_params() == fitted.get_params()


def test_umaps_own_random_stream_is_untouched_by_who_answers():
    ours, stock = np.random.RandomState(3), np.random.RandomState(3)
    HnswIndexWrapper(iris(), n_neighbors=10, random_state=ours)
    stock.randint(-2147483647, 2147483646, 6)
    stock.randint(0, 2**62, dtype=np.int64)
    assert ours.randint(2**31) == stock.randint(2**31)


@pytest.mark.parametrize("metric", ["cosine", "correlation"])
def test_47_the_edges_umap_removes_are_those_of_exact_distances(metric):
    rows = np.vstack([gaussian(60, 3), -gaussian(60, 3)])
    _, distances = HnswIndexWrapper(rows, metric, n_neighbors=119).neighbor_graph
    _, true = oracle.nearest(oracle.distances(rows, rows, metric), 119)
    limit = 2  # umap's disconnection distance of both metrics.
    assert (distances >= limit).sum() == (true.astype(np.float32) >= limit).sum()
