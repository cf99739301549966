"""Contract checks 1 to 3: what the constructor takes, shows and refuses."""

import inspect

import numpy as np
import pytest

from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper, InvalidArgument, UnknownMetric
from sides import COMPILES, cases, is_ours, ours_only

ROWS = gaussian(60, 4)
PARAMETERS = {
    "data": inspect.Parameter.empty,
    "metric": "euclidean",
    "metric_kwds": None,
    "n_neighbors": 30,
    "n_trees": None,
    "leaf_size": None,
    "pruning_degree_multiplier": 1.5,
    "diversify_prob": 1.0,
    "diversify_method": "standard",
    "degree_prune_aggressiveness": 1.0,
    "n_search_trees": None,
    "search_tree_leaf_size": None,
    "max_search_tree_depth": None,
    "quantization": None,
    "tree_init": True,
    "init_graph": None,
    "init_dist": None,
    "random_state": None,
    "low_memory": True,
    "max_candidates": None,
    "max_rptree_depth": 200,
    "n_iters": None,
    "delta": 0.001,
    "n_jobs": None,
    "compressed": False,
    "parallel_batch_queries": False,
    "verbose": False,
    "bit_metric": False,
    "angular_trees": False,
    "search_tree_leaf_budget": 1,
}
IGNORED = {
    "leaf_size": 40,
    "pruning_degree_multiplier": 2.0,
    "diversify_prob": 0.5,
    "diversify_method": "degree_aware",
    "degree_prune_aggressiveness": 0.0,
    "search_tree_leaf_size": 20,
    "max_search_tree_depth": 50,
    "tree_init": False,
    "low_memory": False,
    "max_rptree_depth": 100,
    "delta": 0.1,
    "parallel_batch_queries": True,
    "bit_metric": True,
    "angular_trees": True,
    "search_tree_leaf_budget": 4,
}


def test_contract_01_the_parameters_have_their_names_order_and_defaults(index_class):
    signature = inspect.signature(index_class.__init__)
    given = [(p.name, p.default) for p in signature.parameters.values() if p.name != "self"]
    assert given == list(PARAMETERS.items())


def test_contract_01_the_first_four_are_taken_by_position(index_class):
    index = index_class(ROWS, "minkowski", {"p": 3}, 7)
    assert (index.metric, index.metric_kwds, index.n_neighbors) == ("minkowski", {"p": 3}, 7)
    assert index.neighbor_graph[0].shape == (60, 7)


@pytest.mark.parametrize(("name", "value"), IGNORED.items())
def test_contract_02_an_ignored_parameter_is_an_attribute(index_class, name, value):
    index = index_class(ROWS, **{name: value})
    shown = "prune_degree_multiplier" if name == "pruning_degree_multiplier" else name
    assert getattr(index, shown) == value


def test_contract_02_every_parameter_is_a_writable_attribute(index_class):
    index = index_class(ROWS)
    consumed = {"init_graph", "init_dist"} if not is_ours(index_class) else set()
    for name in set(PARAMETERS) - {"data", "pruning_degree_multiplier"} - consumed:
        setattr(index, name, getattr(index, name))


def test_contract_02_the_attributes_that_others_read_are_there(index_class):
    index = index_class(ROWS, n_trees=9, random_state=7)
    assert (index.dim, index.n_trees, index.n_trees_after_update) == (4, 9, 3)
    assert (index._is_sparse, index._angular_trees) == (False, False)
    assert np.shape(index.rng_state) == np.shape(index.search_rng_state) == (3,)
    assert index._raw_data.dtype == np.float32


@ours_only("None by default since 0.7; 1 is what scanpy's ingest hands on")
def test_contract_02_n_search_trees_is_one_by_default(index_class):
    assert index_class(ROWS).n_search_trees == 1


@pytest.mark.parametrize(("n", "trees", "iters"), [(1, 3, 5), (60, 4, 6), (1000, 6, 10)])
@pytest.mark.filterwarnings("ignore:Failed to correctly find n_neighbors")
def test_contract_02_the_default_effort_shown_is_pynndescents(index_class, n, trees, iters):
    index = index_class(gaussian(n, 3), n_neighbors=1)
    assert (index.n_trees, index.n_iters) == (trees, iters)


