import ndarray from "ndarray";
import { describe, expect, it } from "vitest";
import { type BuildOptions, type Changes, HnswIndex, type MatrixInput, RowBuffer } from "../../src/index.ts";
import { quality, spread } from "../support/oracle.ts";
import { clusteredRows, type FloatMatrix, randomNumbers, uniformRows } from "../support/random.ts";
import { type Csr, csrOfDense, denseOf, sparseRows } from "../support/sparse.ts";

const DIM = 8;

/** `rows` with some replaced and others behind them. */
function changed(rows: FloatMatrix, ids: readonly number[], updated: FloatMatrix, fresh?: FloatMatrix): FloatMatrix {
  const data = Float32Array.from([...rows.data, ...(fresh?.data ?? [])]);
  const dim = rows.shape[1];
  ids.forEach((id, i) => {
    data.set(updated.data.subarray(i * dim, (i + 1) * dim), id * dim);
  });
  return { data, shape: [rows.shape[0] + (fresh?.shape[0] ?? 0), dim] };
}

/** `count` distinct ids below `size`. */
function someIds(size: number, count: number, seed: number): number[] {
  const next = randomNumbers(seed);
  const ids = new Set<number>();
  while (ids.size < count) ids.add(Math.floor(next() * size));
  return [...ids];
}

