import fc from "fast-check";
import ndarray from "ndarray";
import { describe, expect, it } from "vitest";
import { HnswIndex, type MatrixInput, type MetricName, type Neighbors, RowBuffer } from "../../src/index.ts";
import { uniformRows } from "../support/random.ts";

const ROWS = 60;
const DIM = 5;
const OPTIONS = { nNeighbors: 6, algorithm: "exact" } as const;

/** Integers 0..99, so that every number type holds the same values. */
const whole = uniformRows(ROWS, DIM, 3).data.map((value) => Math.floor(value * 100));

function graphOf(rows: MatrixInput): Neighbors {
  return HnswIndex.buildSync(rows, OPTIONS).neighborGraphSync();
}

const expected = graphOf({ data: whole, shape: [ROWS, DIM] });

function expectSame(found: Neighbors): void {
  expect(found.indices.data).toEqual(expected.indices.data);
  expect(found.distances.data).toEqual(expected.distances.data);
}

/** The values in another place of a larger array, with unrelated values between them. */
function scattered(rowStride: number, columnStride: number, offset: number): Float32Array {
  const used = Array.from({ length: ROWS * DIM }, (_, i) => {
    return offset + Math.floor(i / DIM) * rowStride + (i % DIM) * columnStride;
  });
  const data = new Float32Array(Math.max(...used) + 3).fill(Number.NaN);
  used.forEach((place, i) => {
    data[place] = whole[i] as number;
  });
  return data;
}

describe("typed arrays", () => {
  const types = [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
  ];

  it.each(types.map((type) => [type.name, type] as const))("%s gives the same result", (_, type) => {
    expectSame(graphOf({ data: type.from(whole), shape: [ROWS, DIM] }));
    expectSame(graphOf(ndarray(type.from(whole), [ROWS, DIM])));
  });

  it.each([BigInt64Array, BigUint64Array].map((type) => [type.name, type] as const))(
    "%s gives the same result",
    (_, type) => {
      const data = type.from(Array.from(whole, BigInt));
      expectSame(graphOf({ data, shape: [ROWS, DIM] }));
      expectSame(graphOf(ndarray(data, [ROWS, DIM])));
    },
  );

  it("a Buffer counts as bytes", () => {
    expectSame(graphOf({ data: Buffer.from(Uint8Array.from(whole)), shape: [ROWS, DIM] }));
  });

  it("memory shared between threads gives the same result", () => {
    const data = new Float32Array(new SharedArrayBuffer(4 * whole.length));
    data.set(whole);
    expectSame(graphOf({ data, shape: [ROWS, DIM] }));
  });
});

describe("strides", () => {
  it.each([
    { title: "Fortran order", rowStride: 1, columnStride: ROWS, offset: 0 },
    { title: "rows with gaps", rowStride: DIM + 4, columnStride: 1, offset: 2 },
    { title: "every third value", rowStride: 3 * DIM, columnStride: 3, offset: 1 },
    { title: "rows back to front", rowStride: -DIM, columnStride: 1, offset: (ROWS - 1) * DIM },
    { title: "columns back to front", rowStride: DIM, columnStride: -1, offset: DIM - 1 },
    { title: "all back to front", rowStride: -2 * DIM, columnStride: -2, offset: 2 * ROWS * DIM - 2 },
  ])("$title gives the same result", ({ rowStride, columnStride, offset }) => {
    const data = scattered(rowStride, columnStride, offset);
    const stride: [number, number] = [rowStride, columnStride];
    expectSame(graphOf({ data, shape: [ROWS, DIM], stride, offset }));
    expectSame(graphOf(ndarray(data, [ROWS, DIM], stride, offset)));
  });

  it("views made by ndarray give the same result", () => {
    const wide = ndarray(new Float64Array(2 * ROWS * 2 * DIM), [2 * ROWS, 2 * DIM]).step(2, -2);
    const transposed = ndarray(new Int16Array(ROWS * DIM), [DIM, ROWS]).transpose(1, 0);
    for (const view of [wide, transposed]) {
      whole.forEach((value, i) => {
        view.set(Math.floor(i / DIM), i % DIM, value);
      });
      expectSame(graphOf(view));
    }
  });

  it("repeated rows may share their memory", () => {
    const index = HnswIndex.buildSync({ data: Float32Array.of(1, 2), shape: [4, 2], stride: [0, 1] });
    expect([...index.querySync([[1, 2]], { k: 4 }).distances.data]).toEqual([0, 0, 0, 0]);
  });

  it("any strides give what a copy gives", () => {
    const stride = fc.integer({ min: -9, max: 9 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 4 }),
        stride,
        stride,
        (rows, dim, s0, s1) => {
          const lowest = Math.min(0, (rows - 1) * s0) + Math.min(0, (dim - 1) * s1);
          const data = Float64Array.from({ length: 200 }, (_, i) => (i * 37) % 101);
          const at = (row: number, column: number) => data[-lowest + row * s0 + column * s1] as number;
          const copy = Array.from({ length: rows }, (_, row) =>
            Array.from({ length: dim }, (_, column) => at(row, column)),
          );
          const options = { nNeighbors: rows };
          const view = HnswIndex.buildSync({ data, shape: [rows, dim], stride: [s0, s1], offset: -lowest }, options);
          expect(view.neighborGraphSync()).toEqual(HnswIndex.buildSync(copy, options).neighborGraphSync());
        },
      ),
      { seed: 11, numRuns: 100 },
    );
  });
});

