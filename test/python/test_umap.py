"""umap-learn on this engine: that it is reached, and that the embedding is as good as from exact
neighbours. Contract checks 41 to 47.

umap searches without any index below 4096 rows, so these tests force it and assert the calls.
"""

import copy
import hashlib
import json
import os
import pickle
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import joblib
import numpy as np
import pytest
import umap
from scipy import sparse
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
PROGRAMS = Path(__file__).parent / "programs"


def _forced(cls=umap.UMAP, **kwds):
    return cls(
        **{"n_neighbors": 10, "random_state": 42, **kwds}, force_approximation_algorithm=True
    )


@pytest.fixture(scope="module")
def fitted():
    """UMAP on 120 of iris' rows, by the explicit import."""
    return _forced(UMAP).fit(iris()[:120])


@pytest.fixture
def recorded(monkeypatch):
    """Every index made, as (class of rows, shape, keywords), while ours stands in umap."""
    made = []

    class Recording(HnswIndexWrapper):
        def __init__(self, data, **kwargs):
            made.append((type(data).__name__, data.shape, kwargs))
            super().__init__(data, **kwargs)

    monkeypatch.setattr(umap.umap_, "NNDescent", Recording)
    return made


@pytest.mark.parametrize("way", ["install", "import"])
def test_contract_41_iris_is_embedded_by_this_engine(calls, way):
    if way == "install":
        hnsw_bridge.install()
    with hnsw_bridge.options(algorithm="hnsw"):
        model = _forced(UMAP if way == "import" else umap.UMAP).fit(iris())
    assert trustworthiness(iris(), model.embedding_, n_neighbors=10) >= IRIS_TRUST
    assert type(model._knn_search_index) is HnswIndexWrapper
    assert model._knn_search_index.plan["neighbor_graph"]["algorithm"] == "approximate"
    assert calls() == {"build": 1, "neighbor_graph": 1}


def test_contract_41_transform_and_update_reach_the_engine(calls):
    model = _forced(UMAP).fit(iris()[:120])
    assert calls() == {"build": 1, "neighbor_graph": 1}
    assert model.transform(iris()[120:140]).shape == (20, 2)
    assert calls() == {"query": 1}
    model.update(iris()[120:140])
    assert calls() == {"update": 1, "neighbor_graph": 1}
    assert model.embedding_.shape == (140, 2)
    assert np.isfinite(model.embedding_).all()


def test_contract_43_after_update_the_rows_are_in_their_order():
    model = _forced(UMAP).fit(iris()[:120])
    model.update(iris()[120:])
    np.testing.assert_array_equal(model._raw_data, iris())


def test_contract_41_the_counting_subclass_is_called_once_each(monkeypatch):
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


# What each of umap's ways asks of an index; the others compare all pairs themselves.
FIT = {"build": 1, "neighbor_graph": 1}
WAYS = {
    "small fit": {},
    "small transform": {},
    "small update": {},
    "inverse transform": {},
    "precomputed distances": {},
    "forced fit": FIT,
    "forced transform": {**FIT, "query": 1},
    "transform of the fitted rows": FIT,
    "forced update": {"build": 1, "neighbor_graph": 2, "prepare": 1, "update": 1},
    "update beyond 4096 rows": FIT,
    "density output": FIT,  # Of the embedding; the rows themselves are few.
    "densmap with density output": {"build": 2, "neighbor_graph": 2},
    "unique rows": FIT,
    "aligned": {"build": 2, "neighbor_graph": 2},
    "aligned small": {},
    "classes": FIT,
    "numbers": {"build": 2, "neighbor_graph": 2},
}