describe("replaced rows", () => {
  const rows = clusteredRows(600, DIM, 1);
  const queries = uniformRows(40, DIM, 2);
  const cases: { title: string; options: BuildOptions }[] = [
    { title: "euclidean", options: { algorithm: "exact" } },
    { title: "cosine", options: { algorithm: "exact", metric: "cosine" } },
    { title: "manhattan", options: { algorithm: "exact", metric: "manhattan" } },
    { title: "spearmanr", options: { algorithm: "exact", metric: "spearmanr" } },
  ];

  it.each(cases)("$title: an updated index answers as one made of the changed rows", async ({ options }) => {
    const all = { ...options, nNeighbors: 7 };
    const index = HnswIndex.buildSync(rows, all);
    const ids = someIds(600, 60, 3);
    const [updated, fresh] = [clusteredRows(60, DIM, 4), clusteredRows(25, DIM, 5)];
    await index.neighborGraph();
    await index.update({ updated, updatedIndices: ids, fresh });
    const expected = HnswIndex.buildSync(changed(rows, ids, updated, fresh), all);
    expect(index.size).toBe(625);
    expect(await index.neighborGraph()).toEqual(expected.neighborGraphSync());
    expect(await index.query(queries, { k: 9 })).toEqual(expected.querySync(queries, { k: 9 }));
  });

  it("are done by the twin that blocks, too", () => {
    const [one, other] = [HnswIndex.buildSync(rows, { algorithm: "exact" }), HnswIndex.buildSync(rows)];
    const change = { updated: uniformRows(2, DIM, 6), updatedIndices: [599, 0], fresh: queries };
    one.updateSync(change);
    other.updateSync({ updated: change.updated, updatedIndices: change.updatedIndices });
    other.updateSync({ fresh: queries });
    expect([one.size, other.size]).toEqual([640, 640]);
    expect(one.querySync(queries, { k: 3 })).toEqual(other.querySync(queries, { k: 3 }));
  });

  it.each([
    ["plain numbers", [5, 7, 9]],
    ["int32", Int32Array.of(5, 7, 9)],
    ["int64", BigInt64Array.of(5n, 7n, 9n)],
    ["an ndarray", ndarray(Int32Array.of(9, 0, 7, 0, 5), [3], [-2], 4)],
  ])("may have their ids as %s", async (_, updatedIndices) => {
    const index = HnswIndex.buildSync(rows, { algorithm: "exact" });
    const updated = uniformRows(3, DIM, 7);
    await index.update({ updated, updatedIndices });
    expect([...(await index.query(updated, { k: 1 })).indices.data]).toEqual([5, 7, 9]);
  });

  it("of a repeated id: the last one stays", async () => {
    for (const algorithm of ["exact", "hnsw"] as const) {
      const index = HnswIndex.buildSync(rows, { algorithm });
      await index.prepare();
      const updated = uniformRows(3, DIM, 8);
      await index.update({ updated, updatedIndices: [4, 11, 4] });
      const { indices, distances } = await index.query(updated, { k: 1 });
      expect([indices.data[1], indices.data[2]]).toEqual([11, 4]);
      expect([distances.data[1], distances.data[2]]).toEqual([0, 0]);
      expect(distances.data[0]).toBeGreaterThan(0);
    }
  });

  it("come before appended ones: fresh rows cannot be replaced by the same call", async () => {
    const index = HnswIndex.buildSync(rows);
    const change = { fresh: queries, updated: uniformRows(1, DIM, 9), updatedIndices: [600] };
    await expect(index.update(change)).rejects.toMatchObject({ code: "ERR_UNKNOWN_ID" });
    await index.update({ fresh: queries });
    await index.update({ updated: change.updated, updatedIndices: [600] });
    expect((await index.query(change.updated, { k: 1 })).indices.data[0]).toBe(600);
  });

  it("may have ids that an earlier, still running update appends", async () => {
    const index = HnswIndex.buildSync(rows);
    const updated = uniformRows(1, DIM, 10);
    await Promise.all([index.update({ fresh: queries }), index.update({ updated, updatedIndices: [639] })]);
    expect((await index.query(updated, { k: 1 })).indices.data[0]).toBe(639);
  });

  it("may come in buffers, each its own", () => {
    const filled = (count: number) => {
      const buffer = RowBuffer.allocate(count, DIM);
      buffer.write(0, new Uint8Array(uniformRows(count, DIM, 11).data.buffer));
      return buffer;
    };
    const index = HnswIndex.buildSync(rows);
    index.updateSync({ fresh: filled(3), updated: filled(2), updatedIndices: [1, 2] });
    expect(index.size).toBe(603);
    const twice = filled(1);
    const both = { fresh: twice, updated: twice, updatedIndices: [1] };
    expect(() => index.updateSync(both)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    index.updateSync({ fresh: twice });
    expect(index.size).toBe(604);
  });

  it("of sparse rows: as an index made of the changed rows", async () => {
    const before: Csr = sparseRows(300, 60, 8, 1);
    const [updated, fresh] = [sparseRows(30, 60, 12, 2), sparseRows(20, 60, 3, 3)];
    const ids = someIds(300, 30, 4);
    for (const metric of ["euclidean", "cosine", "jaccard"] as const) {
      const options = { metric, algorithm: "exact", nNeighbors: 6 } as const;
      const index = HnswIndex.buildSync(before, options);
      await index.update({ fresh, updated, updatedIndices: ids });
      const after = csrOfDense(changed(denseOf(before), ids, denseOf(updated), denseOf(fresh)));
      expect(await index.neighborGraph()).toEqual(HnswIndex.buildSync(after, options).neighborGraphSync());
    }
  });
});

describe("an index that is updated again and again", () => {
  const K = 10;

  it("keeps its recall after five appends of 20 % and five replacements of 10 %", async () => {
    let rows = clusteredRows(1000, DIM, 20);
    const index = HnswIndex.buildSync(rows, { algorithm: "hnsw", nNeighbors: K, seed: 3 });
    await index.prepare();
    for (let round = 0; round < 5; round++) {
      const fresh = clusteredRows(200, DIM, 30 + round);
      const ids = someIds(rows.shape[0], Math.floor(rows.shape[0] / 10), 40 + round);
      const updated = clusteredRows(ids.length, DIM, 50 + round);
      await index.update({ fresh });
      await index.update({ updated, updatedIndices: ids });
      rows = changed(rows, ids, updated, fresh);
    }
    const again = HnswIndex.buildSync(rows, { algorithm: "hnsw", nNeighbors: K, seed: 3 });
    await again.prepare();
    const sample = spread(rows.shape[0], 300);
    const recallOf = async (of: HnswIndex) => quality(await of.query(rows, { k: K }), rows, sample).recall;
    expect(await recallOf(index)).toBeGreaterThanOrEqual((await recallOf(again)) - 0.01);
    expect(index.stats()).toMatchObject({ rows: 2000, unreachable: 0 });
    expect(quality(await index.neighborGraph(), rows, sample).recall).toBeGreaterThanOrEqual(0.98);
  });
});

describe("no changes", () => {
  it.each<[string, Changes | undefined]>([
    ["nothing", undefined],
    ["an empty object", {}],
    ["undefined fields", { fresh: undefined, updated: undefined, updatedIndices: undefined }],
  ])("%s is fine", async (_, changes) => {
    const index = HnswIndex.buildSync(uniformRows(20, 3), { nNeighbors: 5 });
    const before = await index.neighborGraph();
    await index.update(changes);
    index.updateSync(changes);
    expect(index.size).toBe(20);
    expect(await index.neighborGraph()).toEqual(before);
  });
});

describe("a refused update", () => {
  const rows = uniformRows(20, 3);
  const two = uniformRows(2, 3, 5);
  const cases: { title: string; changes: object; code: string; says: string }[] = [
    { title: "no ids", changes: { updated: two }, code: "ERR_INVALID_ARGUMENT", says: "updatedIndices is undefined" },
    {
      title: "ids alone",
      changes: { updatedIndices: [1] },
      code: "ERR_INVALID_ARGUMENT",
      says: "updated is undefined",
    },
    {
      title: "too few ids",
      changes: { updated: two, updatedIndices: [1] },
      code: "ERR_DIMENSION_MISMATCH",
      says: "has 1 ids, allowed: 2",
    },
    {
      title: "an id too large",
      changes: { updated: two, updatedIndices: [1, 20] },
      code: "ERR_UNKNOWN_ID",
      says: "the id 20, allowed: 0..20",
    },
    {
      title: "an id beyond 32 bits",
      changes: { updated: two, updatedIndices: [1, 2 ** 32 + 1] },
      code: "ERR_UNKNOWN_ID",
      says: "4294967297",
    },
    {
      title: "a negative id",
      changes: { updated: two, updatedIndices: [1, -1] },
      code: "ERR_INVALID_ARGUMENT",
      says: "updatedIndices[1] is -1",
    },
    {
      title: "a fractional id",
      changes: { updated: two, updatedIndices: [0.5, 1] },
      code: "ERR_INVALID_ARGUMENT",
      says: "updatedIndices[0] is 0.5",
    },
    {
      title: "a text for an id",
      changes: { updated: two, updatedIndices: ["0", 1] },
      code: "ERR_INVALID_ARGUMENT",
      says: 'updatedIndices[0] is "0"',
    },
    {
      title: "text for ids",
      changes: { updated: two, updatedIndices: "01" },
      code: "ERR_INVALID_ARGUMENT",
      says: '"01"',
    },
    {
      title: "ids in two dimensions",
      changes: { updated: two, updatedIndices: [[0], [1]] },
      code: "ERR_DIMENSION_MISMATCH",
      says: "2 dimensions",
    },
    { title: "0 updated rows", changes: { updated: [], updatedIndices: [] }, code: "ERR_EMPTY_INDEX", says: "0 rows" },
    {
      title: "updated rows of another width",
      changes: { updated: [[1]], updatedIndices: [0] },
      code: "ERR_DIMENSION_MISMATCH",
      says: "updated rows have 1 columns",
    },
    {
      title: "NaN in updated rows",
      changes: { updated: [[1, 2, Number.NaN]], updatedIndices: [0] },
      code: "ERR_NON_FINITE",
      says: "row 0, column 2",
    },
    {
      title: "NaN in fresh rows beside good updated ones",
      changes: { updated: two, updatedIndices: [0, 1], fresh: [[Number.NaN, 0, 0]] },
      code: "ERR_NON_FINITE",
      says: "row 0, column 0",
    },
    {
      title: "an unknown id beside good fresh rows",
      changes: { updated: two, updatedIndices: [0, 99], fresh: two },
      code: "ERR_UNKNOWN_ID",
      says: "99",
    },
    {
      title: "sparse rows for a dense index",
      changes: { updated: csrOfDense(two) as MatrixInput, updatedIndices: [0, 1] },
      code: "ERR_INVALID_ARGUMENT",
      says: "sparse rows",
    },
  ];

  it.each(cases)("for $title changes nothing", async ({ changes, code, says }) => {
    const index = HnswIndex.buildSync(rows, { nNeighbors: 5 });
    const before = await index.neighborGraph();
    const refused = { code, message: expect.stringContaining(says), name: "HnswError" };
    await expect(index.update(changes as Changes)).rejects.toMatchObject(refused);
    expect(() => index.updateSync(changes as Changes)).toThrow(expect.objectContaining(refused));
    expect(index.size).toBe(20);
    expect(await index.neighborGraph()).toEqual(before);
    expect(await index.query(rows, { k: 5 })).toEqual(before);
  });

  it("that is cancelled changes nothing", async () => {
    // Powers are slow: the update lasts long enough to be stopped on any machine.
    const slow = { algorithm: "hnsw", threads: 1, metric: "minkowski", p: 3.5 } as const;
    const index = HnswIndex.buildSync(uniformRows(600, 64), slow);
    const queries = uniformRows(20, 64, 3);
    const before = index.querySync(queries, { k: 5 });
    const controller = new AbortController();
    const updatedIndices = [...Array(100).keys()];
    const change = { fresh: uniformRows(150, 64, 4), updated: uniformRows(100, 64, 5), updatedIndices };
    const call = { signal: controller.signal, onProgress: () => controller.abort() };
    await expect(index.update(change, call)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(index.size).toBe(600);
    expect(index.querySync(queries, { k: 5 })).toEqual(before);
  });
});
