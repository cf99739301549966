"""What a pickle of an index holds, and what becomes of one that was changed or is foreign."""

import copy
import pickle
from io import BytesIO

import joblib
import numpy as np
import pytest
import scipy.sparse as sp

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import CorruptFile, HnswIndexWrapper, InvalidArgument, UnsupportedVersion
from hnsw_bridge._pickling import STATE_VERSION, Kept, from_state, to_state

ROWS = gaussian(60, 4)
FORMS = {
    "dense": ROWS.copy(),
    "bits": np.arange(240, dtype=np.uint8).reshape(60, 4),
    "csr_matrix": sp.csr_matrix(ROWS * (ROWS > 0)),
    "csr_array": sp.csr_array(ROWS * (ROWS > 0)),
    "taken off": None,
}


def _kept(rows, products=b"products"):
    return Kept({"metric": "euclidean"}, np.random.RandomState(3), rows, products)


@pytest.mark.parametrize("rows", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("products", [None, b"", bytearray(b"products")])
def test_what_is_kept_comes_back(rows, products):
    kept = _kept(rows, products)
    again = from_state(pickle.loads(pickle.dumps(to_state(kept))))
    assert again.attributes == kept.attributes
    assert again.products == products
    assert again.random_state.randint(10**9) == kept.random_state.randint(10**9)
    assert type(again.rows) is type(rows)
    if sp.issparse(rows):
        assert (again.rows != rows).nnz == 0
    else:
        np.testing.assert_array_equal(again.rows, rows)


def _flipped(data, at):
    damaged = bytearray(data)
    damaged[at] ^= 4
    return bytes(damaged)


@pytest.mark.parametrize("rows", [FORMS["dense"], FORMS["csr_array"]], ids=["dense", "sparse"])
def test_a_flipped_bit_anywhere_in_the_contents_is_a_corrupt_file(rows):
    state = to_state(_kept(rows))
    damaged = [
        {**state, "attributes": _flipped(state["attributes"], 20)},
        {**state, "products": _flipped(state["products"], -1)},
        {**state, "products": None},
        {**state, "rows": None},
        {**state, "rows": {**state["rows"], "shape": (4, 60)}},
    ]
    for i, array in enumerate(state["rows"]["arrays"]):
        wrong = np.frombuffer(_flipped(array.tobytes(), 7), array.dtype).reshape(array.shape)
        arrays = [wrong if i == j else each for j, each in enumerate(state["rows"]["arrays"])]
        damaged.append({**state, "rows": {**state["rows"], "arrays": tuple(arrays)}})
    for each in damaged:
        with pytest.raises(CorruptFile, match="damaged"):
            from_state(each)


@pytest.mark.parametrize("missing", ["attributes", "random_state", "rows", "products", "checksum"])
def test_a_state_without_one_of_its_parts_is_a_corrupt_file(missing):
    state = to_state(_kept(ROWS))
    del state[missing]
    with pytest.raises(CorruptFile):
        from_state(state)


@pytest.mark.parametrize("version", [None, 1, STATE_VERSION + 1, "3"])
def test_a_foreign_version_is_told_from_ours_whatever_else_it_holds(version):
    state = {"_state_version": version, "release": "9.9.9", "new": "things"}
    said = rf"state version {version!r}, written by release 9\.9\.9; .* reads version 2"
    with pytest.raises(UnsupportedVersion, match=said):
        from_state(state)


def _by_joblib(index):
    with BytesIO() as file:
        joblib.dump(index, file)
        file.seek(0)
        return joblib.load(file)


DUPLICATES = {
    "pickle": lambda index: pickle.loads(pickle.dumps(index)),
    "joblib": _by_joblib,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("changed", [False, True], ids=["as built", "after updates"])
@pytest.mark.parametrize("duplicate", DUPLICATES.values(), ids=DUPLICATES)
def test_a_copy_takes_the_products_over_and_builds_nothing(duplicate, metric, changed, calls):
    rows, refused = gaussian(3000, 8), _errors("ERR_INVALID_ARGUMENT")
    with hnsw_bridge.options(algorithm="hnsw"):
        first = rows[:300] if changed else rows
        index = HnswIndexWrapper(first, metric, n_neighbors=5, random_state=1)
    index.prepare()
    if changed:
        index.update(rows[300:], np.zeros((2, 8)), [3, 5])
    expected = (*index.neighbor_graph, *index.query(rows[:60] + 0.1))
    again = duplicate(index)
    assert again._products is not None
    calls()
    found = (*again.neighbor_graph, *again.query(rows[:60] + 0.1))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(expected, found, strict=True))
    assert calls() == {"build": 1, "put": 1, "attach": 1, "neighbor_graph": 1, "query": 1}
    assert again._products is None, "the server holds them by now"
    seen = again.stats()
    assert (seen["graph_builds"], seen["search_builds"]) == (0, 0)
    assert _errors("ERR_INVALID_ARGUMENT") == refused


def _errors(code):
    return hnsw_bridge.stats()["server"]["errors"].get(code, 0)


def test_products_that_do_not_fit_are_built_again():
    index = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=1)
    again = pickle.loads(pickle.dumps(index))
    for products in (b"no dump at all", b""):
        again.close()
        again._closed, again._raw_data, again._products = False, ROWS, products
        np.testing.assert_array_equal(again.query(ROWS)[0], index.query(ROWS)[0])


def test_without_a_server_an_index_is_pickled_all_the_same(monkeypatch):
    index = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=1)
    expected = index.query(ROWS)
    with monkeypatch.context() as without:
        without.setenv("HNSW_BRIDGE_SERVER", "/nowhere/at/all")
        hnsw_bridge.shutdown()
        data = pickle.dumps(index)
    assert index.__getstate__()["release"] == hnsw_bridge.__version__
    for a, b in zip(expected, pickle.loads(data).query(ROWS), strict=True):
        np.testing.assert_array_equal(a, b)


def test_rows_taken_off_before_pickling_can_be_put_back_after_it():
    index = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=1)
    expected = index.query(ROWS)[0]
    rows = index._raw_data
    del index._raw_data
    again = pickle.loads(pickle.dumps(index))
    with pytest.raises(InvalidArgument, match="no rows: set its _raw_data"):
        again.query(ROWS)
    again._raw_data = rows
    np.testing.assert_array_equal(again.query(ROWS)[0], expected)


def test_a_random_state_shared_with_a_model_stays_shared():
    shared = np.random.RandomState(4)
    model = {"state": shared, "index": HnswIndexWrapper(ROWS, random_state=shared)}
    again = pickle.loads(pickle.dumps(model))
    assert again["index"].random_state is again["state"]