@pytest.fixture(scope="module")
def ways():
    """The calls of each way, from a process that does not compile umap's rarer functions."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / "paths_of_umap.py")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("way", WAYS)
def test_contract_41_every_way_of_umap_reaches_the_engine_as_often_as_pynndescent(ways, way):
    assert ways[way] == {**WAYS[way], "finite": True}


def test_contract_41_all_ways_are_looked_at(ways):
    assert set(ways) == set(WAYS)


@pytest.mark.parametrize("seed", [None, 7])
def test_contract_41_the_keywords_umap_gives(recorded, seed):
    _forced(random_state=seed, n_neighbors=12, n_epochs=5).fit(iris())
    ((_, shape, keywords),) = recorded
    assert isinstance(keywords.pop("random_state"), np.random.RandomState | type(np.random))
    assert (shape, keywords) == (
        (150, 4),
        {
            "n_neighbors": 12,
            "metric": "euclidean",
            "metric_kwds": {},
            "n_trees": 6,
            "n_iters": 7,
            "max_candidates": 60,
            "low_memory": True,
            "n_jobs": -1 if seed is None else 1,
            "verbose": False,
            "compressed": False,
        },
    )


def test_contract_41_classes_pull_their_own_together():
    x, y = iris(), np.repeat([0, 1, 2], 50)
    with hnsw_bridge.install():
        by_class, plain = (_forced(n_epochs=100).fit(x, labels).embedding_ for labels in (y, None))
    judge = KNeighborsClassifier(5)
    score = judge.fit(by_class, y).score(by_class, y)
    assert score >= max(0.97, judge.fit(plain, y).score(plain, y))


def test_contract_41_a_fuzzy_set_without_neighbours_is_always_searched_for(recorded):
    graph, *_ = umap.umap_.fuzzy_simplicial_set(iris(), 10, np.random.RandomState(0), "euclidean")
    assert [shape for _, shape, _ in recorded] == [(150, 4)]
    assert graph.shape == (150, 150)


def test_contract_41_more_neighbours_than_rows_can_be_asked_for(calls):
    model = _forced(UMAP, n_neighbors=15, n_epochs=20, init="random")
    with pytest.warns(UserWarning, match="larger than the dataset size"):
        model.fit(iris()[::15])
    placed = model.transform(iris()[1:4])
    assert calls() == {"build": 1, "neighbor_graph": 1, "query": 1}
    assert np.isfinite(placed).all()


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "hellinger"])
def test_contract_41_sparse_rows_are_fitted_and_transformed(recorded, metric):
    rows = sparse.csr_matrix(
        tuple(stored("newsgroups_pcmac", key) for key in ("data", "indices", "indptr")),
        shape=(1943, 3289),
    )[:600]
    model = _forced(metric=metric, n_epochs=20).fit(rows[:500])
    ((kind, shape, _),) = recorded
    assert (kind, shape) == ("csr_matrix", (500, 3289))
    assert isinstance(model._knn_search_index, HnswIndexWrapper)
    assert model._knn_search_index._is_sparse
    assert np.isfinite(model.transform(rows[500:])).all()
    model.update(rows[500:])  # PyNNDescent cannot.
    assert (model._raw_data != rows).nnz == 0
    assert np.isfinite(model.embedding_).all()
    assert model.embedding_.shape == (600, 2)


@pytest.mark.parametrize(("metric", "epsilon"), [("euclidean", 0.12), ("cosine", 0.24)])
def test_contract_42_the_effort_of_transform_depends_on_the_metric(monkeypatch, metric, epsilon):
    seen = []
    real = HnswIndexWrapper.query

    def query(self, *args, **kwargs):
        seen.append(kwargs["epsilon"])
        return real(self, *args, **kwargs)

    monkeypatch.setattr(HnswIndexWrapper, "query", query)
    model = _forced(UMAP, metric=metric, n_epochs=20).fit(iris()[:120])
    model.transform(iris()[120:])
    assert seen == [epsilon]


def test_contract_44_a_precomputed_index_of_ours_is_accepted_and_transforms(recwarn):
    rows = iris()[:120]
    index = HnswIndexWrapper(rows, n_neighbors=10, random_state=42)
    with hnsw_bridge.install():
        model = umap.UMAP(
            n_neighbors=10, random_state=42, precomputed_knn=(*index.neighbor_graph, index)
        ).fit(rows)
        assert model.transform(iris()[120:]).shape == (30, 2)
    assert [str(w.message) for w in recwarn if "knn" in str(w.message)] == []


def test_contract_41_packed_bits_are_fitted_and_transformed(recorded):
    rows = np.random.RandomState(0).randint(256, size=(150, 6)).astype(np.uint8)
    model = _forced(metric="bit_hamming", n_epochs=20)
    with pytest.warns(UserWarning, match="inverse_transform"):
        model.fit(rows[:120])
    assert np.isfinite(model.transform(rows[120:])).all()
    ((_, shape, keywords),) = recorded
    assert (shape, keywords["metric"]) == ((120, 6), "bit_hamming")
    bits = np.unpackbits(rows, axis=1)
    true = oracle.nearest(oracle.distances(bits, bits, "hamming")[:120, :120] * 48, 10)[1]
    np.testing.assert_allclose(model._knn_dists, true)


def test_contract_41_a_metric_that_only_umap_has_is_scanned_exactly(recorded):
    rows = 0.1 * iris()[:60]
    model = _forced(metric="poincare", n_epochs=20, init="random")
    with pytest.warns(UserWarning, match="inverse_transform"):
        model.fit(rows)
    assert callable(recorded[0][2]["metric"])
    assert isinstance(model._knn_search_index, HnswIndexWrapper)
    wide = rows.astype(np.float64)
    inside = 1 - (wide**2).sum(axis=1)
    true = np.arccosh(
        1 + 2 * oracle.distances(wide, wide, "sqeuclidean") / np.outer(inside, inside)
    )
    np.testing.assert_allclose(model._knn_dists, oracle.nearest(true, 10)[1], atol=1e-3)


def test_contract_44_umap_refuses_or_ignores_what_does_not_fit():
    rows = iris()[:120]
    index = HnswIndexWrapper(rows, n_neighbors=10, random_state=42)
    indices, distances = index.neighbor_graph
    for wrong in ((indices.tolist(), distances, index), (indices[:, :5], distances, index)):
        with pytest.raises(ValueError, match="precomputed_knn"):
            umap.UMAP(n_neighbors=10, precomputed_knn=wrong).fit(rows)
    with hnsw_bridge.install(), pytest.warns(UserWarning, match="lower number of neighbors"):
        umap.UMAP(n_neighbors=15, n_epochs=5, precomputed_knn=(indices, distances, index)).fit(rows)


def _trust_from(rows, seed, neighbours):
    model = umap.UMAP(n_neighbors=10, random_state=seed, precomputed_knn=(*neighbours, None))
    with pytest.warns(UserWarning, match="not an NNDescent object"):
        return trustworthiness(rows, model.fit_transform(rows), n_neighbors=10)


def test_contract_45_trust_is_that_of_exact_neighbours():
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


def test_contract_45_digits_are_embedded_and_new_ones_land_among_their_own():
    x, y = digits()
    with hnsw_bridge.options(algorithm="hnsw"):
        model = _forced(UMAP, n_neighbors=15, n_epochs=100).fit(x[:1500])
    assert trustworthiness(x[:1500], model.embedding_, n_neighbors=10) >= 0.97
    judge = KNeighborsClassifier(5).fit(model.embedding_, y[:1500])
    assert judge.score(model.transform(x[1500:]), y[1500:]) >= 0.85


def test_contract_41_letter_is_large_enough_to_need_no_force(calls):
    x, y = stored("letter")[:6000], stored("letter", "y")[:6000]
    model = UMAP(n_neighbors=15, random_state=42, n_epochs=50, init="pca").fit(x)
    assert calls() == {"build": 1, "neighbor_graph": 1}
    assert type(model._knn_search_index) is HnswIndexWrapper
    judge = KNeighborsClassifier(5).fit(model.embedding_[::2], y[::2])
    assert judge.score(model.embedding_[1::2], y[1::2]) >= 0.6


def test_contract_46_a_fitted_model_pickles_and_transforms_in_a_new_process(
    fitted, tmp_path, run_program
):
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    np.save(tmp_path / "new.npy", iris()[120:])
    done = run_program("load_and_transform.py", str(tmp_path), NUMBA_DISABLE_JIT="1")
    found = fitted._knn_search_index.query(iris()[120:], k=5)
    assert done.stdout.splitlines() == [
        "UMAP HnswIndexWrapper (30, 2)",
        hashlib.sha256(b"".join(array.tobytes() for array in found)).hexdigest(),
        "{'build': 1, 'attach': 1, 'neighbor_graph': 0, 'prepare': 0, 'query': 2}",
        "built: 0",
    ]


def _by_joblib(model):
    with BytesIO() as file:
        joblib.dump(model, file)
        file.seek(0)
        return joblib.load(file)


@pytest.mark.parametrize("server", ["the same", "another"])
def test_copies_of_a_fitted_model_transform_equally_and_search_nothing_anew(server, calls):
    with hnsw_bridge.options(algorithm="hnsw"):
        model = _forced(UMAP).fit(iris()[:120])
    expected = model.transform(iris()[120:])
    stored = pickle.dumps(model)
    copies = [pickle.loads(stored), copy.deepcopy(model), _by_joblib(model)]
    if server == "another":
        hnsw_bridge.shutdown()
    calls()
    for again in copies:
        np.testing.assert_array_equal(again.embedding_, model.embedding_)
        np.testing.assert_array_equal(again.transform(iris()[120:]), expected)
        assert calls() == {"build": 1, "put": 1, "attach": 1, "query": 1}
        assert again._knn_search_index.stats()["search_builds"] == 0


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
def test_contract_47_the_edges_umap_removes_are_those_of_exact_distances(metric):
    rows = np.vstack([gaussian(60, 3), -gaussian(60, 3)])
    _, distances = HnswIndexWrapper(rows, metric, n_neighbors=119).neighbor_graph
    _, true = oracle.nearest(oracle.distances(rows, rows, metric), 119)
    limit = 2  # umap's disconnection distance of both metrics.
    assert (distances >= limit).sum() == (true.astype(np.float32) >= limit).sum()


def test_contract_47_disjoint_sets_lose_their_edges_as_with_exact_distances():
    rows = (np.random.RandomState(0).uniform(size=(120, 40)) < 0.04).astype(np.float32)
    with hnsw_bridge.install(), pytest.warns(UserWarning, match="inverse_transform"):
        model = _forced(metric="jaccard", n_neighbors=60, n_epochs=5, init="random").fit(rows)
    assert isinstance(model._knn_search_index, HnswIndexWrapper)
    true = oracle.nearest(oracle.distances(rows != 0, rows != 0, "jaccard"), 60)[1]
    assert (true >= 1).sum() == (model._knn_indices == -1).sum() > 0


def test_umap_fits_without_pynndescent(run_program):
    lines = run_program("fit_without_pynndescent.py", NUMBA_DISABLE_JIT="1").stdout.splitlines()
    assert lines == [
        "without: No module named 'pynndescent'",
        "fit: (150, 2) HnswIndexWrapper",
        "transform: (50, 2)",
        "after uninstall: HnswIndexWrapper",
    ]
