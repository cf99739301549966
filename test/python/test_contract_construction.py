"""Contract checks 1 to 7 and 35: what the constructor takes, shows, refuses and leaves alone."""

import inspect
import warnings

import numpy as np
import pytest

from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper, InvalidArgument, UnknownMetric

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


def test_01_the_parameters_have_pynndescents_names_order_and_defaults():
    signature = inspect.signature(HnswIndexWrapper.__init__)
    given = [(p.name, p.default) for p in signature.parameters.values() if p.name != "self"]
    assert given == list(PARAMETERS.items())


def test_01_the_first_four_are_taken_by_position():
    index = HnswIndexWrapper(ROWS, "minkowski", {"p": 3}, 7)
    assert (index.metric, index.metric_kwds, index.n_neighbors) == ("minkowski", {"p": 3}, 7)
    assert index.neighbor_graph[0].shape == (60, 7)


@pytest.mark.parametrize(("name", "value"), IGNORED.items())
def test_02_an_ignored_parameter_is_an_attribute(name, value):
    index = HnswIndexWrapper(ROWS, **{name: value})
    shown = "prune_degree_multiplier" if name == "pruning_degree_multiplier" else name
    assert getattr(index, shown) == value


def test_02_every_parameter_is_a_writable_attribute():
    index = HnswIndexWrapper(ROWS)
    for name in set(PARAMETERS) - {"data", "pruning_degree_multiplier"}:
        setattr(index, name, getattr(index, name))


def test_02_the_attributes_that_others_read_are_there():
    index = HnswIndexWrapper(ROWS, n_trees=9, random_state=7)
    assert (index.dim, index.n_trees, index.n_trees_after_update) == (4, 9, 3)
    assert (index._is_sparse, index._angular_trees, index.n_search_trees) == (False, False, 1)
    assert index.rng_state.shape == index.search_rng_state.shape == (3,)
    assert index._raw_data.dtype == np.float32


@pytest.mark.parametrize(("n", "trees", "iters"), [(1, 3, 5), (60, 4, 6), (1000, 6, 10)])
def test_02_the_default_effort_shown_is_pynndescents(n, trees, iters):
    index = HnswIndexWrapper(gaussian(n, 3), n_neighbors=1) if n > 1 else _one_row()
    assert (index.n_trees, index.n_iters) == (trees, iters)


def _one_row():
    with pytest.warns(UserWarning, match="Failed to correctly find n_neighbors"):
        return HnswIndexWrapper([[1.0, 2.0]], n_neighbors=1)


def test_02_n_search_trees_is_deprecated():
    with pytest.warns(FutureWarning, match="n_search_trees no longer has any effect") as caught:
        index = HnswIndexWrapper(ROWS, n_search_trees=2)
    assert caught[0].filename == __file__
    assert index.n_search_trees == 2


def test_02_an_unknown_keyword_is_a_type_error():
    with pytest.raises(TypeError, match="unexpected keyword argument 'leafsize'"):
        HnswIndexWrapper(ROWS, leafsize=3)
    with pytest.raises(TypeError, match="data"):
        HnswIndexWrapper()


