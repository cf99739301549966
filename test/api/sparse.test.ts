import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BuildOptions,
  HnswError,
  HnswIndex,
  type MatrixInput,
  type Neighbors,
  RowBuffer,
  SparseBuffer,
  type SparseMatrix,
} from "../../src/index.ts";
import { type Csr, csrOf, denseOf, sparsePart, sparseRows } from "../support/sparse.ts";

const OPTIONS = { nNeighbors: 6, algorithm: "exact" } as const;

function graphOf(rows: MatrixInput, options: BuildOptions = OPTIONS): Neighbors {
  return HnswIndex.buildSync(rows, options).neighborGraphSync();
}

/** Whole numbers from 1 to 99, so that every number type holds the same values. */
const small = sparseRows(60, 50, 7);
const whole: Csr = { ...small, data: small.data.map((value) => Math.floor(value * 90)) };
const expected = graphOf(whole);

describe("sparse rows", () => {
  it("give what the same rows give with all their columns", () => {
    expect(graphOf(denseOf(whole))).toEqual(expected);
    expect(HnswIndex.buildSync(whole).form).toBe("sparse");
  });

  const integers = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array];
  it.each(integers.map((type) => [type.name, type] as const))("columns and values may be a %s", (_, type) => {
    expect(graphOf({ ...whole, indices: type.from(whole.indices), data: type.from(whole.data) })).toEqual(expected);
  });

  it.each([BigInt64Array, BigUint64Array].map((type) => [type.name, type] as const))("may be a %s", (_, type) => {
    const big = (values: ArrayLike<number>) => type.from(Array.from(values, BigInt));
    const same = { ...whole, indptr: big(whole.indptr), indices: big(whole.indices), data: big(whole.data) };
    expect(graphOf(same)).toEqual(expected);
  });

  it("may be plain arrays, doubles, and memory shared between threads", () => {
    const lists = { indptr: [...whole.indptr], indices: [...whole.indices], data: [...whole.data], shape: whole.shape };
    expect(graphOf(lists)).toEqual(expected);
    const shared = new Float32Array(new SharedArrayBuffer(4 * whole.data.length));
    shared.set(whole.data);
    for (const data of [Float64Array.from(whole.data), shared]) expect(graphOf({ ...whole, data })).toEqual(expected);
  });

  it("may have their columns in any order, doubles that are summed, and zeros", () => {
    const messy: Required<Record<"indices" | "data" | "indptr", number[]>> = { indptr: [0], indices: [], data: [] };
    for (let row = 0; row < 60; row++) {
      for (let at = (whole.indptr[row + 1] as number) - 1; at >= (whole.indptr[row] as number); at--) {
        const value = whole.data[at] as number;
        messy.indices.push(whole.indices[at] as number, 49 - (row % 50), whole.indices[at] as number);
        messy.data.push(value - 1, 0, 1);
      }
      messy.indptr.push(messy.indices.length);
    }
    expect(graphOf({ ...messy, shape: whole.shape })).toEqual(expected);
  });

  it("may be empty", () => {
    const rows = csrOf([new Map([[3, 2]]), new Map(), new Map([[3, 2]]), new Map()], 5);
    const { indices, distances } = graphOf(rows, { nNeighbors: 2 });
    expect([...indices.data]).toEqual([0, 2, 1, 3, 2, 0, 3, 1]);
    expect([...distances.data]).toEqual(Array(8).fill(0));
  });

  it("are never changed", async () => {
    const [indptr, indices, data] = [whole.indptr.slice(), whole.indices.slice(), whole.data.slice()];
    const index = await HnswIndex.build(whole, { metric: "cosine" });
    await index.query(whole);
    expect(whole).toEqual({ indptr, indices, data, shape: [60, 50] });
  });

  it("are copied a few milliseconds at a time, with turns for others", async () => {
    const [rows, perRow] = [200_000, 20];
    const indptr = Float64Array.from({ length: rows + 1 }, (_, row) => row * perRow);
    const indices = Array.from({ length: rows * perRow }, (_, at) => (at * 7919) % 1000);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await HnswIndex.build({
      indptr: [...indptr],
      indices,
      data: new Float64Array(rows * perRow).fill(1),
      shape: [rows, 1000],
    });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });
});