describe("arrays of rows", () => {
  const nested = Array.from({ length: ROWS }, (_, row) => [...whole.subarray(row * DIM, (row + 1) * DIM)]);

  it("number[][] gives the same result", () => expectSame(graphOf(nested)));

  it("rows may be typed arrays", () => expectSame(graphOf(nested.map((row) => Float64Array.from(row)))));

  it("a flat number[] with its shape gives the same result", () => {
    expectSame(graphOf({ data: [...whole], shape: [ROWS, DIM] }));
    expectSame(graphOf(ndarray([...whole], [ROWS, DIM])));
  });
});

describe("RowBuffer", () => {
  const bytes = new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength);

  it("filled in batches at odd addresses gives the same result", () => {
    const rows = RowBuffer.allocate(ROWS, DIM);
    for (let start = 0; start < ROWS; start += 7) {
      const batch = bytes.subarray(start * DIM * 4, (start + 7) * DIM * 4);
      const odd = new Uint8Array(batch.length + 1);
      odd.set(batch, 1);
      rows.write(start, odd.subarray(1));
      expect(rows.rowsWritten).toBe(Math.min(ROWS, start + 7));
    }
    expectSame(graphOf(rows));
  });

  it("rows may be written again", () => {
    const rows = RowBuffer.allocate(ROWS, DIM);
    rows.write(0, new Uint8Array(bytes.length));
    rows.write(0, bytes);
    expect(rows.rowsWritten).toBe(ROWS);
    expectSame(graphOf(rows));
  });

  it("gives its content away once", async () => {
    const rows = RowBuffer.allocate(ROWS, DIM);
    rows.write(0, bytes);
    await HnswIndex.build(rows);
    expect(() => rows.write(0, bytes)).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
    await expect(HnswIndex.build(rows)).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  it("keeps its content when the options are refused", async () => {
    const rows = RowBuffer.allocate(ROWS, DIM);
    rows.write(0, bytes);
    await expect(HnswIndex.build(rows, { metric: "nope" as MetricName })).rejects.toMatchObject({
      code: "ERR_UNKNOWN_METRIC",
    });
    expectSame(graphOf(rows));
  });

  it("serves as queries, also without rows", () => {
    const index = HnswIndex.buildSync(ndarray(whole, [ROWS, DIM]), OPTIONS);
    const queries = RowBuffer.allocate(ROWS, DIM);
    queries.write(0, bytes);
    expect(index.querySync(queries, { k: 6 }).distances.data).toEqual(expected.distances.data);
    expect(index.querySync(RowBuffer.allocate(0, DIM)).indices.shape).toEqual([0, 10]);
  });

  it.each([
    { title: "a gap", start: 3, length: DIM * 4, code: "ERR_INVALID_ARGUMENT" },
    { title: "rows beyond the end", start: 0, length: (ROWS + 1) * DIM * 4, code: "ERR_INVALID_ARGUMENT" },
    { title: "part of a row", start: 0, length: DIM * 4 + 4, code: "ERR_DIMENSION_MISMATCH" },
    { title: "part of a value", start: 0, length: DIM * 4 + 1, code: "ERR_INVALID_ARGUMENT" },
    { title: "a negative start", start: -1, length: DIM * 4, code: "ERR_INVALID_ARGUMENT" },
  ])("refuses $title", ({ start, length, code }) => {
    const rows = RowBuffer.allocate(ROWS, DIM);
    expect(() => rows.write(start, new Uint8Array(length))).toThrow(expect.objectContaining({ code }));
    expect(rows.rowsWritten).toBe(0);
  });

  it("refuses NaN naming row and column", () => {
    const rows = RowBuffer.allocate(3, 2);
    const values = Float32Array.of(1, 2, 3, Number.NaN);
    expect(() => rows.write(0, new Uint8Array(values.buffer))).toThrow(
      expect.objectContaining({ code: "ERR_NON_FINITE", message: expect.stringContaining("row 1, column 1") }),
    );
  });

  it("must be full before it is used", async () => {
    const rows = RowBuffer.allocate(ROWS, DIM);
    rows.write(0, bytes.subarray(0, 10 * DIM * 4));
    const message = expect.stringContaining(`10 of ${ROWS} rows`);
    await expect(HnswIndex.build(rows)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT", message });
  });

  it("refuses sizes that no machine has", () => {
    const refused = (code: string) => expect.objectContaining({ code });
    expect(() => RowBuffer.allocate(2 ** 31 - 1, 2 ** 24)).toThrow(refused("ERR_OUT_OF_MEMORY"));
    for (const [rows, dim] of [[2 ** 31, 1] as const, [1, 0] as const, [1, 2 ** 25] as const, [1.5, 1] as const]) {
      expect(() => RowBuffer.allocate(rows, dim)).toThrow(refused("ERR_INVALID_ARGUMENT"));
    }
  });

  it("is closed after dispose", () => {
    const rows = RowBuffer.allocate(1, 2);
    rows[Symbol.dispose]();
    expect(() => rows.write(0, new Uint8Array(8))).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
  });
});

describe("the caller's rows", () => {
  it("are never changed, also by cosine", async () => {
    const { data, shape } = uniformRows(100, 8);
    const before = data.slice();
    const index = await HnswIndex.build({ data, shape }, { metric: "cosine" });
    await index.query({ data, shape });
    await index.neighborGraph();
    expect(data).toEqual(before);
  });

  it("may be changed once the call has settled", async () => {
    const { data, shape } = uniformRows(100, 8);
    const index = await HnswIndex.build({ data, shape }, { nNeighbors: 5 });
    const before = index.neighborGraphSync();
    data.fill(0);
    const queried = await index.query(uniformRows(100, 8), { k: 5 });
    expect(queried.distances.data).toEqual(before.distances.data);
  });

  it("are copied a few milliseconds at a time, with turns for others", async () => {
    const data = new Float64Array(6_000_000).fill(1);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await HnswIndex.build({ data, shape: [60_000, 100] });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });
});
