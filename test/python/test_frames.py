"""The frames we write are Arrow as others read it, and hold our memory instead of a copy."""

import numpy as np
import pyarrow as pa
import pytest

from hnsw_bridge._errors import ProtocolError
from hnsw_bridge._protocol import (
    decode_bare_hits,
    decode_bytes,
    decode_header,
    decode_hits,
    encode_header,
    encode_rows,
    encode_sparse,
)
from hnsw_bridge._radius import estimates_download


def _rows(count, dim):
    return np.arange(count * dim, dtype=np.float32).reshape(count, dim)


@pytest.mark.parametrize(("count", "dim"), [(1, 1), (1, 3), (2, 3), (3, 5), (1337, 784)])
def test_the_frames_of_a_batch_are_one_arrow_stream(count, dim):
    rows = _rows(count, dim)
    frames = encode_rows(rows)
    with pa.ipc.open_stream(b"".join(frames)) as reader:
        assert reader.schema.names == ["rows"]
        batch = reader.read_next_batch()
    batch.validate(full=True)
    values = batch.column("rows").flatten().to_numpy().reshape(count, dim)
    np.testing.assert_array_equal(values, rows)


@pytest.mark.parametrize("count", [3, 4])
def test_the_schema_and_metadata_messages_are_frames_of_their_own(count):
    schema, metadata, body, *padding = encode_rows(_rows(count, 3))
    for message in (schema, metadata):
        assert message[:4] == b"\xff\xff\xff\xff"
        assert len(message) == 8 + int.from_bytes(message[4:8], "little")
        assert len(message) % 8 == 0
    assert (len(body) + sum(map(len, padding))) % 8 == 0


def test_the_body_frame_is_the_memory_of_the_rows():
    rows = _rows(1000, 16)
    body = encode_rows(rows[100:900])[2]
    sent = np.frombuffer(body, np.float32)
    assert sent.ctypes.data == rows[100:].ctypes.data
    assert sent.nbytes == 800 * 16 * 4


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int32"])
@pytest.mark.parametrize("dim", [1, 3, 8])
def test_rows_of_each_number_type_are_one_arrow_stream(dtype, dim):
    rows = np.arange(5 * dim).astype(dtype).reshape(5, dim)
    with pa.ipc.open_stream(b"".join(encode_rows(rows))) as reader:
        column = reader.read_next_batch().column("rows")
    np.testing.assert_array_equal(column.flatten().to_numpy().reshape(5, dim), rows)
    assert str(column.type.value_type) == {"float32": "float"}.get(dtype, dtype)


SPARSE_ROWS = {
    "two rows": ([0, 2, 3], [1, 4, 0], [0.5, 2, 3]),
    "an empty row first, between and last": ([0, 0, 1, 1, 1], [7], [1]),
    "empty rows only": ([0, 0, 0], [], []),
    "wide": ([0, 3], [0, 2**31 - 3, 2**31 - 2], [1, 2, 3]),
}