describe("queries and updates of a sparse index", () => {
  const queries = sparseRows(20, 50, 5, 9);

  it("may be dense: they are converted", async () => {
    const index = HnswIndex.buildSync(whole, OPTIONS);
    const found = index.querySync(queries, { k: 4 });
    const { data, shape } = denseOf(queries);
    const nested = Array.from({ length: 20 }, (_, row) => [...data.subarray(row * 50, (row + 1) * 50)]);
    for (const same of [{ data, shape }, nested, { data: Float64Array.from(data), shape }]) {
      expect(await index.query(same, { k: 4 })).toEqual(found);
    }
    const other = HnswIndex.buildSync(whole, OPTIONS);
    await index.update({ fresh: queries });
    await other.update({ fresh: nested });
    expect(await other.neighborGraph()).toEqual(await index.neighborGraph());
  });

  it("that are dense and not finite are refused naming the place", () => {
    const index = HnswIndex.buildSync(whole, OPTIONS);
    const data = new Float64Array(100);
    data[63] = 1e300;
    expect(() => index.querySync({ data, shape: [2, 50] })).toThrow(
      expect.objectContaining({
        code: "ERR_NON_FINITE",
        message: expect.stringContaining("1e+300 in row 1, column 13"),
      }),
    );
  });

  it("must not be sparse where the index is dense, and not dense in a buffer where it is sparse", () => {
    const dense = HnswIndex.buildSync(denseOf(whole), OPTIONS);
    const sparse = HnswIndex.buildSync(whole, OPTIONS);
    const refused = expect.objectContaining({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining("allowed: "),
    });
    expect(() => dense.querySync(queries)).toThrow(refused);
    expect(() => dense.updateSync({ fresh: queries })).toThrow(refused);
    expect(() => sparse.querySync(RowBuffer.allocate(0, 50))).toThrow(refused);
    expect([dense.size, sparse.size]).toEqual([60, 60]);
  });

  it("0 queries give an empty result", () => {
    const index = HnswIndex.buildSync(whole, OPTIONS);
    const none = { indptr: [0], indices: [], data: [], shape: [0, 50] };
    expect(index.querySync(none, { k: 4 }).indices.shape).toEqual([0, 4]);
    expect(index.querySync([], { k: 4 }).indices.shape).toEqual([0, 4]);
  });
});

