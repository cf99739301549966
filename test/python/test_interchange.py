"""Rows of other programs' files, and files that are not what they say."""

import struct
from pathlib import Path

import numpy as np
import pytest

from datasets import gaussian
from hnsw_bridge import CorruptFile, FileError, InvalidArgument
from hnsw_bridge.interchange import read_hnswlib, read_rows, write_rows

ROWS = gaussian(40, 6)
HNSWLIB = Path(__file__).parents[1] / "files" / "hnswlib"


@pytest.mark.parametrize("suffix", [".npy", ".fvecs", ".arrow", ".feather", ".parquet", ".NPY"])
def test_rows_come_back(suffix, tmp_path):
    path = tmp_path / f"rows{suffix}"
    write_rows(path, ROWS)
    table = read_rows(path)
    np.testing.assert_array_equal(table.rows, ROWS)
    assert table.rows.dtype == np.float32
    assert table.ids is None
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("suffix", "dtype"), [(".ivecs", np.int32), (".bvecs", np.uint8)])
def test_whole_numbers_come_back_and_others_are_refused(suffix, dtype, tmp_path):
    whole = np.arange(60).reshape(12, 5)
    write_rows(tmp_path / f"rows{suffix}", whole)
    rows = read_rows(tmp_path / f"rows{suffix}").rows
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows, whole)
    with pytest.raises(InvalidArgument, match="hold"):
        write_rows(tmp_path / f"rows{suffix}", whole + 0.5)


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
@pytest.mark.parametrize("ids", [np.arange(40) * 7, [f"row {i}" for i in range(40)]])
def test_ids_come_back(suffix, ids, tmp_path):
    path = tmp_path / f"rows{suffix}"
    write_rows(path, ROWS, ids)
    table = read_rows(path)
    assert list(table.ids) == list(ids)
    np.testing.assert_array_equal(table.rows, ROWS)


def test_tables_of_other_programs_are_read(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    path = tmp_path / "other.parquet"
    lists = pa.array(ROWS.astype(np.float64).tolist())
    table = pa.table({"name": ["x"] * 40, "embedding": lists, "id": range(40)})
    pyarrow.parquet.write_table(table, path)
    found = read_rows(path)
    np.testing.assert_array_equal(found.rows, ROWS)
    assert found.ids.tolist() == list(range(40))
    for bad in (
        {"a": [1, 2]},
        {"a": lists, "b": lists},
        {"a": pa.array([[1.0], [1.0, 2.0]])},
        {"a": pa.array([[1.0], None])},
        {"a": pa.array([["x"], ["y"]])},
    ):
        pyarrow.parquet.write_table(pa.table(bad), path)
        with pytest.raises(CorruptFile):
            read_rows(path)


def test_files_that_are_not_what_they_say_are_refused(tmp_path):
    for suffix in (".npy", ".fvecs", ".ivecs", ".bvecs", ".arrow", ".parquet"):
        path = tmp_path / f"bad{suffix}"
        for content in (
            b"x",
            bytes(100),
            b"\x93NUMPY\x01\x00",
            struct.pack("<i", 2**31 - 1) + bytes(60),
        ):
            path.write_bytes(content)
            with pytest.raises(CorruptFile):
                read_rows(path)
    rows = bytearray()
    for dim in (3, 3, 4):
        rows += struct.pack("<i3f", dim, 1, 2, 3)
    (tmp_path / "uneven.fvecs").write_bytes(rows)
    with pytest.raises(CorruptFile, match="row 2 has 4"):
        read_rows(tmp_path / "uneven.fvecs")
    np.save(tmp_path / "objects.npy", np.array([[{}]], object), allow_pickle=True)
    with pytest.raises(CorruptFile):
        read_rows(tmp_path / "objects.npy")
    with pytest.raises(FileError):
        read_rows(tmp_path / "nothing.npy")
    with pytest.raises(InvalidArgument, match=r"\.csv"):
        read_rows(tmp_path / "rows.csv")
    with pytest.raises(InvalidArgument, match="ids"):
        write_rows(tmp_path / "rows.npy", ROWS, range(40))
    with pytest.raises(InvalidArgument, match="matrix"):
        write_rows(tmp_path / "rows.npy", ROWS[0])


def test_rows_and_labels_of_hnswlib_are_read_without_the_deleted_ones():
    plain, deleted = read_hnswlib(HNSWLIB / "l2.bin"), read_hnswlib(HNSWLIB / "deleted.bin")
    assert plain.rows.shape == (200, 6)
    assert plain.ids.tolist() == [1000 + 3 * i for i in range(200)]
    assert set(plain.ids) - set(deleted.ids) == {1003, 1300}
    np.testing.assert_array_equal(deleted.rows[1], plain.rows[2])


def test_an_hnswlib_file_that_lies_is_refused(tmp_path):
    good = (HNSWLIB / "l2.bin").read_bytes()
    path = tmp_path / "liar.bin"
    liars = [good[:length] for length in (0, 90, 96, 500)]
    for at, value in ((16, 2**40), (16, 2**61), (24, 0), (32, 2**64 - 8), (40, 0), (72, 2**61)):
        liars.append(good[:at] + struct.pack("<Q", value) + good[at + 8 :])
    for liar in liars:
        path.write_bytes(liar)
        with pytest.raises(CorruptFile):
            read_hnswlib(path)
