import ndarray from "ndarray";
import { describe, expect, it } from "vitest";
import { BitBuffer, HnswIndex, type MatrixInput, type Neighbors, RowBuffer } from "../../src/index.ts";
import { randomNumbers } from "../support/random.ts";

const ROWS = 400;
const DIM = 9;
const METRICS = ["bit_hamming", "bit_jaccard"] as const;

/** Rows of 72 bits around 20 centres; a bit differs from the centre's with probability 0.1. */
function bitRows(rows: number, seed: number): Uint8Array {
  const next = randomNumbers(seed);
  const centres = Uint8Array.from({ length: 20 * DIM }, () => Math.floor(next() * 256));
  const noise = () => [0, 1, 2, 3, 4, 5, 6, 7].reduce((bits, bit) => bits | (next() < 0.1 ? 1 << bit : 0), 0);
  return Uint8Array.from({ length: rows * DIM }, (_, at) => {
    const centre = Math.floor(at / DIM) % 20;
    return (centres[centre * DIM + (at % DIM)] as number) ^ noise();
  });
}

function ones(byte: number): number {
  let [rest, count] = [byte, 0];
  for (; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}

function distance(metric: (typeof METRICS)[number], a: Uint8Array, b: Uint8Array): number {
  let [differing, both, either] = [0, 0, 0];
  a.forEach((byte, i) => {
    differing += ones(byte ^ (b[i] as number));
    both += ones(byte & (b[i] as number));
    either += ones(byte | (b[i] as number));
  });
  return metric === "bit_hamming" ? differing : either === 0 ? 0 : -Math.log(both / either);
}

const data = bitRows(ROWS, 1);
const rows = { data, shape: [ROWS, DIM] };
const row = (index: number, of = data) => of.subarray(index * DIM, (index + 1) * DIM);
const OPTIONS = { metric: "bit_hamming", nNeighbors: 6, algorithm: "exact" } as const;

function graphOf(input: MatrixInput): Neighbors {
  return HnswIndex.buildSync(input, OPTIONS).neighborGraphSync();
}

const expected = graphOf(rows);

describe("packed bits", () => {
  it.each(METRICS)("%s: graph and queries are those of brute force", async (metric) => {
    const queries = bitRows(30, 2);
    const index = await HnswIndex.build(rows, { ...OPTIONS, metric });
    expect([index.form, index.dim]).toEqual(["bits", DIM]);
    const check = (found: Neighbors, queries: Uint8Array) => {
      const [count, k] = found.indices.shape as [number, number];
      for (let query = 0; query < count; query++) {
        const truth = Array.from({ length: ROWS }, (_, id) => distance(metric, row(query, queries), row(id)));
        const nearest = [...truth].sort((a, b) => a - b).slice(0, k);
        nearest.forEach((value, i) => {
          expect(found.distances.get(query, i)).toBeCloseTo(value, 5);
          expect(truth[found.indices.get(query, i)]).toBeCloseTo(value, 5);
        });
      }
    };
    check(await index.neighborGraph(), data);
    check(await index.query({ data: queries, shape: [30, DIM] }, { k: 20 }), queries);
  });

  it.each(METRICS)("%s: walks have recall >= 0.95", async (metric) => {
    const many = bitRows(5000, 3);
    const build = (algorithm: "exact" | "hnsw") =>
      HnswIndex.build({ data: many, shape: [5000, DIM] }, { metric, algorithm, nNeighbors: 10 });
    const truth = await (await build("exact")).neighborGraph();
    const index = await build("hnsw");
    await index.prepare();
    const queried = await index.query({ data: many, shape: [5000, DIM] }, { k: 10, epsilon: 0.2 });
    for (const found of [await index.neighborGraph(), queried]) {
      const near = found.distances.data.filter(
        (value, at) => value <= (truth.distances.data[at - (at % 10) + 9] as number),
      );
      expect(near.length / found.distances.data.length).toBeGreaterThanOrEqual(0.95);
    }
    expect(index.stats().unreachable).toBe(0);
  });

  it("may come in any form that holds bytes", () => {
    const nested = Array.from({ length: ROWS }, (_, i) => row(i));
    const spaced = ndarray(
      new Uint8Array(2 * ROWS * DIM + 1),
      [ROWS, DIM],
      [-2 * DIM, 2],
      2 * ROWS * DIM - 2 * DIM + 1,
    );
    data.forEach((byte, at) => {
      spaced.set(Math.floor(at / DIM), at % DIM, byte);
    });
    const same: MatrixInput[] = [
      { data: Buffer.from(data), shape: [ROWS, DIM] },
      { data: Uint8ClampedArray.from(data), shape: [ROWS, DIM] },
      { data: [...data], shape: [ROWS, DIM] },
      ndarray(data, [ROWS, DIM]),
      spaced,
      nested,
      nested.map((bytes) => [...bytes]),
      nested.map((bytes, i) => (i % 2 === 0 ? bytes : Uint8ClampedArray.from(bytes))),
    ];
    for (const input of same) expect(graphOf(input)).toEqual(expected);
  });

  it("may be streamed into a BitBuffer", () => {
    const buffer = BitBuffer.allocate(ROWS, DIM);
    expect(buffer.rowBytes).toBe(DIM);
    for (let start = 0; start < ROWS; start += 7) buffer.write(start, data.subarray(start * DIM, (start + 7) * DIM));
    expect(buffer.rowsWritten).toBe(ROWS);
    expect(graphOf(buffer)).toEqual(expected);
    expect(() => graphOf(buffer)).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
  });

  it("may be appended and replaced", async () => {
    const [fresh, updated] = [bitRows(10, 5), bitRows(2, 6)];
    const index = HnswIndex.buildSync(rows, OPTIONS);
    const shape = (count: number) => [count, DIM];
    await index.update({
      fresh: { data: fresh, shape: shape(10) },
      updated: { data: updated, shape: shape(2) },
      updatedIndices: [3, 0],
    });
    const whole = Uint8Array.from([...data, ...fresh]);
    whole.set(row(0, updated), 3 * DIM);
    whole.set(row(1, updated), 0);
    expect(await index.neighborGraph()).toEqual(graphOf({ data: whole, shape: shape(410) }));
  });
});

describe("what is no packed bits", () => {
  const refused = (says: string) =>
    expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(says) });

  it.each<[string, MatrixInput, string]>([
    ["floats", { data: new Float32Array(18), shape: [2, DIM] }, "Float32Array"],
    ["floats behind strides", ndarray(new Float64Array(36), [2, DIM], [18, 2]), "Float64Array"],
    ["signed bytes", { data: new Int8Array(18), shape: [2, DIM] }, "Int8Array"],
    ["rows of floats", [new Float32Array(DIM), new Float32Array(DIM)], "Float32Array"],
    ["a number beyond a byte", [[1, 2, 256]], "256"],
    [
      "a fraction",
      [
        [1, 2],
        [1.5, 2],
      ],
      "value in row 1, column 0 of rows is 1.5",
    ],
    ["a negative number", { data: [1, -1], shape: [1, 2] }, "is -1"],
    ["a buffer of floats", RowBuffer.allocate(0, 4), "packed bits"],
    ["sparse rows", { indptr: [0, 1], indices: [0], data: [1], shape: [1, 4] }, "sparse rows"],
  ])("%s: refused under a bit metric", async (_, input, says) => {
    for (const metric of METRICS) {
      await expect(HnswIndex.build(input, { metric })).rejects.toEqual(refused(says));
      expect(() => HnswIndex.buildSync(input, { metric })).toThrow(refused(says));
    }
  });

  it("is refused as queries and updates too", async () => {
    const index = HnswIndex.buildSync(rows, OPTIONS);
    const floats = { data: new Float32Array(2 * DIM), shape: [2, DIM] };
    await expect(index.query(floats)).rejects.toEqual(refused("Float32Array"));
    await expect(index.update({ fresh: floats })).rejects.toEqual(refused("Float32Array"));
    await expect(index.update({ updated: floats, updatedIndices: [0, 1] })).rejects.toEqual(refused("Float32Array"));
    expect(await index.neighborGraph()).toEqual(expected);
  });

  it("a BitBuffer is refused under other metrics, and by an index of other rows", () => {
    const filled = () => {
      const buffer = BitBuffer.allocate(2, DIM);
      buffer.write(0, data.subarray(0, 2 * DIM));
      return buffer;
    };
    expect(() => HnswIndex.buildSync(filled(), { metric: "euclidean" })).toThrow(refused("bits"));
    const dense = HnswIndex.buildSync(rows, { metric: "euclidean" });
    expect(dense.form).toBe("dense");
    expect(() => dense.querySync(filled())).toThrow(refused("dense"));
  });

  it.each([
    { title: "a gap", start: 3, length: DIM, code: "ERR_INVALID_ARGUMENT" },
    { title: "rows beyond the end", start: 0, length: 5 * DIM, code: "ERR_INVALID_ARGUMENT" },
    { title: "part of a row", start: 0, length: DIM + 1, code: "ERR_DIMENSION_MISMATCH" },
  ])("a BitBuffer refuses $title", ({ start, length, code }) => {
    const buffer = BitBuffer.allocate(4, DIM);
    expect(() => buffer.write(start, new Uint8Array(length))).toThrow(expect.objectContaining({ code }));
    expect(buffer.rowsWritten).toBe(0);
  });
});