def test_contract_02_n_search_trees_is_deprecated(index_class):
    with pytest.warns(FutureWarning, match="n_search_trees no longer has any effect") as caught:
        index = index_class(ROWS, n_search_trees=2)
    assert index.n_search_trees == 2
    if is_ours(index_class):
        assert caught[0].filename == __file__


def test_contract_02_an_unknown_keyword_is_a_type_error(index_class):
    with pytest.raises(TypeError, match="unexpected keyword argument 'leafsize'"):
        index_class(ROWS, leafsize=3)
    with pytest.raises(TypeError, match="data"):
        index_class()


_OTHER_ERROR = ours_only("another kind of error, or none, upstream")
BAD = {
    "no metric": {"metric": None},
    "unknown metric": {"metric": "euclidian"},
    "metric of another kind": {"metric": 3},
    "one-dimensional": ({"data": np.arange(5.0)}, _OTHER_ERROR),
    "three-dimensional": {"data": np.zeros((3, 3, 3))},
    "no rows": ({"data": np.zeros((0, 4))}, _OTHER_ERROR),
    "no columns": {"data": np.zeros((4, 0))},
    "ragged": ({"data": [[1.0, 2.0], [3.0]]}, _OTHER_ERROR),
    "NaN": {"data": np.array([[0.0, np.nan], [1.0, 1.0]])},
    "infinity": {"data": np.array([[0.0, 1.0], [-np.inf, 1.0]])},
    "beyond float32": {"data": np.array([[0.0, 1e39], [1.0, 1.0]])},
    "text": {"data": np.array([["a", "b"], ["c", "d"]])},
    "a list of text": ({"data": [["a", "b"], ["c", "d"]]}, _OTHER_ERROR),
    "objects": ({"data": np.array([[object(), 1], [2, 3]], dtype=object)}, _OTHER_ERROR),
    "complex": ({"data": np.ones((3, 3), dtype=complex)}, _OTHER_ERROR),
    "None as data": ({"data": None}, _OTHER_ERROR),
    "no neighbours": ({"n_neighbors": 0}, _OTHER_ERROR),
    "negative neighbours": ({"n_neighbors": -1}, _OTHER_ERROR),
    "fractional neighbours": ({"n_neighbors": 2.5}, _OTHER_ERROR),
    "no jobs": {"n_jobs": 0},
    "jobs below -1": {"n_jobs": -2},
    "a fraction of a job": ({"n_jobs": 1.5}, _OTHER_ERROR),
    "leaf budget": {"search_tree_leaf_budget": 0},
    "quantization": ({"quantization": "float8"}, _OTHER_ERROR),
    "quantization for another metric": (
        {"quantization": "int8", "metric": "euclidean"},
        _OTHER_ERROR,
    ),
    "random state": {"random_state": "seed"},
    "p below 0": ({"metric": "minkowski", "metric_kwds": {"p": -1}}, _OTHER_ERROR),
    "p of 0": ({"metric": "minkowski", "metric_kwds": {"p": 0}}, _OTHER_ERROR),
    "p no number": ({"metric": "minkowski", "metric_kwds": {"p": "three"}}, _OTHER_ERROR),
    "init_graph rows": {"init_graph": np.zeros((3, 5), int)},
    "init_dist shape": {"init_graph": np.zeros((60, 5), int), "init_dist": np.zeros((60, 4))},
}


@pytest.mark.parametrize("bad", cases(BAD))
def test_contract_03_bad_input_is_a_value_error(index_class, bad):
    with pytest.raises(ValueError, match=r"\S") as caught:
        index_class(**{"data": ROWS, **bad})
    if is_ours(index_class):
        assert caught.value.code.startswith("ERR_")


