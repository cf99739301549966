"""Contract checks 21 and 24 to 31: prepare, update, seeds, persistence, silence."""

import copy
import gc
import pickle

import numpy as np
import pytest

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import Closed, HnswIndexWrapper, UnsupportedVersion
from hnsw_bridge._remote import RemoteIndex
from waiting import until

ROWS = gaussian(500, 6)
FRESH = gaussian(40, 6, seed=5)


def _same(left, right):
    return all(a.tobytes() == b.tobytes() for a, b in zip(left, right, strict=True))


def _index(**kwds):
    return HnswIndexWrapper(ROWS, n_neighbors=8, random_state=3, **kwds)


def test_21_prepare_twice_changes_nothing(calls):
    index = _index()
    assert index.prepare() is None
    first = index.query(FRESH)
    assert index.prepare(compile_search=True) is None
    assert _same(first, index.query(FRESH))
    np.testing.assert_array_equal(index._raw_data, ROWS)
    assert calls() == {"build": 1, "prepare": 1, "query": 2}


@pytest.mark.parametrize("prepared", [False, True])
def test_24_appended_rows_are_found_under_new_ids_five_times(prepared):
    index = _index()
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
    np.testing.assert_array_equal(index._raw_data[:500], ROWS)


def test_24_an_append_reaches_the_server_without_the_old_rows(calls):
    index = _index()
    index.update(FRESH)
    assert calls() == {"build": 1, "update": 1}


def test_25_a_replaced_row_is_gone_and_the_new_one_found():
    index = _index()
    index.neighbor_graph  # noqa: B018 - reading it computes it
    index.update(xs_updated=FRESH[:3], updated_indices=[4, -1, 4])
    indices, distances = index.query(FRESH[:3], k=1)
    assert indices[1:].tolist() == [[499], [4]]
    assert (distances[1:] == 0).all()
    assert distances[0] > 0
    assert index.query(ROWS[4:5], k=1)[1] > 0
    np.testing.assert_array_equal(index._raw_data[4], FRESH[2])
    np.testing.assert_array_equal(index._raw_data[5], ROWS[5])


def test_25_rows_are_replaced_and_appended_in_one_call():
    index = _index()
    index.update(FRESH[10:], FRESH[:2], (0, 1))
    assert index.query(FRESH[:2], k=1)[0].tolist() == [[0], [1]]
    assert index.query(FRESH[10:12], k=1)[0].tolist() == [[500], [501]]
    assert len(index._raw_data) == 530


def test_25_updates_work_after_unpickling():
    index = pickle.loads(pickle.dumps(_index()))
    index.update(FRESH)
    assert index.query(FRESH[:1], k=1)[0].tolist() == [[500]]


BAD_UPDATES = {
    "no indices": ({"xs_updated": FRESH[:2]}, ValueError),
    "unequal lengths": ({"xs_updated": FRESH[:2], "updated_indices": [1]}, ValueError),
    "indices no integers": ({"xs_updated": FRESH[:1], "updated_indices": ["a"]}, ValueError),
    "indices no sequence": ({"xs_updated": FRESH[:1], "updated_indices": 3}, ValueError),
    "index too large": ({"xs_updated": FRESH[:1], "updated_indices": [500]}, IndexError),
    "index too small": ({"xs_updated": FRESH[:1], "updated_indices": [-501]}, IndexError),
    "one-dimensional": ({"xs_fresh": FRESH[0]}, ValueError),
    "no rows": ({"xs_fresh": FRESH[:0]}, ValueError),
    "wrong width": ({"xs_fresh": FRESH[:, :4]}, ValueError),
    "NaN appended": ({"xs_fresh": FRESH * np.nan}, ValueError),
    "NaN replaced": ({"xs_updated": FRESH[:1] * np.nan, "updated_indices": [1]}, ValueError),
    "good replaced, NaN appended": (
        {"xs_fresh": FRESH * np.nan, "xs_updated": FRESH[:1], "updated_indices": [1]},
        ValueError,
    ),
}


@pytest.mark.parametrize(("bad", "error"), BAD_UPDATES.values(), ids=BAD_UPDATES.keys())
def test_26_a_bad_update_raises_and_changes_nothing(bad, error):
    index = _index()
    before = (*index.neighbor_graph, *index.query(FRESH))
    with pytest.raises(error, match=r"\S"):
        index.update(**bad)
    assert _same(before, (*index.neighbor_graph, *index.query(FRESH)))
    np.testing.assert_array_equal(index._raw_data, ROWS)
    assert index.n_trees == 5


def test_26_an_interrupted_append_leaves_rows_and_answers_as_they_were(monkeypatch):
    index = _index()
    before = (*index.neighbor_graph, *index.query(FRESH))

    def done_but_interrupted(remote, fresh, listener):
        append(remote, fresh, listener)
        raise KeyboardInterrupt

    append = RemoteIndex.append
    monkeypatch.setattr(RemoteIndex, "append", done_but_interrupted)
    with pytest.raises(KeyboardInterrupt):
        index.update(FRESH)
    assert _same(before, (*index.neighbor_graph, *index.query(FRESH)))
    np.testing.assert_array_equal(index._raw_data, ROWS)


def test_26_a_sparse_update_on_dense_rows_is_a_value_error():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match="sparse"):
        _index().update(sparse.csr_matrix(FRESH))


