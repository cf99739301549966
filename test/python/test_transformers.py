"""Neighbour graphs as scikit-learn transformers: contract checks 39 and 40."""

import inspect
import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.manifold import Isomap, trustworthiness
from sklearn.neighbors import KNeighborsTransformer as Stock
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import hnsw_bridge
import oracle
from datasets import digits, gaussian, iris, stored
from hnsw_bridge import HnswIndexWrapper, KNeighborsTransformer, PyNNDescentTransformer

BOTH = pytest.mark.parametrize("made", [PyNNDescentTransformer, KNeighborsTransformer])
ROWS = gaussian(300, 6)
QUERIES = gaussian(40, 6, seed=7)
K = 5
# fmt: off
OF_PYNNDESCENT = (
    "n_neighbors", "metric", "metric_kwds", "n_trees", "leaf_size", "search_epsilon",
    "pruning_degree_multiplier", "diversify_prob", "n_search_trees", "tree_init", "random_state",
    "n_jobs", "low_memory", "max_candidates", "n_iters", "early_termination_value",
    "parallel_batch_queries", "verbose",
)
# fmt: on


def _well_formed(graph, n_rows, n_columns, k):
    assert isinstance(graph, sparse.csr_matrix)
    assert (graph.shape, graph.dtype) == ((n_rows, n_columns), np.float32)
    assert graph.indices.dtype == np.int32
    np.testing.assert_array_equal(np.diff(graph.indptr), k)
    assert graph.indices.min() >= 0
    rows = graph.data.reshape(n_rows, k)
    assert (np.diff(rows, axis=1) >= 0).all()
    return graph.indices.reshape(n_rows, k), rows


@parametrize_with_checks(
    [PyNNDescentTransformer(n_neighbors=K), KNeighborsTransformer()],
    # scikit-learn skips the one check that needs SciPy's experimental array API by itself.
)
@pytest.mark.filterwarnings("ignore:n_neighbors is 5, but:UserWarning")
def test_contract_39_scikit_learns_own_checks(estimator, check):
    check(estimator)


@BOTH
def test_contract_39_every_path_gives_n_neighbors_plus_one_entries_and_the_row_itself_first(made):
    transformer = made(n_neighbors=K)
    fitted = transformer.fit_transform(ROWS)
    indices, distances = _well_formed(fitted, 300, 300, K + 1)
    np.testing.assert_array_equal(indices[:, 0], np.arange(300))
    np.testing.assert_array_equal(distances[:, 0], 0)
    true = oracle.nearest(oracle.distances(ROWS, ROWS), K + 1)[1]
    np.testing.assert_allclose(distances, true, atol=1e-5)
    for again in (transformer.transform(None), transformer.transform(ROWS.astype(np.float64))):
        assert (again != fitted).nnz == 0
    _, distances = _well_formed(transformer.transform(QUERIES), 40, 300, K + 1)
    true = oracle.nearest(oracle.distances(QUERIES, ROWS), K + 1)[1]
    np.testing.assert_allclose(distances, true, atol=1e-5)


@BOTH
def test_contract_39_fit_then_transform_of_nothing_works(made):
    transformer = made(n_neighbors=K).fit(ROWS)
    assert type(transformer).__name__ == made.__name__
    assert isinstance(transformer.index_, HnswIndexWrapper)
    assert transformer.n_samples_fit == transformer.n_samples_fit_ == 300
    _well_formed(transformer.transform(None), 300, 300, K + 1)


def test_contract_39_zeros_between_copies_are_stored():
    rows = np.repeat(ROWS[:30], 10, axis=0)
    graph = PyNNDescentTransformer(n_neighbors=K).fit_transform(rows)
    indices, distances = _well_formed(graph, 300, 300, K + 1)
    np.testing.assert_array_equal(indices[:, 0], np.arange(300))
    assert not distances.any()


@BOTH
def test_contract_39_clone_and_parameters(made):
    transformer = made(n_neighbors=7, random_state=3)
    again = clone(transformer)
    assert again.get_params() == transformer.get_params()
    assert not hasattr(again, "index_")


def test_contract_39_the_parameters_are_those_of_pynndescent_in_its_order():
    assert tuple(inspect.signature(PyNNDescentTransformer).parameters) == OF_PYNNDESCENT
    stock = inspect.signature(Stock).parameters
    ours = inspect.signature(KNeighborsTransformer).parameters
    assert {name: ours[name].default for name in stock} == {
        name: parameter.default for name, parameter in stock.items()
    }


@BOTH
def test_contract_39_isomap_pipeline(made):
    x = digits()[0][:500]
    pipeline = make_pipeline(
        made(n_neighbors=10), Isomap(n_neighbors=10, metric="precomputed", n_components=4)
    )
    embedded = pipeline.fit_transform(x)
    assert trustworthiness(x, embedded, n_neighbors=10) >= 0.9
    assert pipeline.transform(digits()[0][500:520]).shape == (20, 4)


