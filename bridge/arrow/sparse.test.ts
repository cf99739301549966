/** The reader of sparse batches against frames that a real Arrow library wrote, and against tampered ones. */
import { describe, expect, test } from "vitest";
import {
  type Csr,
  csrFrames,
  csrSlice,
  randomCsr,
  randomMatrix,
  rowFrames,
} from "../../test/protocol/support/arrow.ts";
import { sparseRows } from "./sparse.ts";

const refused = expect.objectContaining({ code: "ERR_PROTOCOL" });
const csr = randomCsr(40, 1000, 12, 71);
const entries = csr.data.length;
const frames = csrFrames(csr);
const accept = () => {};

function read(parts: readonly Uint8Array[], count = 40, most = entries) {
  const { counts, indices, values } = sparseRows(parts, { count, entries: most, weigh: accept });
  return {
    counts: [...counts],
    indices: [...new Uint32Array(Uint8Array.from(indices).buffer)],
    values: [...new Float32Array(Uint8Array.from(values).buffer)],
  };
}

function content({ indptr, indices, data }: Csr) {
  const counts = Array.from({ length: indptr.length - 1 }, (_, i) => (indptr[i + 1] ?? 0) - (indptr[i] ?? 0));
  return { counts, indices: [...indices], values: [...data] };
}

describe("sparse rows", () => {
  test("are_read_as_they_were_written", () => {
    expect(read(frames)).toEqual(content(csr));
    expect(read(csrFrames(csrSlice(csr, 7, 1)), 1)).toEqual(content(csrSlice(csr, 7, 1)));
  });

  test("without_any_entry_are_read", () => {
    const empty = { ...csr, indptr: new Int32Array(4), indices: new Uint32Array(), data: new Float32Array(), rows: 3 };
    expect(read(csrFrames(empty), 3)).toEqual({ counts: [0, 0, 0], indices: [], values: [] });
  });

  test("are_views_on_the_frames_where_the_body_is_in_one_piece", () => {
    const [schema, batch, body] = frames;
    const whole = sparseRows([schema, batch, body], { count: 40, entries, weigh: accept });
    expect(whole.joined).toBe(0);
    expect([whole.indices.buffer, whole.values.buffer]).toEqual([body.buffer, body.buffer]);
    const pieces = Array.from(body, (_, at) => body.subarray(at, at + 1));
    const cut = sparseRows([schema, batch, ...pieces], { count: 40, entries, weigh: accept });
    expect(cut).toEqual({ ...whole, joined: 8 * entries });
  });

  test("are_weighed_before_they_are_read", () => {
    const weigh = (seen: number) => {
      throw new Error(`weighed ${seen}`);
    };
    const [schema, batch] = frames;
    expect(() => sparseRows([schema, batch, Buffer.alloc(8)], { count: 40, entries, weigh })).toThrow(refused);
    expect(() => sparseRows(frames, { count: 40, entries, weigh })).toThrow(`weighed ${entries}`);
  });
});

describe("refused are", () => {
  /** The frames of three rows with five entries, with other offsets; these lie at the beginning of the body. */
  const withOffsets = (offsets: number[]) => {
    const five = {
      indices: Uint32Array.of(1, 2, 3, 4, 5),
      data: new Float32Array(5),
      indptr: Int32Array.of(0, 1, 1, 5),
    };
    const [schema, batch, body] = csrFrames({ ...five, rows: 3, dim: 9 });
    for (const [at, offset] of offsets.entries()) body.writeInt32LE(offset, 4 * at);
    return [schema, batch, body];
  };

  test.each([
    { name: "that_begin_above_0", offsets: [1, 2, 3, 5] },
    { name: "that_begin_below_0", offsets: [-1, 2, 3, 5] },
    { name: "that_fall", offsets: [0, 3, 2, 5] },
    { name: "that_end_early", offsets: [0, 1, 2, 4] },
    { name: "that_end_beyond_the_entries", offsets: [0, 1, 2, 6] },
    { name: "that_go_beyond_the_entries_and_back", offsets: [0, 2 ** 31 - 1, 2, 5] },
    { name: "that_are_hugely_negative", offsets: [0, -(2 ** 31), 2, 5] },
  ])("offsets_$name", ({ offsets }) => {
    expect(() => read(withOffsets(offsets), 3)).toThrow(refused);
    expect(read(withOffsets([0, 1, 1, 5]), 3).counts).toEqual([1, 0, 4]);
  });

  const [schema, batch, body] = frames;
  test.each([
    { name: "nothing", parts: [] },
    { name: "no_body", parts: [schema, batch] },
    { name: "a_short_body", parts: [schema, batch, body.subarray(8)] },
    { name: "dense_rows", parts: rowFrames(randomMatrix(40, 3, 1)) },
    { name: "a_dense_schema", parts: [rowFrames(randomMatrix(40, 3, 1))[0], batch, body] },
    { name: "fields_of_other_names", parts: csrFrames(csr, ["column", "value"]) },
    { name: "fields_in_another_order", parts: csrFrames(csr, ["value", "index"]) },
  ])("$name", ({ parts }) => {
    expect(() => read(parts)).toThrow(refused);
  });

  test.each([{ count: 39 }, { count: 41 }, { count: 40, most: entries - 1 }])("other_counts_%j", ({ count, most }) => {
    expect(() => read(frames, count, most)).toThrow(refused);
  });

  test("or_harmless_all_single_changed_bytes_of_the_metadata_and_the_offsets", () => {
    const offsetsEnd = 4 * 41;
    let seen = 0;
    for (const [which, frame] of frames.entries()) {
      for (let at = 0; at < (which === 2 ? offsetsEnd : frame.length); at++) {
        for (const mask of [0x01, 0x15, 0x80, 0xff]) {
          const copy = Buffer.from(frame);
          copy[at] = (copy[at] ?? 0) ^ mask;
          const parts = frames.map((part, i) => (i === which ? copy : part));
          try {
            const { counts, indices, values } = read(parts);
            expect([counts.length, indices.length, values.length]).toEqual([40, entries, entries]);
            expect(counts.reduce((sum, count) => sum + count, 0)).toBe(entries);
          } catch (error) {
            expect(error, `frame ${which}, byte ${at} ^ ${mask}`).toMatchObject({ code: "ERR_PROTOCOL" });
            seen++;
          }
        }
      }
    }
    expect(seen).toBeGreaterThan(500);
  });
});
