"""Contract checks 21 and 24 to 28: prepare, and rows that come later."""

import pickle

import numpy as np
import pytest
import scipy.sparse

import hnsw_bridge
import oracle
from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper
from hnsw_bridge._remote import RemoteIndex
from sides import cases, is_ours, ours_only, same_bytes

ROWS = gaussian(500, 6)
FRESH = gaussian(40, 6, seed=5)
BOTH_PREPARED = pytest.mark.parametrize("prepared", [False, True])


def _index(index_class=HnswIndexWrapper, **kwds):
    return index_class(ROWS, n_neighbors=8, random_state=3, **kwds)


def test_contract_21_prepare_twice_changes_nothing(index_class):
    index = _index(index_class)
    assert index.prepare() is None
    first = index.query(FRESH)
    assert index.prepare() is None
    assert same_bytes(first, index.query(FRESH))


@ours_only("reorders _raw_data, and compiles for compile_search")
def test_contract_21_prepare_keeps_the_rows_in_order_and_compiles_nothing(calls):
    index = _index()
    index.prepare()
    first = index.query(FRESH)
    index.prepare(compile_search=True)
    assert same_bytes(first, index.query(FRESH))
    np.testing.assert_array_equal(index._raw_data, ROWS)
    assert calls() == {"build": 1, "prepare": 1, "query": 2}


@ours_only("unit-normalised upstream")
@pytest.mark.parametrize("metric", ["cosine", "dot", "correlation", "hellinger"])
def test_contract_21_raw_data_are_the_values_given_for_any_metric(index_class, metric):
    index = index_class(np.abs(ROWS), metric, n_neighbors=8)
    index.prepare()
    np.testing.assert_array_equal(index._raw_data, np.abs(ROWS))


@BOTH_PREPARED
def test_contract_24_appended_rows_are_found_under_new_ids_five_times(index_class, prepared):
    index = _index(index_class)
    if prepared:
        index.prepare()
    for i in range(5):
        fresh = gaussian(40, 6, seed=50 + i)
        assert index.update(fresh) is None
        ids = np.arange(500 + 40 * i, 540 + 40 * i)
        indices, distances = index.query(fresh, k=1)
        np.testing.assert_array_equal(indices[:, 0], ids)
        assert (distances == 0).all()
    assert index._raw_data.shape == (700, 6)
    if is_ours(index_class):
        np.testing.assert_array_equal(index._raw_data[:500], ROWS)


def test_contract_24_an_append_reaches_the_server_without_the_old_rows(calls):
    index = _index()
    index.update(FRESH)
    assert calls() == {"build": 1, "update": 1}


def test_contract_25_a_replaced_row_is_gone_and_the_new_one_found(index_class):
    index = _index(index_class)
    index.neighbor_graph  # noqa: B018 - reading it computes it
    index.update(xs_updated=FRESH[:3], updated_indices=[4, -1, 7])
    indices, distances = index.query(FRESH[:3], k=1)
    assert indices.tolist() == [[4], [499], [7]]
    assert (distances == 0).all()
    assert index.query(ROWS[4:5], k=1)[1] > 0
    if is_ours(index_class):
        np.testing.assert_array_equal(index._raw_data[[4, 499, 7]], FRESH[:3])
        np.testing.assert_array_equal(index._raw_data[5], ROWS[5])


def test_contract_25_of_a_repeated_index_the_last_row_wins(index_class):
    index = _index(index_class)
    index.update(xs_updated=FRESH[:3], updated_indices=[4, -1, 4])
    indices, distances = index.query(FRESH[:3], k=1)
    assert indices[1:].tolist() == [[499], [4]]
    assert (distances[1:] == 0).all()
    assert distances[0] > 0


@ours_only("counts calls at our server")
@BOTH_PREPARED
def test_contract_25_replaced_rows_go_to_the_server_without_the_others(calls, prepared):
    index = _index()
    if prepared:
        index.prepare()
    index.update(FRESH[2:], FRESH[:2], [3, 9])
    index.query(FRESH)
    expected = {"build": 1, "update": 1, "query": 1}
    assert calls() == ({**expected, "prepare": 1} if prepared else expected)


