"""Contract checks 29 to 31: seeds, copies and pickles, silence."""

import copy
import gc
import json
import pickle

import joblib
import numpy as np
import pytest

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import Closed, HnswIndexWrapper, UnsupportedVersion
from sides import is_ours, ours_only, same_bytes
from waiting import until

ROWS = gaussian(500, 6)
FRESH = gaussian(40, 6, seed=5)


def _index(index_class=HnswIndexWrapper, **kwds):
    return index_class(ROWS, n_neighbors=8, random_state=3, **kwds)


def _answers(make_index, state, n_jobs):
    rows = gaussian(3000, 8)
    index = make_index(rows, n_neighbors=8, random_state=state, n_jobs=n_jobs)
    return (*index.neighbor_graph, *index.query(rows[:300] + 0.01, k=8))


@pytest.mark.parametrize("state", [int, np.random.RandomState])
def test_contract_29_the_same_seed_gives_the_same_bytes(make_index, state):
    assert same_bytes(*[_answers(make_index, state(9), 2) for _ in range(2)])


@ours_only("neighbours differ with the number of jobs")
def test_contract_29_the_same_seed_gives_the_same_bytes_for_any_number_of_jobs(make_index):
    first, *others = [_answers(make_index, 9, n_jobs) for n_jobs in (1, 2, None)]
    assert all(same_bytes(first, other) for other in others)


@ours_only("the state is drawn from again by prepare, the number starts anew")
def test_contract_29_a_number_seeds_as_the_state_it_makes(make_index):
    answers = [_answers(make_index, state, 2) for state in (9, np.random.RandomState(9))]
    assert same_bytes(*answers)


def test_contract_29_no_seed_follows_and_advances_numpys_global_state(index_class):
    np.random.seed(4)
    first = index_class(ROWS)
    second = index_class(ROWS)
    np.random.seed(4)
    again = index_class(ROWS)
    assert list(first.rng_state) == list(again.rng_state)
    assert list(first.rng_state) != list(second.rng_state)


def test_contract_29_construction_draws_eight_words(index_class):
    ours, expected = np.random.RandomState(11), np.random.RandomState(11)
    index = _index(lambda *args, **kwds: index_class(*args, **{**kwds, "random_state": ours}))
    states = [expected.randint(-2147483647, 2147483646, 3) for _ in range(2)]
    expected.randint(0, 2**62, dtype=np.int64)
    if is_ours(index_class):  # Upstream has used them by now.
        assert [list(index.rng_state), list(index.search_rng_state)] == list(map(list, states))
    assert ours.get_state()[2] == expected.get_state()[2] == 8
    assert ours.randint(10**9) == expected.randint(10**9)


COPIES = {
    "pickle": lambda index: pickle.loads(pickle.dumps(index)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES.keys())
@pytest.mark.parametrize("compressed", [False, True])
def test_contract_30_a_copy_answers_equally(index_class, duplicate, compressed):
    index = _index(index_class, compressed=compressed)
    expected = index.query(FRESH)
    again = duplicate(index)
    assert same_bytes(expected, again.query(FRESH))
    if not compressed:
        assert same_bytes(index.neighbor_graph, again.neighbor_graph)
    assert again.random_state == 3


def test_contract_30_a_joblib_file_answers_equally(index_class, tmp_path):
    index = _index(index_class)
    expected = index.query(FRESH)
    joblib.dump(index, tmp_path / "index.joblib")
    assert same_bytes(expected, joblib.load(tmp_path / "index.joblib").query(FRESH))


@pytest.mark.parametrize("compressed", [False, True])
def test_contract_30_a_joblib_file_answers_equally_in_a_fresh_process(
    tmp_path, run_program, compressed
):
    with hnsw_bridge.options(algorithm="hnsw"):
        index = _index(compressed=compressed)
    if not compressed:
        index.neighbor_graph  # noqa: B018 - reading it computes it
    joblib.dump(index, tmp_path / "index.joblib")
    np.save(tmp_path / "queries.npy", FRESH)
    told = json.loads(run_program("load_and_query.py", str(tmp_path)).stdout)
    graph = {} if compressed else {"neighbor_graph": 1}
    assert told["calls"] == {"build": 1, "put": 1, "attach": 1, "query": 1, **graph}
    assert told["built"] == 0, "something was made that the file holds"
    expected = index.query(FRESH, k=6)
    with np.load(tmp_path / "found.npz") as found:
        assert same_bytes(expected, [found[name] for name in ("i", "d")])
        if not compressed:
            assert same_bytes(index.neighbor_graph, [found[name] for name in ("gi", "gd")])


def test_contract_30_a_pickle_outlives_the_server_that_made_its_index():
    index = _index()
    expected = (*index.neighbor_graph, *index.query(FRESH))
    stored = pickle.dumps(index)
    before = hnsw_bridge.stats()["server"]["pid"]
    hnsw_bridge.shutdown()
    again = pickle.loads(stored)
    assert same_bytes(expected, (*again.neighbor_graph, *again.query(FRESH)))
    assert hnsw_bridge.stats()["server"]["pid"] != before


@pytest.mark.parametrize("version", [None, 0, 99])
def test_contract_30_a_pickle_of_another_version_is_refused_clearly(version):
    index = _index()
    state = {**index.__getstate__(), "_state_version": version}
    with pytest.raises(UnsupportedVersion, match=rf"state version {version!r}, .*reads version \d"):
        HnswIndexWrapper.__new__(HnswIndexWrapper).__setstate__(state)


def test_contract_30_a_pickle_holds_the_rows_once():
    rows = gaussian(500, 300)
    index = HnswIndexWrapper(rows, n_neighbors=8)
    index.prepare()
    assert index.neighbor_graph[0].nbytes < 0.1 * rows.nbytes
    assert len(pickle.dumps(index)) < 1.4 * rows.nbytes


def test_contract_31_silent_unless_verbose(index_class, capfd):
    index = _index(index_class, n_trees=5, n_iters=2)
    index.neighbor_graph  # noqa: B018 - reading it computes it
    index.query(FRESH)
    assert capfd.readouterr() == ("", "")


def test_contract_31_verbose_tells_trees_and_iterations(index_class, capfd):
    _index(index_class, n_trees=5, n_iters=2, verbose=True).query(FRESH)
    out = capfd.readouterr().out
    assert "5 trees" in out
    assert "2 iterations" in out


def _is_held(index_id):
    return index_id in hnsw_bridge.stats()["session"]["indexes"]


def test_a_closed_index_says_so_and_frees_its_rows():
    index = _index()
    held = index.stats()["id"]
    assert _is_held(held)
    index.close()
    index.close()
    for use in (lambda: index.query(FRESH), lambda: index.neighbor_graph, index.prepare):
        with pytest.raises(Closed, match="closed"):
            use()
    assert until(lambda: not _is_held(held))


def test_a_collected_index_is_freed_at_the_server():
    index = _index()
    held = index.stats()["id"]
    del index
    gc.collect()
    assert until(lambda: not _is_held(held))