@pytest.mark.parametrize(
    ("metric", "kwds", "seen"),
    [
        ("seuclidean", {"sigma": np.ones(3)}, "sigma"),
        ("seuclidean", {"sigma": np.zeros(4)}, "sigma"),
        ("mahalanobis", {"vinv": np.eye(3)}, "vinv"),
        ("mahalanobis", {"vinv": np.full((4, 4), np.nan)}, "vinv"),
        ("wminkowski", {"w": [1, 2, 3], "p": 3}, "w"),
        ("wminkowski", {"w": [1, 2, 3, -4], "p": 3}, "w"),
        ("kantorovich", {"cost": np.ones((4, 3))}, "cost"),
        ("haversine", {}, "2"),
    ],
)
@ours_only("wrong parameters give wrong distances or errors from compiled code upstream")
def test_contract_03_a_metrics_parameters_that_do_not_fit_the_rows_are_value_errors(
    index_class, metric, kwds, seen
):
    with pytest.raises(ValueError, match=seen):
        index_class(np.abs(ROWS) + 1, metric, kwds, 5)


def test_contract_03_an_unknown_metric_is_named_with_what_is_allowed():
    with pytest.raises(UnknownMetric, match=r"one of .*euclidean.*, got 'euclidian'"):
        HnswIndexWrapper(ROWS, metric="euclidian")


def test_contract_03_a_non_finite_value_is_named_by_row_and_column():
    rows = gaussian(600, 700).copy()
    rows[417, 23] = np.nan
    with pytest.raises(ValueError, match=r"417.*23"):
        HnswIndexWrapper(rows)


def test_contract_03_after_bad_input_the_server_answers_on(calls):
    with pytest.raises(ValueError, match=r"nan|finite|NaN"):
        HnswIndexWrapper([[np.nan]])
    assert HnswIndexWrapper(ROWS).query(ROWS[:1], k=1)[0].tolist() == [[0]]
    assert calls() == {"build": 2, "query": 1}


@ours_only("lists are an AttributeError upstream")
def test_contract_03_a_list_of_rows_is_accepted(index_class):
    expected = index_class(ROWS, n_neighbors=5).neighbor_graph
    found = index_class(ROWS.tolist(), n_neighbors=5).neighbor_graph
    np.testing.assert_array_equal(found[0], expected[0])


@ours_only("metric_kwds go by position upstream, whatever their names are")
def test_contract_35_metric_keywords_go_by_name(index_class):
    with pytest.raises(TypeError, match=r"'minkowski' has no parameter 'zz'; it takes p"):
        index_class(ROWS, metric="minkowski", metric_kwds={"zz": 3})
    with pytest.raises(TypeError, match="'euclidean' has no parameter 'p'; it takes none"):
        index_class(ROWS, metric="euclidean", metric_kwds={"p": 3})


@ours_only(COMPILES)
@pytest.mark.parametrize(
    ("metric", "kwds", "same"),
    [
        ("seuclidean", {"sigma": [1, 2, 3, 4]}, {"V": [1, 2, 3, 4]}),
        ("mahalanobis", {"vinv": np.diag([1, 2, 3, 4])}, {"VI": np.diag([1, 2, 3, 4])}),
        ("wminkowski", {"w": [1, 2, 3, 4], "p": 3}, {"p": 3, "w": np.array([1.0, 2, 3, 4])}),
    ],
)
def test_contract_35_scipys_names_and_any_order_do_too(index_class, metric, kwds, same):
    graphs = [index_class(ROWS, metric, given, 5).neighbor_graph for given in (kwds, same)]
    np.testing.assert_array_equal(graphs[0][1], graphs[1][1])
    np.testing.assert_array_equal(graphs[0][0], graphs[1][0])


@ours_only("p = inf gives NaN upstream")
def test_contract_35_an_infinite_p_is_refused_and_its_metric_named(index_class):
    with pytest.raises(InvalidArgument, match=r"p must be finite, got inf .* 'chebyshev'"):
        index_class(ROWS, "minkowski", {"p": np.inf})


def test_n_neighbors_may_be_a_numpy_integer():
    index = HnswIndexWrapper(ROWS, n_neighbors=np.int64(5))
    assert type(index.n_neighbors) is int


def test_an_index_is_of_the_class_that_was_called():
    assert type(HnswIndexWrapper(ROWS)) is HnswIndexWrapper
    assert issubclass(InvalidArgument, ValueError)