@BOTH_PREPARED
def test_contract_25_rows_are_replaced_and_appended_in_one_call(index_class, prepared):
    index = _index(index_class)
    if prepared:
        index.prepare()
    index.update(FRESH[10:], FRESH[:2], (0, 1))
    assert index.query(FRESH[:2], k=1)[0].tolist() == [[0], [1]]
    assert index.query(FRESH[10:12], k=1)[0].tolist() == [[500], [501]]
    assert len(index._raw_data) == 530


def test_contract_25_updates_work_after_unpickling(index_class):
    index = pickle.loads(pickle.dumps(_index(index_class)))
    index.update(FRESH[1:], FRESH[:1], [7])
    assert index.query(FRESH[:2], k=1)[0].tolist() == [[7], [500]]


@ours_only("a recall bar of ours: a fresh build's, less one point")
@pytest.mark.parametrize("change", ["append", "replace"])
def test_contract_25_recall_after_five_changes_is_that_of_a_fresh_build(make_index, change):
    rng = np.random.RandomState(8)
    rows, queries = gaussian(3000, 12).copy(), gaussian(300, 12, seed=9)
    start = 1200 if change == "append" else len(rows)
    index = make_index(rows[:start], n_neighbors=10, random_state=4)
    index.prepare()
    for i in range(5):
        if change == "append":
            index.update(rows[start + 360 * i : start + 360 * (i + 1)])
        else:
            ids = rng.choice(len(rows), 300, replace=False)
            rows[ids] = rng.standard_normal((300, 12))
            index.update(xs_updated=rows[ids], updated_indices=ids)
    fresh = make_index(rows, n_neighbors=10, random_state=4)
    true = oracle.distances(queries, rows)
    recalls = [oracle.recall(each.query(queries, k=10)[1], true, 10) for each in (index, fresh)]
    assert recalls[0] >= recalls[1] - 0.01
    graph = [
        oracle.recall(each.neighbor_graph[1], oracle.distances(rows, rows), 10)
        for each in (index, fresh)
    ]
    assert graph[0] >= graph[1] - 0.01


_OTHERWISE = ours_only("no error upstream, or another kind")
BAD_UPDATES = {
    "no indices": ({"xs_updated": FRESH[:2]}, ValueError),
    "unequal lengths": ({"xs_updated": FRESH[:2], "updated_indices": [1]}, ValueError),
    "indices no integers": ({"xs_updated": FRESH[:1], "updated_indices": ["a"]}, ValueError),
    "indices no sequence": (
        {"xs_updated": FRESH[:1], "updated_indices": 3},
        ValueError,
        _OTHERWISE,
    ),
    "index too large": ({"xs_updated": FRESH[:1], "updated_indices": [500]}, IndexError),
    "index too small": ({"xs_updated": FRESH[:1], "updated_indices": [-501]}, IndexError),
    "one-dimensional": ({"xs_fresh": FRESH[0]}, ValueError),
    "no rows": ({"xs_fresh": FRESH[:0]}, ValueError),
    "wrong width": ({"xs_fresh": FRESH[:, :4]}, ValueError),
    "NaN appended": ({"xs_fresh": FRESH * np.nan}, ValueError),
    "NaN replaced": ({"xs_updated": FRESH[:1] * np.nan, "updated_indices": [1]}, ValueError),
    "sparse on dense": ({"xs_fresh": scipy.sparse.csr_matrix(FRESH)}, ValueError),
    "good replaced, NaN appended": (
        {"xs_fresh": FRESH * np.nan, "xs_updated": FRESH[:1], "updated_indices": [1]},
        ValueError,
    ),
}