BAD = {
    "no metric": {"metric": None},
    "unknown metric": {"metric": "euclidian"},
    "metric of another kind": {"metric": 3},
    "one-dimensional": {"data": np.arange(5.0)},
    "three-dimensional": {"data": np.zeros((3, 3, 3))},
    "no rows": {"data": np.zeros((0, 4))},
    "no columns": {"data": np.zeros((4, 0))},
    "ragged": {"data": [[1.0, 2.0], [3.0]]},
    "NaN": {"data": np.array([[0.0, np.nan], [1.0, 1.0]])},
    "infinity": {"data": np.array([[0.0, 1.0], [-np.inf, 1.0]])},
    "beyond float32": {"data": np.array([[0.0, 1e39], [1.0, 1.0]])},
    "text": {"data": [["a", "b"], ["c", "d"]]},
    "objects": {"data": np.array([[object(), 1], [2, 3]], dtype=object)},
    "complex": {"data": np.ones((3, 3), dtype=complex)},
    "None as data": {"data": None},
    "no neighbours": {"n_neighbors": 0},
    "negative neighbours": {"n_neighbors": -1},
    "fractional neighbours": {"n_neighbors": 2.5},
    "no jobs": {"n_jobs": 0},
    "jobs below -1": {"n_jobs": -2},
    "a fraction of a job": {"n_jobs": 1.5},
    "leaf budget": {"search_tree_leaf_budget": 0},
    "quantization": {"quantization": "float8"},
    "quantization for another metric": {"quantization": "int8", "metric": "euclidean"},
    "random state": {"random_state": "seed"},
    "p below 0": {"metric": "minkowski", "metric_kwds": {"p": -1}},
    "p of 0": {"metric": "minkowski", "metric_kwds": {"p": 0}},
    "p no number": {"metric": "minkowski", "metric_kwds": {"p": "three"}},
    "init_graph rows": {"init_graph": np.zeros((3, 5), int)},
    "init_dist shape": {"init_graph": np.zeros((60, 5), int), "init_dist": np.zeros((60, 4))},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_03_bad_input_is_a_value_error_with_a_code(bad):
    with pytest.raises(ValueError, match=r"\S") as caught:
        HnswIndexWrapper(**{"data": ROWS, **bad})
    assert caught.value.code.startswith("ERR_")


def test_03_an_unknown_metric_is_named_with_what_is_allowed():
    with pytest.raises(UnknownMetric, match=r"one of .*euclidean.*, got 'euclidian'"):
        HnswIndexWrapper(ROWS, metric="euclidian")


def test_03_a_non_finite_value_is_named_by_row_and_column():
    rows = gaussian(600, 700).copy()
    rows[417, 23] = np.nan
    with pytest.raises(ValueError, match=r"417.*23"):
        HnswIndexWrapper(rows)


def test_03_after_bad_input_the_server_answers_on(calls):
    with pytest.raises(ValueError, match=r"nan|finite|NaN"):
        HnswIndexWrapper([[np.nan]])
    assert HnswIndexWrapper(ROWS).query(ROWS[:1], k=1)[0].tolist() == [[0]]
    assert calls() == {"build": 2, "query": 1}


def test_04_one_row_is_an_index():
    index = _one_row()
    indices, distances = index.neighbor_graph
    assert (indices.tolist(), distances.tolist()) == ([[0]], [[0.0]])
    assert index.query([[1.0, 3.0]], k=1)[1].tolist() == [[1.0]]


def test_04_fewer_rows_than_neighbours_are_padded_with_a_warning():
    with pytest.warns(UserWarning, match="Failed to correctly find n_neighbors") as caught:
        index = HnswIndexWrapper(ROWS[:4], n_neighbors=6)
    assert caught[0].filename == __file__
    indices, distances = index.neighbor_graph
    assert indices.shape == distances.shape == (4, 6)
    assert (indices[:, 4:] == -1).all()
    assert np.isposinf(distances[:, 4:]).all()
    assert sorted(indices[2, :4]) == [0, 1, 2, 3]
    assert np.isfinite(distances[:, :4]).all()


def test_04_as_many_rows_as_neighbours_are_complete_with_a_warning():
    with pytest.warns(UserWarning, match="Failed to correctly find n_neighbors"):
        index = HnswIndexWrapper(ROWS[:6], n_neighbors=6)
    indices, distances = index.neighbor_graph
    assert (np.sort(indices, axis=1) == np.arange(6)).all()
    assert np.isfinite(distances).all()


def test_04_one_more_row_than_neighbours_warns_not():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (HnswIndexWrapper(ROWS[:7], n_neighbors=6).neighbor_graph[0] >= 0).all()


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_05_the_callers_array_is_not_changed_and_not_kept(metric):
    rows = ROWS.copy()
    index = HnswIndexWrapper(rows, metric=metric, n_neighbors=5)
    before = index.query(ROWS, k=5)
    np.testing.assert_array_equal(rows, ROWS)
    np.testing.assert_array_equal(index._raw_data, ROWS)
    rows[:] = 0
    for old, new in zip(before, index.query(ROWS, k=5), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not np.shares_memory(rows, index._raw_data)


WHOLE = np.round(gaussian(80, 6) * 10).astype(np.float32)
FORMS = {
    "float64": WHOLE.astype(np.float64),
    "float16": WHOLE.astype(np.float16),
    "int64": WHOLE.astype(np.int64),
    "int8": WHOLE.astype(np.int8),
    "big endian": WHOLE.astype(">f4"),
    "objects": WHOLE.astype(object),
    "a list": WHOLE.tolist(),
    "Fortran order": np.asfortranarray(WHOLE),
    "strided": np.repeat(np.repeat(WHOLE, 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed": WHOLE[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": np.frombuffer(WHOLE.tobytes(), np.float32).reshape(WHOLE.shape),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_06_every_form_of_the_rows_gives_the_same_bytes(form):
    expected = HnswIndexWrapper(WHOLE, n_neighbors=8, random_state=1)
    index = HnswIndexWrapper(form, n_neighbors=8, random_state=1)
    for a, b in zip(index.neighbor_graph, expected.neighbor_graph, strict=True):
        assert a.tobytes() == b.tobytes()
    for a, b in zip(index.query(form, k=5), expected.query(WHOLE, k=5), strict=True):
        assert a.tobytes() == b.tobytes()


def test_06_booleans_are_zeros_and_ones():
    rows = ROWS > 0
    indices, distances = HnswIndexWrapper(rows, n_neighbors=3).neighbor_graph
    again = HnswIndexWrapper(rows.astype(np.float32), n_neighbors=3).neighbor_graph
    assert indices.tobytes() == again[0].tobytes()
    assert distances.tobytes() == again[1].tobytes()


@pytest.mark.parametrize("n_jobs", [None, -1, 1, 2, 10**6, np.int64(2)])
def test_07_any_number_of_jobs_gives_the_same_bytes(n_jobs):
    expected = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=3).neighbor_graph
    found = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=3, n_jobs=n_jobs).neighbor_graph
    assert [a.tobytes() for a in found] == [a.tobytes() for a in expected]


@pytest.mark.parametrize("quantization", ["binary", "uint8", "uint4"])
def test_37_a_valid_quantization_is_accepted_and_distances_stay_exact(quantization):
    index = HnswIndexWrapper(ROWS, n_neighbors=5, quantization=quantization)
    expected = HnswIndexWrapper(ROWS, n_neighbors=5)
    np.testing.assert_array_equal(index.neighbor_graph[1], expected.neighbor_graph[1])


def test_35_metric_keywords_go_by_name():
    with pytest.raises(TypeError, match=r"'minkowski' has no parameter 'zz'; it takes p"):
        HnswIndexWrapper(ROWS, metric="minkowski", metric_kwds={"zz": 3})
    with pytest.raises(TypeError, match="'euclidean' has no parameter 'p'; it takes none"):
        HnswIndexWrapper(ROWS, metric="euclidean", metric_kwds={"p": 3})


def test_35_an_infinite_p_is_refused_and_its_metric_named():
    with pytest.raises(InvalidArgument, match=r"p must be finite, got inf .* 'chebyshev'"):
        HnswIndexWrapper(ROWS, "minkowski", {"p": np.inf})


def test_n_neighbors_may_be_a_numpy_integer():
    index = HnswIndexWrapper(ROWS, n_neighbors=np.int64(5))
    assert type(index.n_neighbors) is int


def test_an_index_is_of_the_class_that_was_called():
    assert type(HnswIndexWrapper(ROWS)) is HnswIndexWrapper
    assert issubclass(InvalidArgument, ValueError)
