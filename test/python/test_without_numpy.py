"""Without numpy the index takes lists and buffers, and answers with memoryviews what it answers."""

import ctypes
import json
import os
import pickle
import subprocess
import sys
from array import array

import numpy as np
import pytest

from hnsw_bridge import CorruptFile, EmptyIndex, InvalidArgument, _mersenne
from hnsw_bridge._matrix import as_float32
from hnsw_bridge._memory import InMemory, cap, copied, matrix, view
from hnsw_bridge._pickling import Kept, from_state, to_state

ROWS = [[1, 2.5, -3], [4, 0, 1e-3]]


@pytest.fixture(scope="module")
def reports():
    """What the same program prints with numpy, and without."""
    programs = os.path.join(os.path.dirname(__file__), "programs")
    command = [sys.executable, os.path.join(programs, "answers.py")]
    printed = (
        subprocess.run([*command, *more], capture_output=True, text=True, check=True).stdout
        for more in ([], ["without-numpy"])
    )
    return [json.loads(each)["answers"] for each in printed]


TOPICS = (
    *("query", "neighbor_graph", "metrics", "update"),
    *("prepare", "batches", "bad_input", "pickling"),
)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_program_without_numpy_gets_the_same_answers(reports, topic):
    with_numpy, without = (report[topic] for report in reports)
    assert with_numpy == without
    assert len(with_numpy) > 1


def test_the_program_has_no_other_topics(reports):
    assert sorted(reports[0]) == sorted(TOPICS)


def _ctypes_array(kind):
    return ((kind * 3) * 2)(*(tuple(map(int, row)) for row in ROWS))


_FLOATS = array("f", [x for row in ROWS for x in row])
BUFFERS = {
    **{
        letter: memoryview(array(letter, range(6))).cast("B").cast(letter, (2, 3))
        for letter in "bBhHiIlLqQfd"
    },
    "bool": memoryview(bytes([1, 0, 1, 1, 0, 0])).cast("?", (2, 3)),
    "every second row": memoryview(array("f", range(12))).cast("B").cast("f", (4, 3))[::2],
    "backwards": memoryview(_FLOATS).cast("B").cast("f", (2, 3))[::-1],
    "not aligned": memoryview(b"." + _FLOATS.tobytes())[1:].cast("f", (2, 3)),
    "ctypes float": _ctypes_array(ctypes.c_float),
    "ctypes long": _ctypes_array(ctypes.c_long),
    "lists": ROWS,
    "tuples": tuple(map(tuple, ROWS)),
    "rows that are buffers": [array("d", row) for row in ROWS],
    "ranges": [range(3), range(3, 6)],
    "beyond float32": [[1e300, -1e300, 1e-300]],
}


@pytest.mark.parametrize("data", BUFFERS.values(), ids=BUFFERS.keys())
def test_rows_are_taken_as_numpy_takes_them(data):
    taken = InMemory().stored(data)
    expected = as_float32(data, "data")
    assert (taken.format, taken.shape, taken.readonly) == ("f", expected.shape, False)
    assert taken.tobytes() == expected.tobytes()


def test_rows_are_a_copy():
    mine = memoryview(array("f", range(6))).cast("B").cast("f", (2, 3))
    taken = InMemory().given(mine, 3, "query_data")
    mine[0, 0] = 99
    assert taken[0, 0] == 0


class _Structure(ctypes.Structure):
    _fields_ = (("number", ctypes.c_int),)


WRONG = {
    "no rows of a width": (BUFFERS["f"][:0], EmptyIndex),
    "no columns": ([[], []], InvalidArgument),
    "structures": ((_Structure * 2)(), InvalidArgument),
    "a generator": ((row for row in ROWS), InvalidArgument),
    "a dict": ({1: 2}, InvalidArgument),
    "bytes": (b"abc", InvalidArgument),
    "numbers among rows": ([[1, 2], 3], InvalidArgument),
    "complex": ([[1j]], InvalidArgument),
    "far beyond double": ([[10**400]], InvalidArgument),
}


@pytest.mark.parametrize(("data", "error"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_matrix_is_refused(data, error):
    with pytest.raises(error, match="data must"):
        InMemory().stored(data)


def test_rows_are_replaced_in_order_and_stacked():
    form = InMemory()
    rows, other = form.stored([[i, i] for i in range(4)]), form.stored([[7, 7], [8, 8], [9, 9]])
    changed = form.replaced(rows, [2, 0, 2], other)
    assert changed.tolist() == [[8, 8], [1, 1], [9, 9], [3, 3]]
    assert rows.tolist() == [[i, i] for i in range(4)]
    assert form.stacked(rows[:1], other[:2]).tolist() == [[0, 0], [7, 7], [8, 8]]


def test_matrices_may_be_without_rows_or_columns():
    for rows, columns, shape in ((0, 3, (0, 3)), (2, 0, (0,)), (0, 0, (0,))):
        made = matrix(rows, columns, "f")
        assert made.shape == copied(made).shape == shape
        assert view(b"", "i", (rows, columns)).shape == shape


def test_only_distances_with_a_neighbour_are_capped():
    distances, indices = matrix(1, 3, "f"), matrix(1, 3, "i")
    for column, (distance, index) in enumerate([(0.5, 4), (1.0000001, 2), (float("inf"), -1)]):
        distances[0, column], indices[0, column] = distance, index
    cap(distances, indices, 1)
    assert distances.tolist() == [[0.5, 1, float("inf")]]


@pytest.mark.parametrize("seed", [0, 1, 42, 2**31, 2**32 - 1])
def test_an_int_seeds_what_it_seeds_in_numpy(seed):
    ours, state = _mersenne.words(seed), np.random.RandomState(seed)
    for low, high in ((-2147483647, 2147483646), (0, 2**62), (-5, 10), (0, 2**40 + 1)):
        drawn = state.randint(low, high, 300, dtype=np.int64)
        assert [_mersenne.between(ours, low, high) for _ in range(300)] == drawn.tolist()


def test_a_pickle_of_plain_memory_becomes_an_array_and_is_checked():
    rows = InMemory().stored(ROWS)
    state = pickle.loads(pickle.dumps(to_state(Kept({}, 3, rows, None))))
    again = from_state(state).rows
    np.testing.assert_array_equal(again, np.array(ROWS, np.float32))
    assert again.flags.writeable
    damaged = bytearray(state["rows"]["arrays"][0])
    damaged[5] ^= 1
    with pytest.raises(CorruptFile, match="damaged"):
        from_state({**state, "rows": {**state["rows"], "arrays": (bytes(damaged),)}})


def test_a_numpy_that_is_there_and_broken_is_not_passed_over(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('built for another Python')")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", "import hnsw_bridge"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "built for another Python" in done.stderr