@pytest.mark.parametrize(("bad", "error"), cases(BAD_UPDATES))
def test_contract_26_a_bad_update_raises(index_class, bad, error):
    with pytest.raises(error, match=r"\S"):
        _index(index_class).update(**bad)


@ours_only("half done upstream")
@BOTH_PREPARED
@pytest.mark.parametrize(("bad", "error"), cases(BAD_UPDATES))
def test_contract_26_after_a_bad_update_nothing_has_changed(index_class, bad, error, prepared):
    index = _index(index_class)
    if prepared:
        index.prepare()
    before = (*index.neighbor_graph, *index.query(FRESH))
    with pytest.raises(error):
        index.update(**bad)
    assert same_bytes(before, (*index.neighbor_graph, *index.query(FRESH)))
    np.testing.assert_array_equal(index._raw_data, ROWS)
    assert index.n_trees == 5


@pytest.mark.parametrize(
    "change",
    [{"xs_fresh": FRESH}, {"xs_updated": FRESH[:2], "updated_indices": [1, 2]}],
    ids=["append", "replace"],
)
def test_contract_26_an_interrupted_update_leaves_rows_and_answers_as_they_were(
    monkeypatch, change
):
    index = _index()
    before = (*index.neighbor_graph, *index.query(FRESH))

    def done_but_interrupted(remote, *args):
        update(remote, *args)
        raise KeyboardInterrupt

    update = RemoteIndex.update
    monkeypatch.setattr(RemoteIndex, "update", done_but_interrupted)
    with pytest.raises(KeyboardInterrupt):
        index.update(**change)
    assert same_bytes(before, (*index.neighbor_graph, *index.query(FRESH)))
    np.testing.assert_array_equal(index._raw_data, ROWS)


def test_contract_26_a_sparse_update_on_dense_rows_is_named():
    with pytest.raises(ValueError, match="sparse"):
        _index().update(scipy.sparse.csr_matrix(FRESH))


def test_contract_26_indices_alone_are_ignored_with_a_warning(index_class):
    index = _index(index_class)
    before = index.query(FRESH)
    with pytest.warns(UserWarning, match="xs_updated not provided") as caught:
        index.update(updated_indices=[3])
    if is_ours(index_class):
        assert caught[0].filename == __file__
        np.testing.assert_array_equal(index._raw_data, ROWS)
        assert same_bytes(before, index.query(FRESH))


def test_contract_28_n_trees_falls_after_an_update(index_class):
    index = _index(index_class, n_trees=8)
    assert (index.n_trees, index.n_trees_after_update) == (8, 3)
    index.update()
    assert (index.n_trees, index.n_trees_after_update) == (3, 3)


@pytest.mark.parametrize("change", [{"xs_fresh": FRESH}, {"xs_updated": FRESH[:1]}])
def test_contract_28_the_graph_after_an_update_is_that_of_the_new_rows(index_class, change):
    rows = ROWS.copy()
    if "xs_updated" in change:
        change = {**change, "updated_indices": [7]}
        rows[7] = FRESH[0]
    else:
        rows = np.vstack([ROWS, FRESH])
    index = _index(index_class)
    index.neighbor_graph  # noqa: B018 - reading it computes it
    index.update(**change)
    indices, distances = index.neighbor_graph
    true = oracle.distances(rows, rows)
    assert oracle.recall(distances, true, 8) >= (1 if is_ours(index_class) else 0.95)
    np.testing.assert_allclose(
        distances, np.take_along_axis(true, indices, 1), rtol=1e-5, atol=1e-5
    )
    if is_ours(index_class):
        expected = index_class(rows, n_neighbors=8, random_state=3).neighbor_graph
        np.testing.assert_array_equal(distances, expected[1])


def test_an_engine_option_holds_for_the_updated_index_too():
    with hnsw_bridge.options(algorithm="hnsw"):
        index = _index()
    index.update(FRESH, FRESH[:1], [0])
    assert index.neighbor_graph[0].shape == (540, 8)
    assert index.plan["neighbor_graph"]["algorithm"] == "approximate"