def test_26_indices_alone_are_ignored_with_a_warning():
    index = _index()
    with pytest.warns(UserWarning, match="xs_updated not provided") as caught:
        index.update(updated_indices=[3])
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(index._raw_data, ROWS)


def test_28_n_trees_falls_after_an_update():
    index = _index(n_trees=8)
    assert (index.n_trees, index.n_trees_after_update) == (8, 3)
    index.update()
    assert index.n_trees == 3


@pytest.mark.parametrize("change", [{"xs_fresh": FRESH}, {"xs_updated": FRESH[:1]}])
def test_28_the_graph_after_an_update_is_that_of_the_new_rows(change):
    if "xs_updated" in change:
        change = {**change, "updated_indices": [7]}
    index = _index()
    index.neighbor_graph  # noqa: B018 - reading it computes it
    index.update(**change)
    expected = HnswIndexWrapper(index._raw_data, n_neighbors=8, random_state=3)
    np.testing.assert_array_equal(index.neighbor_graph[1], expected.neighbor_graph[1])


@pytest.mark.parametrize("algorithm", ["exact", "hnsw"])
def test_29_the_same_seed_gives_the_same_bytes_for_any_number_of_jobs(algorithm):
    rows = gaussian(3000, 8)
    answers = []
    for n_jobs in (1, 2):
        for state in (9, np.random.RandomState(9)):
            with hnsw_bridge.options(algorithm=algorithm):
                index = HnswIndexWrapper(rows, n_neighbors=8, random_state=state, n_jobs=n_jobs)
            answers.append((*index.neighbor_graph, *index.query(rows[:300] + 0.01, k=8)))
    assert all(_same(answers[0], answer) for answer in answers[1:])


def test_29_no_seed_follows_and_advances_numpys_global_state():
    np.random.seed(4)
    first = HnswIndexWrapper(ROWS)
    second = HnswIndexWrapper(ROWS)
    np.random.seed(4)
    again = HnswIndexWrapper(ROWS)
    assert first.rng_state.tolist() == again.rng_state.tolist()
    assert first.rng_state.tolist() != second.rng_state.tolist()


def test_29_construction_draws_eight_words():
    ours, expected = np.random.RandomState(11), np.random.RandomState(11)
    index = HnswIndexWrapper(ROWS, random_state=ours)
    states = [expected.randint(-2147483647, 2147483646, 3) for _ in range(2)]
    expected.randint(0, 2**62, dtype=np.int64)
    assert [index.rng_state.tolist(), index.search_rng_state.tolist()] == [
        state.tolist() for state in states
    ]
    assert ours.get_state()[2] == expected.get_state()[2] == 8
    assert ours.randint(10**9) == expected.randint(10**9)


COPIES = {
    "pickle": lambda index: pickle.loads(pickle.dumps(index)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES.keys())
@pytest.mark.parametrize("compressed", [False, True])
def test_30_a_copy_answers_equally(duplicate, compressed):
    index = _index(compressed=compressed)
    expected = index.query(FRESH)
    again = duplicate(index)
    assert _same(expected, again.query(FRESH))
    if not compressed:
        assert _same(index.neighbor_graph, again.neighbor_graph)
    assert again.random_state == 3


def test_30_a_joblib_file_answers_equally_in_a_fresh_process(tmp_path, run_program):
    joblib = pytest.importorskip("joblib")
    with hnsw_bridge.options(algorithm="hnsw"):
        index = _index()
    joblib.dump(index, tmp_path / "index.joblib")
    np.save(tmp_path / "queries.npy", FRESH)
    run_program("load_and_query.py", str(tmp_path))
    with np.load(tmp_path / "found.npz") as found:
        expected = (*index.query(FRESH, k=6), *index.neighbor_graph)
        assert _same(expected, [found[name] for name in ("i", "d", "gi", "gd")])


@pytest.mark.parametrize("version", [None, 0, 99])
def test_30_a_pickle_of_another_version_is_refused_clearly(version):
    index = _index()
    state = {**index.__getstate__(), "_state_version": version}
    with pytest.raises(UnsupportedVersion, match=f"state version {version!r}, .* reads 1"):
        HnswIndexWrapper.__new__(HnswIndexWrapper).__setstate__(state)


def test_30_a_pickle_holds_the_rows_once():
    assert len(pickle.dumps(_index())) < ROWS.nbytes + 10_000


def test_31_silent_unless_verbose(capfd):
    index = _index(n_trees=5, n_iters=2)
    index.neighbor_graph  # noqa: B018 - reading it computes it
    index.query(FRESH)
    assert capfd.readouterr() == ("", "")


def test_31_verbose_tells_trees_and_iterations(capfd):
    _index(n_trees=5, n_iters=2, verbose=True).query(FRESH)
    out = capfd.readouterr().out
    assert "5 trees" in out
    assert "2 iterations" in out


def _indexes():
    return set(hnsw_bridge.stats()["session"]["indexes"])


def test_a_closed_index_says_so_and_frees_its_rows():
    index = _index()
    held = _indexes()
    index.close()
    index.close()
    for use in (lambda: index.query(FRESH), lambda: index.neighbor_graph, index.prepare):
        with pytest.raises(Closed, match="closed"):
            use()
    assert until(lambda: len(held - _indexes()) == 1)


def test_a_collected_index_is_freed_at_the_server():
    index = _index()
    held = _indexes()
    del index
    gc.collect()
    assert until(lambda: len(held - _indexes()) == 1)
