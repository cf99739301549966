"""Rows go up in batches that keep to the limits; results come down whole, or not at all."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix, random

from hnsw_bridge._errors import InvalidArgument, ProtocolError
from hnsw_bridge._transfer import BytesDownload, HitsDownload, Upload, part

LIMITS = {
    "inlineBytes": 1000,
    "batchBytes": 4096,
    "maxDim": 1024,
    "maxSparseDim": 10**6,
    "maxRowEntries": 2000,
}
DENSE = np.arange(5000, dtype=np.float32).reshape(500, 10)
BITS = np.arange(20_000, dtype=np.uint8).reshape(400, 50)
SPARSE = random(300, 900, 0.05, format="csr", dtype=np.float32, random_state=3)


def _read(frames):
    with pa.ipc.open_stream(b"".join(frames)) as reader:
        column = reader.read_next_batch().column("rows")
    if not pa.types.is_list(column.type):
        return column.flatten().to_numpy().reshape(len(column), -1)
    values = column.values
    return (column.offsets, values.field("index"), values.field("value"))


def _dense(sent, width):
    if isinstance(sent, np.ndarray):
        return sent
    offsets, columns, values = (array.to_numpy() for array in sent)
    return csr_matrix((values, columns, offsets), (len(offsets) - 1, width)).toarray()


@pytest.mark.parametrize("rows", [DENSE, BITS, SPARSE], ids=["dense", "bits", "sparse"])
def test_batches_hold_all_rows_in_order_and_keep_to_the_limit(rows):
    upload = Upload([part(rows)], LIMITS)
    assert not upload.inline
    assert upload.inline_frames() == []
    received = []
    for header, frames in upload.next_batches(10**6):
        batch = _dense(_read(frames), rows.shape[1])
        assert header == {"op": "rows", "start": sum(map(len, received)), "count": len(batch)}
        assert sum(map(len, frames[2:])) <= LIMITS["batchBytes"] + 64
        received.append(batch)
    expected = rows if isinstance(rows, np.ndarray) else rows.toarray()
    np.testing.assert_array_equal(np.vstack(received), expected)
    assert len(received) > 4


def test_a_credit_is_the_right_to_one_batch():
    upload = Upload([part(DENSE)], LIMITS)
    assert len(list(upload.next_batches(2))) == 2
    assert len(list(upload.next_batches(1))) == 1
    assert next(iter(upload.next_batches(1)))[0]["start"] == 3 * (4096 // 40)


def test_no_batch_holds_rows_of_two_parts():
    upload = Upload([part(DENSE[:7]), part(DENSE[7:20])], LIMITS)
    assert not upload.inline, "inline is for one part alone"
    headers = [header for header, _ in upload.next_batches(10**6)]
    assert [(header["start"], header["count"]) for header in headers] == [(0, 7), (7, 13)]


@pytest.mark.parametrize("rows", [DENSE[:25], BITS[:20], SPARSE[:2]])
def test_few_rows_travel_inside_the_request(rows):
    upload = Upload([part(rows)], LIMITS)
    assert upload.inline
    sent = _dense(_read(upload.inline_frames()), rows.shape[1])
    expected = rows if isinstance(rows, np.ndarray) else rows.toarray()
    np.testing.assert_array_equal(sent, expected)
    assert list(upload.next_batches(5)) == []


@pytest.mark.parametrize("rows", [DENSE[:25], BITS[:20]])
def test_few_rows_go_bare_where_the_server_takes_them_so(rows):
    upload = Upload([part(rows)], LIMITS, takes_bare=True)
    assert upload.header() == {"inline": True, "bare": True}
    (body,) = upload.inline_frames()
    np.testing.assert_array_equal(np.frombuffer(body, rows.dtype).reshape(rows.shape), rows)


@pytest.mark.parametrize("rows", [SPARSE[:2], DENSE])
def test_sparse_rows_and_many_rows_never_go_bare(rows):
    assert "bare" not in Upload([part(rows)], LIMITS, takes_bare=True).header()


@pytest.mark.parametrize("rows", [DENSE[:0], SPARSE[:0]])
def test_no_rows_are_no_batches(rows):
    upload = Upload([part(rows)], LIMITS)
    assert upload.inline_frames() == []
    assert list(upload.next_batches(5)) == []


def test_a_sparse_row_larger_than_a_batch_is_a_batch_of_its_own_in_smaller_frames():
    long = csr_matrix(np.ones((1, 900), np.float32))
    rows = csr_matrix(np.vstack([SPARSE[:3].toarray(), long.toarray(), SPARSE[3:6].toarray()]))
    upload = Upload([part(rows)], LIMITS)
    batches = [(header["count"], frames) for header, frames in upload.next_batches(10**6)]
    assert (1, 900) in [(count, len(_read(frames)[2])) for count, frames in batches]
    assert sum(count for count, _ in batches) == 7
    assert all(len(frame) <= LIMITS["batchBytes"] for _, frames in batches for frame in frames)


def test_the_promise_tells_shape_and_form():
    assert part(DENSE).promise() == {"rows": 500, "dim": 10, "dtype": "float32"}
    assert part(BITS).promise() == {"rows": 400, "dim": 50, "dtype": "uint8"}
    assert part(SPARSE).promise() == {
        "rows": 300, "dim": 900, "dtype": "float32", "layout": "csr", "nnz": SPARSE.nnz,
    }  # fmt: skip


def test_what_no_batch_can_hold_is_refused_before_anything_is_sent():
    for rows, said in (
        (np.zeros((1, 2000), np.float32), "at most 1024 columns, got 2000"),
        (csr_matrix((1, 10**7), dtype=np.float32), "at most 1000000 columns, got 10000000"),
        (csr_matrix(np.ones((2, 2001), np.float32)), "at most 2000 entries, row 0 has 2001"),
    ):
        with pytest.raises(InvalidArgument, match=said):
            Upload([part(rows)], LIMITS)


def _bytes_frames(data):
    batch = pa.record_batch([pa.array(np.frombuffer(data, np.uint8))], names=["bytes"])
    return [batch.schema.serialize(), batch.serialize()]


def test_bytes_are_joined_in_order():
    download = BytesDownload()
    download.place({"total": 7, "start": 0, "count": 4, "last": False}, _bytes_frames(b"dump"))
    assert not download.done
    download.place({"total": 7, "start": 4, "count": 3, "last": True}, _bytes_frames(b"ed!"))
    assert download.done
    assert download.result() == b"dumped!"


@pytest.mark.parametrize(
    "header",
    [
        {"total": 4, "start": 1, "count": 4, "last": True},
        {"total": 4, "start": 0, "count": 3, "last": True},
        {"total": 9, "start": 0, "count": 4, "last": True},
        {"start": 0, "count": 4, "last": True},
    ],
)
def test_bytes_that_do_not_fit_are_a_protocol_error(header):
    with pytest.raises(ProtocolError):
        BytesDownload().place(header, _bytes_frames(b"dump"))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_an_empty_result_is_one_message(shape):
    download = HitsDownload()
    header = {"rows": shape[0], "k": shape[1], "start": 0, "count": 0, "last": True}
    download.place(header, [])
    assert download.done
    assert [array.shape for array in download.result()] == [shape, shape]