@BOTH
@pytest.mark.parametrize("n", [1, 4, 5])
def test_contract_40_fewer_rows_than_neighbours_give_no_negative_column(made, n):
    with pytest.warns(UserWarning, match=f"n_neighbors is 5, but there are {n} rows"):
        graph = made(n_neighbors=K).fit_transform(ROWS[:n])
    indices, _ = _well_formed(graph, n, n, n)
    np.testing.assert_array_equal(indices[:, 0], np.arange(n))
    with pytest.warns(UserWarning, match="entries instead of 6"):
        _well_formed(made(n_neighbors=K).fit(ROWS[:n]).transform(QUERIES), 40, n, n)


@BOTH
def test_contract_40_exactly_enough_rows_need_no_warning(made):
    _well_formed(made(n_neighbors=K).fit_transform(ROWS[: K + 1]), K + 1, K + 1, K + 1)


@BOTH
def test_contract_39_what_is_not_fitted_says_so(made):
    with pytest.raises(NotFittedError):
        made().transform(QUERIES)


@BOTH
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_sparse_rows_give_the_graph_of_the_dense_ones(made, metric):
    dense = np.maximum(ROWS, 0) + np.eye(6, dtype=np.float32)[np.arange(300) % 6]
    transformer = made(n_neighbors=K, metric=metric)
    of_dense = transformer.fit_transform(dense)
    of_sparse = transformer.fit_transform(sparse.csr_matrix(dense))
    _well_formed(of_sparse, 300, 300, K + 1)
    np.testing.assert_allclose(of_sparse.data, of_dense.data, atol=1e-5)
    new = sparse.coo_matrix(np.maximum(QUERIES, 0))
    _well_formed(transformer.transform(new), 40, 300, K + 1)


@pytest.mark.parametrize(
    ("parameters", "metric", "kwds"),
    [
        ({}, "euclidean", {}),
        ({"p": 1}, "manhattan", {}),
        ({"p": np.inf}, "chebyshev", {}),
        ({"p": 3}, "minkowski", {"p": 3}),
        ({"metric": "cityblock"}, "manhattan", {}),
        ({"metric": "cosine"}, "cosine", {}),
    ],
)
def test_scikit_learns_metrics_mean_the_same_here(parameters, metric, kwds):
    ours = KNeighborsTransformer(**parameters).fit(ROWS)
    assert (ours.effective_metric_, ours.effective_metric_params_) == (metric, kwds)
    stock = Stock(**parameters).fit(ROWS)
    for graph, expected in (
        (ours.transform(None), stock.transform(ROWS)),
        (ours.transform(QUERIES), stock.transform(QUERIES)),
    ):
        np.testing.assert_allclose(graph.data, expected.data, atol=1e-5)
        assert (graph.indices == expected.indices).mean() >= 0.999


def test_connectivity_has_ones_as_in_scikit_learn():
    ours = KNeighborsTransformer(mode="connectivity").fit_transform(ROWS)
    stock = Stock(mode="connectivity").fit_transform(ROWS)
    assert (ours != stock).nnz == 0


@pytest.mark.parametrize(("algorithm", "forced"), [("brute", "exact"), ("hnsw", "approximate")])
def test_the_algorithm_can_be_forced(algorithm, forced):
    transformer = KNeighborsTransformer(algorithm=algorithm)
    transformer.fit_transform(ROWS)
    assert transformer.index_.plan["neighbor_graph"]["algorithm"] == forced


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"mode": "both"}, "mode must be one of distance, connectivity, got 'both'"),
        ({"algorithm": "fast"}, "algorithm must be one of auto, .* got 'fast'"),
        ({"metric": "precomputed"}, "metric"),
        ({"n_neighbors": 0}, "n_neighbors must be >= 1, got 0"),
        ({"n_jobs": 0}, "n_jobs"),
    ],
)
def test_bad_parameters_are_named_when_fitted(parameters, words):
    transformer = KNeighborsTransformer(**parameters)
    with pytest.raises(ValueError, match=words):
        transformer.fit(ROWS)


@BOTH
def test_a_fitted_transformer_pickles(made):
    transformer = made(n_neighbors=K).fit(iris())
    again = pickle.loads(pickle.dumps(transformer))
    assert (again.transform(None) != transformer.transform(None)).nnz == 0


def test_installed_everywhere_pynndescents_name_means_ours_unless_switched_off():
    import pynndescent

    real = pynndescent.PyNNDescentTransformer
    with hnsw_bridge.install(everywhere=True):
        assert pynndescent.PyNNDescentTransformer is PyNNDescentTransformer
    for mode, everywhere in (("off", True), ("on", False)):
        with hnsw_bridge.install(mode, everywhere=everywhere):
            assert pynndescent.PyNNDescentTransformer is real
    assert pynndescent.PyNNDescentTransformer is real is not PyNNDescentTransformer


def test_recall_on_rows_enough_for_the_graph_walk():
    rows = stored("letter")[:5000]
    with hnsw_bridge.options(algorithm="hnsw"):
        graph = PyNNDescentTransformer(n_neighbors=10, random_state=1).fit_transform(rows)
    _, distances = _well_formed(graph, 5000, 5000, 11)
    sample = np.random.RandomState(0).choice(5000, 500, replace=False)
    assert oracle.recall(distances[sample], oracle.distances(rows[sample], rows), 11) >= 0.98