describe("bad sparse rows", () => {
  const good = { indptr: [0, 2, 2, 3], indices: [0, 4, 1], data: [1, 2, 3], shape: [3, 5] };
  const cases: { title: string; change: object; code: string; says: string }[] = [
    {
      title: "no indptr",
      change: { indptr: undefined },
      code: "ERR_INVALID_ARGUMENT",
      says: "rows.indptr is undefined",
    },
    {
      title: "floats as indptr",
      change: { indptr: new Float32Array(4) },
      code: "ERR_INVALID_ARGUMENT",
      says: "rows.indptr",
    },
    { title: "text as indices", change: { indices: "041" }, code: "ERR_INVALID_ARGUMENT", says: "rows.indices" },
    { title: "no data", change: { data: null }, code: "ERR_INVALID_ARGUMENT", says: "rows.data is null" },
    { title: "no shape", change: { shape: undefined }, code: "ERR_INVALID_ARGUMENT", says: "rows.shape" },
    { title: "a 3-D shape", change: { shape: [3, 5, 1] }, code: "ERR_DIMENSION_MISMATCH", says: "[3, 5, 1]" },
    { title: "a negative shape", change: { shape: [-3, 5] }, code: "ERR_INVALID_ARGUMENT", says: "[-3, 5]" },
    { title: "an indptr too short", change: { indptr: [0, 3] }, code: "ERR_DIMENSION_MISMATCH", says: "needs 4" },
    { title: "an indptr too long", change: { indptr: [0, 1, 2, 3, 3] }, code: "ERR_DIMENSION_MISMATCH", says: "has 5" },
    {
      title: "an indptr from 1",
      change: { indptr: [1, 2, 2, 3] },
      code: "ERR_INVALID_ARGUMENT",
      says: "rows.indptr[0] is 1",
    },
    {
      title: "an indptr that falls",
      change: { indptr: [0, 2, 1, 3] },
      code: "ERR_INVALID_ARGUMENT",
      says: "rows.indptr[2] is 1",
    },
    {
      title: "an indptr beyond the end",
      change: { indptr: [0, 9, 9, 3] },
      code: "ERR_INVALID_ARGUMENT",
      says: "rows.indptr[1] is 9",
    },
    {
      title: "an indptr that ends early",
      change: { indptr: [0, 2, 2, 2] },
      code: "ERR_DIMENSION_MISMATCH",
      says: "allowed: 3",
    },
    {
      title: "a fractional indptr",
      change: { indptr: [0, 1.5, 2, 3] },
      code: "ERR_INVALID_ARGUMENT",
      says: "rows.indptr[1] is 1.5",
    },
    {
      title: "a hole in indptr",
      change: { indptr: [0, null, 2, 3] },
      code: "ERR_INVALID_ARGUMENT",
      says: "rows.indptr[1] is null",
    },
    {
      title: "a huge indptr",
      change: { indptr: BigInt64Array.of(0n, 2n ** 62n, 2n, 3n) },
      code: "ERR_INVALID_ARGUMENT",
      says: "4611686018427387904n",
    },
    {
      title: "more indices than values",
      change: { indices: [0, 4, 1, 2] },
      code: "ERR_DIMENSION_MISMATCH",
      says: "4 indices and 3",
    },
    {
      title: "a column out of range",
      change: { indices: [0, 5, 1] },
      code: "ERR_INVALID_ARGUMENT",
      says: "rows.indices[1] is 5",
    },
    {
      title: "a column of int32 out of range",
      change: { indices: Int32Array.of(0, 4, 5) },
      code: "ERR_INVALID_ARGUMENT",
      says: "rows.indices[2] (row 2) is 5",
    },
    {
      title: "a negative column",
      change: { indices: Int32Array.of(0, -1, 1) },
      code: "ERR_INVALID_ARGUMENT",
      says: "rows.indices[1] (row 0) is -1",
    },
    {
      title: "a negative column of int8",
      change: { indices: Int8Array.of(0, -1, 1) },
      code: "ERR_INVALID_ARGUMENT",
      says: "is -1, allowed: columns 0 to 4",
    },
    {
      title: "a fractional column",
      change: { indices: [0, 1.5, 1] },
      code: "ERR_INVALID_ARGUMENT",
      says: "rows.indices[1] is 1.5",
    },
    { title: "NaN", change: { data: [1, 2, Number.NaN] }, code: "ERR_NON_FINITE", says: "NaN in row 2, column 1" },
    {
      title: "infinity of float32",
      change: { data: Float32Array.of(1, Infinity, 3) },
      code: "ERR_NON_FINITE",
      says: "Infinity in row 0, column 4",
    },
    {
      title: "a double beyond float32",
      change: { data: Float64Array.of(1, 1e300, 3) },
      code: "ERR_NON_FINITE",
      says: "1e+300",
    },
    { title: "a text", change: { data: [1, "2", 3] }, code: "ERR_INVALID_ARGUMENT", says: 'rows.data[1] is "2"' },
    {
      title: "a sum beyond float32",
      change: { indices: [4, 4, 1], data: [3e38, 3e38, 1] },
      code: "ERR_NON_FINITE",
      says: "column 4",
    },
    {
      title: "0 columns",
      change: { indptr: [0, 0, 0, 0], indices: [], data: [], shape: [3, 0] },
      code: "ERR_INVALID_ARGUMENT",
      says: "columns of rows is 0",
    },
    {
      title: "too many columns",
      change: { shape: [3, 2 ** 31 - 1] },
      code: "ERR_INVALID_ARGUMENT",
      says: "2147483647",
    },
    {
      title: "0 rows",
      change: { indptr: [0], indices: [], data: [], shape: [0, 5] },
      code: "ERR_EMPTY_INDEX",
      says: "0 rows",
    },
  ];

  it.each(cases)("are refused for $title with $code", async ({ change, code, says }) => {
    const rows = { ...good, ...change } as SparseMatrix;
    const refused = { code, message: expect.stringContaining(says), name: "HnswError" };
    await expect(HnswIndex.build(rows)).rejects.toMatchObject(refused);
    expect(() => HnswIndex.buildSync(rows)).toThrow(expect.objectContaining(refused));
  });

  it("do no harm as queries and updates", async () => {
    const index = HnswIndex.buildSync(good, { nNeighbors: 2 });
    const before = index.neighborGraphSync();
    const bad = { ...good, indices: [0, 5, 1] };
    await expect(index.query(bad)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await expect(index.update({ fresh: bad })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await expect(index.query({ ...good, shape: [3, 6] })).rejects.toMatchObject({ code: "ERR_DIMENSION_MISMATCH" });
    expect(index.size).toBe(3);
    expect(index.neighborGraphSync()).toEqual(before);
  });
});

describe("SparseBuffer", () => {
  const [rows, dim] = whole.shape;
  /** The bytes of `values` at an odd address. */
  const odd = (values: ArrayBufferView) => {
    const bytes = new Uint8Array(values.byteLength + 1);
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 1);
    return bytes.subarray(1);
  };
  const append = (buffer: SparseBuffer, part: Csr) => {
    const counts = Uint32Array.from(
      { length: part.shape[0] },
      (_, i) => (part.indptr[i + 1] as number) - (part.indptr[i] as number),
    );
    buffer.append(counts, odd(part.indices), odd(part.data));
  };

  it("filled in batches at odd addresses gives the same result, once", async () => {
    const buffer = SparseBuffer.allocate(rows, dim, whole.data.length);
    for (let start = 0; start < rows; start += 7) append(buffer, sparsePart(whole, start, Math.min(rows, start + 7)));
    expect([buffer.rowsWritten, buffer.entriesWritten]).toEqual([rows, whole.data.length]);
    expect(graphOf(buffer)).toEqual(expected);
    await expect(HnswIndex.build(buffer)).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(() => append(buffer, whole)).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
  });

  it("must be full before it is used", () => {
    const buffer = SparseBuffer.allocate(rows, dim, 100);
    append(buffer, sparsePart(whole, 0, 10));
    const message = expect.stringContaining("10 of 60 rows");
    expect(() => HnswIndex.buildSync(buffer)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message }),
    );
  });

  const bytes = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
  const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
  it.each<[string, string, Uint32Array, Uint8Array, Uint8Array]>([
    ["more rows than promised", "ERR_INVALID_ARGUMENT", Uint32Array.of(0, 0, 0), bytes(), floats()],
    ["counts beyond the entries", "ERR_", Uint32Array.of(2, 1), bytes(1, 2), floats(1, 2)],
    ["fewer values than columns", "ERR_", Uint32Array.of(2, 0), bytes(1, 2), floats(1)],
    ["part of a column", "ERR_", Uint32Array.of(1, 0), bytes(1).subarray(1), floats(1)],
    ["a column out of range", "ERR_INVALID_ARGUMENT", Uint32Array.of(1, 1), bytes(1, 9), floats(1, 1)],
    ["NaN", "ERR_NON_FINITE", Uint32Array.of(1, 1), bytes(1, 2), floats(1, Number.NaN)],
  ])("refuses %s and keeps what it has", (_, code, counts, indices, values) => {
    const buffer = SparseBuffer.allocate(2, 9, 4);
    expect(() => buffer.append(counts, indices, values)).toThrow(
      expect.objectContaining({ code: expect.stringContaining(code) }),
    );
    expect([buffer.rowsWritten, buffer.entriesWritten]).toEqual([0, 0]);
    buffer.append(Uint32Array.of(1, 0), bytes(1), floats(1));
    expect(HnswIndex.buildSync(buffer).size).toBe(2);
  });

  it("refuses sizes that no machine has", () => {
    const refused = (code: string) => expect.objectContaining({ code });
    expect(() => SparseBuffer.allocate(10, 10, 2 ** 46)).toThrow(refused("ERR_OUT_OF_MEMORY"));
    for (const [r, d, n] of [
      [2 ** 31, 1, 1] as const,
      [1, 0, 1] as const,
      [1, 2 ** 31, 1] as const,
      [1, 1, -1] as const,
    ]) {
      expect(() => SparseBuffer.allocate(r, d, n)).toThrow(refused("ERR_INVALID_ARGUMENT"));
    }
  });
});

