"""Indexes in files: what comes back, and what becomes of files that were changed or are foreign."""

import json
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import (
    CorruptFile,
    FileError,
    HnswIndexWrapper,
    InvalidArgument,
    UnsupportedVersion,
    _container,
    _files,
)

ROWS = gaussian(150, 5)
BITS = np.random.RandomState(3).randint(0, 256, (120, 4)).astype(np.uint8)
SPARSE = sp.random(130, 40, 0.2, "csr", np.float32, random_state=4)
CASES = {
    "euclidean": (ROWS, {}),
    "cosine, whose rows the engine changes": (ROWS, {"metric": "cosine"}),
    "seuclidean": (ROWS, {"metric": "seuclidean", "metric_kwds": {"V": np.arange(1.0, 6)}}),
    "whole numbers": (np.arange(900).reshape(150, 6) % 97, {"quantization": "uint8"}),
    "sparse": (SPARSE, {"metric": "cosine"}),
    "sparse array": (sp.csr_array(SPARSE), {}),
    "bits": (BITS, {"metric": "bit_jaccard"}),
    "random state": (ROWS, {"random_state": np.random.RandomState(8)}),
    "compressed": (ROWS, {"compressed": True}),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "index.hnsw"


@pytest.mark.parametrize(("rows", "options"), CASES.values(), ids=CASES.keys())
def test_a_loaded_index_is_the_one_that_was_saved(rows, options, path):
    index = HnswIndexWrapper(rows, n_neighbors=6, **options)
    if not options.get("compressed"):
        graph = index.neighbor_graph
    index.save(path)
    again = HnswIndexWrapper.load(path)
    queries = rows[:9]
    for found, expected in zip(again.query(queries), index.query(queries), strict=True):
        np.testing.assert_array_equal(found, expected)
    if not options.get("compressed"):
        np.testing.assert_array_equal(again.neighbor_graph[0], graph[0])
        assert again.stats()["graph_builds"] == 0
        assert again.stats()["search_builds"] == 0
    own = set(index.__dict__) - {"_lock", "_remote_index", "_graph", "_products", "_rows"}
    for name in own - {"random_state", "metric_kwds", "rng_state", "search_rng_state"}:
        assert getattr(again, name) == getattr(index, name), name
    np.testing.assert_array_equal(again.rng_state, index.rng_state)
    kept, given = again._raw_data, index._raw_data
    assert type(kept) is type(given)
    if sp.issparse(given):
        assert (kept != given).nnz == 0
    else:
        np.testing.assert_array_equal(kept, given)


def test_it_goes_on_as_any_other(path):
    index = HnswIndexWrapper(ROWS, n_neighbors=5, random_state=np.random.RandomState(8))
    index.save(path)
    again = hnsw_bridge.load(path)
    fresh = gaussian(20, 5) + 1
    for each in (index, again):
        each.update(fresh, ROWS[:2] * 2, [4, 9])
    np.testing.assert_array_equal(again.neighbor_graph[0], index.neighbor_graph[0])
    assert again.random_state.randint(10**9) == index.random_state.randint(10**9)
    again.save(path)
    assert hnsw_bridge.load(path)._raw_data.shape == (170, 5)


def test_rows_outlive_the_server(path):
    HnswIndexWrapper(ROWS, metric="cosine", n_neighbors=5).save(path)
    again = hnsw_bridge.load(path)
    before = again.query(ROWS[:5])
    again._remote_index.close()
    for found, expected in zip(again.query(ROWS[:5]), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it(path):
    path.write_bytes(b"before")
    path.chmod(0o640)
    index = HnswIndexWrapper(ROWS)
    index.save(path)
    index.save(str(path))
    assert os.listdir(path.parent) == ["index.hnsw"]
    assert path.stat().st_mode & 0o777 == 0o640
    for bad in (path.parent, path.parent / "no" / "folder", "/dev/null"):
        with pytest.raises(FileError) as caught:
            index.save(bad)
        assert isinstance(caught.value, OSError)
        assert caught.value.code == "ERR_FILE"
    assert os.listdir(path.parent) == ["index.hnsw"]


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for bad in (tmp_path / "nothing", tmp_path, tmp_path / "pipe"):
        with pytest.raises(FileError):
            hnsw_bridge.load(bad)


def test_functions_cannot_be_saved(path):
    numba = pytest.importorskip("numba")
    index = HnswIndexWrapper(
        ROWS[:30], metric=numba.njit(lambda x, y: np.abs(x - y).sum()), n_neighbors=5
    )
    with pytest.raises(InvalidArgument, match="function"):
        index.save(path)
    assert not path.exists()


def test_a_flipped_byte_anywhere_is_found(path):
    HnswIndexWrapper(ROWS[:20], metric="cosine", n_neighbors=3).save(path)
    data = path.read_bytes()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << (at % 8)
        with pytest.raises((CorruptFile, UnsupportedVersion)):
            _files.load(damaged)
    for length in [*range(300), *range(300, len(data), 97)]:
        with pytest.raises(CorruptFile):
            _files.load(data[:length])


def test_a_damaged_file_is_refused_before_a_server_sees_it(path):
    HnswIndexWrapper(ROWS[:20], n_neighbors=5).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match=r"section \d+"):
        hnsw_bridge.load(path)


def _with_attachment(data, change):
    """The file with another attachment, and right checksums."""
    found = _container.sections(data)
    added = bytes(found[_container.ATTACHMENT])
    changed = change(added)
    assert len(changed) == len(added)
    out = bytearray(data)
    count = struct.unpack_from("<I", out, 12)[0]
    for entry in range(64, 64 + 32 * count, 32):
        kind, _, offset, length = struct.unpack_from("<IIQQ", out, entry)
        if kind == _container.ATTACHMENT:
            out[offset : offset + length] = changed
            struct.pack_into("<I", out, entry + 4, zlib.crc32(changed))
    table = bytes(out[32 : 64 + 32 * count])
    struct.pack_into("<I", out, 24, zlib.crc32(table, zlib.crc32(out[:24])))
    return out


def test_forged_attributes_are_refused_or_taken_and_run_nothing(path):
    HnswIndexWrapper(ROWS[:20], metric="cosine", random_state=3, n_neighbors=5).save(path)
    data = path.read_bytes()
    draw = random.Random(5)
    outcomes = set()
    for _ in range(400):

        def change(added):
            changed = bytearray(added)
            for _ in range(draw.randint(1, 4)):
                changed[draw.randrange(len(changed))] = draw.randrange(256)
            return bytes(changed)

        try:
            _files.load(_with_attachment(data, change))
            outcomes.add("taken")
        except CorruptFile:
            outcomes.add("refused")
    assert outcomes == {"taken", "refused"}


def test_lengths_in_an_attachment_are_bounded_by_it():
    plain = {"python": 1, "attributes": {}, "rows": None}
    for arrays in (
        [{"dtype": "<f4", "length": 10**12}],
        [{"dtype": "<f4", "length": -1}],
        [{"dtype": "O", "length": 1}],
        [{"dtype": "nonsense", "length": 1}],
        "no list",
    ):
        text = json.dumps({**plain, "arrays": arrays}).encode()
        with pytest.raises(CorruptFile):
            _files._taken_apart(memoryview(struct.pack("<Q", len(text)) + text + bytes(64)))
    with pytest.raises(CorruptFile):
        _files._taken_apart(memoryview(struct.pack("<Q", 2**63) + b"{}"))


def test_a_file_that_typescript_wrote_is_loaded_and_the_other_way_round(path):
    stored = Path(__file__).parents[1] / "files" / "version-1"
    answers = json.loads((stored / "answers.json").read_text())
    for name in ("euclidean", "cosine", "bits"):
        index = hnsw_bridge.load(stored / f"{name}.hnsw")
        graph, _ = index.neighbor_graph
        assert graph.ravel().tolist() == answers[name]["graph"]["indices"]
        assert index.n_neighbors == 4
    # Its rows are stored under the weights; nobody can tell what they were.
    with pytest.raises(InvalidArgument, match="wminkowski"):
        hnsw_bridge.load(stored / "wminkowski.hnsw")
    index = HnswIndexWrapper(ROWS, metric="cosine", n_neighbors=5)
    index.save(path)
    script = (
        "import { HnswIndex } from 'hnsw-bridge';"
        f"const index = await HnswIndex.load({json.dumps(str(path))}, {{ mmap: true }});"
        "console.log(index.neighborGraphSync().indices.data.join())"
    )
    root = Path(__file__).parents[2]
    command = ["node", "--input-type=module", "-e", script]
    text = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    assert text.strip() == ",".join(map(str, index.neighbor_graph[0].ravel()))


def test_loading_imports_no_pickle_of_the_file(path):
    HnswIndexWrapper(ROWS[:20], n_neighbors=5).save(path)
    code = (
        "import sys, pickle, hnsw_bridge\n"
        "pickle.loads = pickle.load = pickle.Unpickler = None\n"
        "print(hnsw_bridge.load(sys.argv[1])._raw_data.shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(20, 5)"