@pytest.mark.parametrize("frame_bytes", [8, 24, 4 << 20])
@pytest.mark.parametrize("rows", SPARSE_ROWS.values(), ids=SPARSE_ROWS.keys())
def test_sparse_rows_are_one_arrow_stream_cut_at_its_buffers(rows, frame_bytes):
    offsets, columns, values = (
        np.array(numbers, dtype)
        for numbers, dtype in zip(rows, (np.int32, np.uint32, np.float32), strict=True)
    )
    schema, metadata, *body = encode_sparse(offsets, columns, values, frame_bytes)
    with pa.ipc.open_stream(b"".join([schema, metadata, *body])) as reader:
        batch = reader.read_next_batch()
    batch.validate(full=True)
    lists = batch.column("rows")
    np.testing.assert_array_equal(lists.offsets.to_numpy(), offsets)
    np.testing.assert_array_equal(lists.values.field("index").to_numpy(), columns)
    np.testing.assert_array_equal(lists.values.field("value").to_numpy(), values)
    assert all(0 < len(frame) <= frame_bytes for frame in body)
    assert len(metadata) == 8 + int.from_bytes(metadata[4:8], "little")
    ends = np.cumsum([-(-array.nbytes // 8) * 8 for array in (offsets, columns)])
    assert set(ends) <= set(np.cumsum([0, *map(len, body)]))


def test_bytes_are_read_and_other_numbers_are_not():
    def stream(array):
        batch = pa.record_batch([pa.array(array)], names=["bytes"])
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return [sink.getvalue().to_pybytes()]

    np.testing.assert_array_equal(decode_bytes(stream(np.arange(9, dtype=np.uint8))), np.arange(9))
    for wrong in (np.arange(9, dtype=np.int8), [1, None], ["text"]):
        with pytest.raises(ProtocolError):
            decode_bytes(stream(wrong))


def _hits_stream(indices, distances):
    columns = []
    for array, kind in ((indices, pa.int32()), (distances, pa.float32())):
        values = pa.array(array.reshape(-1), type=kind)
        columns.append(pa.FixedSizeListArray.from_arrays(values, array.shape[1]))
    batch = pa.record_batch(columns, names=["indices", "distances"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("cut", [1, 7, 64, 10_000])
def test_a_result_is_read_however_its_frames_are_cut(cut):
    indices = np.arange(12, dtype=np.int32).reshape(4, 3)
    distances = np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3)
    stream = _hits_stream(indices, distances)
    frames = [memoryview(stream)[i : i + cut] for i in range(0, len(stream), cut)]
    hits = decode_hits(frames)
    np.testing.assert_array_equal(hits.indices, indices)
    np.testing.assert_array_equal(hits.distances, distances)


@pytest.mark.parametrize("stream", [b"", b"no arrow at all", b"\xff\xff\xff\xff\x10\x00\x00\x00"])
def test_an_unreadable_result_is_a_protocol_error(stream):
    with pytest.raises(ProtocolError):
        decode_hits([stream])


def test_a_result_of_other_types_is_a_protocol_error():
    wrong = np.zeros((2, 2), np.float32)
    stream = _hits_stream(np.zeros((2, 2), np.int32), wrong)
    swapped = stream.replace(b"indices", b"distanc").replace(b"distances", b"indicesss")
    with pytest.raises(ProtocolError):
        decode_hits([swapped])


def test_headers_are_compact_json_without_nan():
    assert encode_header({"op": "query", "k": 3}) == b'{"op":"query","k":3}'
    with pytest.raises(ValueError, match="JSON"):
        encode_header({"epsilon": float("nan")})


@pytest.mark.parametrize("frame", [b"", b"[]", b"{", b'{"id":1}', b"\xff\xfe", b'{"type":3}'])
def test_a_header_that_is_none_is_a_protocol_error(frame):
    with pytest.raises(ProtocolError):
        decode_header(frame)


def test_a_bare_result_is_indices_then_distances():
    indices, distances = np.arange(6, dtype=np.int32), np.linspace(0, 1, 6, dtype=np.float32)
    body = indices.tobytes() + distances.tobytes()
    for frames in ([body], [body[:5], body[5:]]):
        hits = decode_bare_hits(frames, 2, 3)
        np.testing.assert_array_equal(hits.indices, indices.reshape(2, 3))
        np.testing.assert_array_equal(hits.distances, distances.reshape(2, 3))
    with pytest.raises(ProtocolError):
        decode_bare_hits([body[:-1]], 2, 3)


def test_damaged_metadata_is_a_protocol_error_or_points_inside_the_batch():
    stream = _hits_stream(np.zeros((5, 3), np.int32), np.zeros((5, 3), np.float32))
    rng = np.random.default_rng(7)
    refused = 0
    for _ in range(2000):
        damaged = bytearray(stream)
        for at in rng.integers(0, 600, 2):
            damaged[at] = rng.integers(256)
        try:
            hits = decode_hits([bytes(damaged)])
        except ProtocolError:
            refused += 1
        else:
            assert hits.indices.nbytes <= len(stream)
    assert refused > 500


def _columns_stream(**columns):
    batch = pa.record_batch([pa.array(each) for each in columns.values()], names=[*columns])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return [sink.getvalue().to_pybytes()]


def test_tables_of_plain_numbers_are_put_together_in_order():
    download = estimates_download()
    part = {"part": "estimates", "last": False}
    of = {"counts": np.arange(5.0), "low": np.arange(5.0) - 1, "high": np.arange(5.0) + 1e-9}
    for start, count in ((0, 3), (3, 2)):
        some = {name: values[start : start + count] for name, values in of.items()}
        header = {**part, "start": start, "count": count, "last": start == 3}
        download.place(header, _columns_stream(**some))
    assert download.done
    for name, values in download.result().items():
        assert values.dtype == np.float64
        np.testing.assert_array_equal(values, of[name])


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": 1, "count": 2},
        {"start": 0, "count": 3},
        {"start": 0, "count": 2, "part": "hits"},
        {"count": 2},
    ],
)
def test_a_table_out_of_order_is_refused(wrong):
    ones = np.ones(2)
    with pytest.raises(ProtocolError):
        estimates_download().place(
            {"part": "estimates", **wrong}, _columns_stream(counts=ones, low=ones, high=ones)
        )
    header = {"part": "estimates", "start": 0, "count": 2}
    with pytest.raises(ProtocolError):
        estimates_download().place(header, _columns_stream(counts=np.ones(2, np.float32)))