describe("any entries", () => {
  const ROWS = 6;
  const DIM = 5;
  const entry = fc.record({ column: fc.integer({ min: 0, max: DIM - 1 }), value: fc.integer({ min: -3, max: 3 }) });
  const rows = fc.array(fc.array(entry, { maxLength: 8 }), { minLength: 1, maxLength: ROWS });

  it("give what the rows with all their columns give", () => {
    fc.assert(
      fc.property(rows, (rows) => {
        const starts = rows.map((_, i) => rows.slice(0, i + 1).flat().length);
        const [indices, data] = [rows.flat().map(({ column }) => column), rows.flat().map(({ value }) => value)];
        const dense = rows.map((entries) => {
          const columns = Array(DIM).fill(0);
          for (const { column, value } of entries) columns[column] += value;
          return columns;
        });
        const csr = { indptr: [0, ...starts], indices, data, shape: [rows.length, DIM] };
        expect(graphOf(csr)).toEqual(graphOf(dense));
      }),
      { seed: 12, numRuns: 200 },
    );
  });

  it("that make no sense are refused with a code, whatever they are", () => {
    const anything = fc.oneof(
      fc.integer({ min: -2, max: 8 }),
      fc.constantFrom(1.5, Number.NaN, 2 ** 40, -(2 ** 31), "1", null),
    );
    const typed = fc.array(fc.integer({ min: -2, max: 8 }), { maxLength: 6 }).map((list) => Int32Array.from(list));
    const list = fc.oneof(fc.array(anything, { maxLength: 6 }), typed);
    const index = HnswIndex.buildSync(whole, OPTIONS);
    fc.assert(
      fc.property(
        list,
        list,
        list,
        fc.array(fc.integer({ min: -1, max: 6 }), { maxLength: 3 }),
        (...[indptr, indices, data, shape]) => {
          const csr = { indptr, indices, data, shape } as unknown as SparseMatrix;
          for (const call of [() => graphOf(csr), () => index.querySync(csr), () => index.updateSync({ fresh: csr })]) {
            try {
              call();
            } catch (error) {
              expect(error).toBeInstanceOf(HnswError);
              expect((error as HnswError).code).not.toBe("ERR_INTERNAL");
            }
          }
        },
      ),
      { seed: 13, numRuns: 500 },
    );
    expect([index.size, index.neighborGraphSync()]).toEqual([60, expected]);
  });
});
