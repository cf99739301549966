"""Contract checks 9, 10, 24, 25, 30, 32 and 33 for every metric with every choice of parameters."""

import pickle

import numpy as np
import pytest

import hnsw_bridge
from golden import TABLE, distances_to, entries, fitting_rows, names
from hnsw_bridge import HnswIndexWrapper
from sides import all_distinct, same_bytes

ENTRIES = {f"{entry['name']}-{i}": entry for i, entry in enumerate(entries("values"))}
every_metric = pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES.keys())
both_algorithms = pytest.mark.parametrize("algorithm", ["exact", "hnsw"])


def _rows_for(entry, count=300, seed=6):
    """Rows of the kind that the entry's metric takes; fewer where a distance is a transport."""
    few = fitting_rows(entry)
    rng = np.random.RandomState(seed)
    count = count if entry["name"] != "kantorovich" else count // 5
    if entry["rows"] == "bits":
        return rng.randint(0, 256, (count, few.shape[1])).astype(np.uint8)
    rows = few[rng.randint(0, len(few), count)] + few[rng.randint(0, len(few), count)]
    return (rows * rng.choice([0.125, 0.25, 0.5], (count, 1))).astype(np.float32)


def _index(entry, rows, algorithm="auto", name=None):
    kwds = entry["random_params"]
    with hnsw_bridge.options(algorithm=algorithm):
        return HnswIndexWrapper(rows, name or entry["name"], kwds, 10, random_state=1)


def _descends(entry):
    return entry["name"] == "true_angular"  # A similarity.


@both_algorithms
@every_metric
def test_contract_09_column_0_is_the_row_itself_among_tenfold_duplicates(entry, algorithm):
    rows = np.repeat(_rows_for(entry, 20), 10, axis=0)
    indices, distances = _index(entry, rows, algorithm).neighbor_graph
    np.testing.assert_array_equal(indices[:, 0], np.arange(len(rows)))
    assert (distances[:, 0] == 0).all()


@both_algorithms
@every_metric
def test_contract_10_the_other_columns_ascend_and_ids_are_distinct(entry, algorithm):
    rows = _rows_for(entry)
    indices, distances = _index(entry, rows, algorithm).neighbor_graph
    steps = np.diff(distances[:, 1:], axis=1)
    assert (steps <= 0).all() if _descends(entry) else (steps >= 0).all()
    assert all_distinct(indices)
    assert ((indices >= 0) & (indices < len(rows))).all()
    assert np.isfinite(distances).all()


@every_metric
def test_contract_24_changed_rows_are_found_as_by_an_index_of_them(entry):
    rows = _rows_for(entry)
    old, fresh = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    index = _index(entry, old)
    index.prepare()
    index.update(fresh[2:], fresh[:2], [0, -1])
    changed = old.copy()
    changed[[0, -1]] = fresh[:2]
    expected = _index(entry, np.vstack([changed, fresh[2:]]), "exact")
    np.testing.assert_array_equal(index._raw_data, expected._raw_data)
    count = len(rows) - 2
    np.testing.assert_allclose(
        distances_to(index, fresh, count),
        distances_to(expected, fresh, count),
        rtol=1e-5,
        atol=1e-5,
    )
    graphs = [each.neighbor_graph[1] for each in (index, expected)]
    assert np.isclose(*graphs, rtol=1e-5, atol=1e-5).mean() >= 0.99


@every_metric
def test_contract_30_a_pickle_answers_equally(entry):
    rows = _rows_for(entry, 100)
    index = _index(entry, rows)
    expected = (*index.query(rows[:9], k=5), *index.neighbor_graph)
    again = pickle.loads(pickle.dumps(index))
    assert same_bytes(expected, (*again.query(rows[:9], k=5), *again.neighbor_graph))


@every_metric
def test_contract_32_graph_queries_and_both_algorithms_tell_one_distance(entry):
    rows = _rows_for(entry)
    exact, walk = (_index(entry, rows, algorithm) for algorithm in ("exact", "hnsw"))
    all_of_them = distances_to(exact, rows, len(rows))
    sign = -1 if _descends(entry) else 1
    bound = np.sort(sign * all_of_them, axis=1)[:, 9:10]
    for index in (exact, walk):
        indices, distances = index.query(rows, k=10)
        expected = np.take_along_axis(all_of_them, indices, 1)
        np.testing.assert_allclose(distances, expected, rtol=1e-5, atol=1e-5)
        within = (sign * distances <= bound + 1e-5).mean()
        assert within >= (1 if index is exact else 0.95)
        indices, distances = (array[:, 1:] for array in index.neighbor_graph)
        expected = np.take_along_axis(all_of_them, indices, 1)
        np.testing.assert_allclose(distances, expected, rtol=1e-5, atol=1e-5)


@every_metric
def test_contract_33_the_angular_mark_is_pynndescents(entry):
    for name in names(entry, "values"):
        index = _index(entry, fitting_rows(entry), name=name)
        assert index._angular_trees is (name in TABLE["angular"]), name
