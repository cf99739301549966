/** Rows that go, through the API. */
import { describe, expect, it } from "vitest";
import { HnswIndex } from "../../src/index.ts";
import { uniformRows } from "../support/random.ts";

const N = 400;
const GONE = [3, 17, 17, 200, 399];

function rowsOf(seed: number, n = N) {
  return uniformRows(n, 8, seed);
}

describe("a deleted row", () => {
  for (const algorithm of ["exact", "hnsw", "auto"] as const) {
    it(`is in no later answer of ${algorithm}, and its id is not given again`, async () => {
      const rows = rowsOf(1);
      const index = await HnswIndex.build(rows, { algorithm, nNeighbors: 6, seed: 1 });
      await index.prepare();
      await index.neighborGraph();
      await index.delete(GONE);
      expect([index.size, index.stats().deleted, index.has(17), index.has(18)]).toEqual([N - 4, 4, false, true]);
      const { indices } = await index.query(rows, { k: N });
      const known = new Set(index.ids());
      expect(known.size).toBe(N - 4);
      expect(indices.data.every((id) => id === -1 || known.has(id))).toBe(true);
      const graph = await index.neighborGraph();
      expect(graph.indices.shape).toEqual([N - 4, 6]);
      expect(Array.from(graph.indices.pick(null, 0).data.filter((_, i) => i % 6 === 0))).toEqual([...index.ids()]);
      expect([...graph.indices.data].filter((id) => !known.has(id))).toEqual([]);
      const balls = await index.radiusSearch(rows, 10, { maxResults: N });
      expect(balls.indices.every((id) => known.has(id))).toBe(true);
      expect([...(await index.update({ fresh: rowsOf(2, 2) }))]).toEqual([N, N + 1]);
      index.close();
    });
  }

  it("leaves the others found at their own ids by both twins", async () => {
    const rows = rowsOf(3);
    const [index, sync] = [await HnswIndex.build(rows, { seed: 1 }), HnswIndex.buildSync(rows, { seed: 1 })];
    await index.delete(new Int32Array([0, 5]));
    sync.deleteSync([5, 0]);
    await index.replace([7], rowsOf(4, 1));
    sync.replaceSync([7], rowsOf(4, 1));
    const found = index.querySync(rows, { k: 3 });
    expect(sync.querySync(rows, { k: 3 }).indices.data).toEqual(found.indices.data);
    expect(found.indices.get(9, 0)).toBe(9);
    expect(index.querySync(rowsOf(4, 1), { k: 1 }).indices.get(0, 0)).toBe(7);
    const copy = await HnswIndex.restore(await index.dump());
    expect(copy.ids()).toEqual(index.ids());
    expect(copy.querySync(rows, { k: 3 }).indices.data).toEqual(found.indices.data);
  });
});

describe("a refused deletion", () => {
  it.each([
    ["an id that no row has", [N], "ERR_UNKNOWN_ID", `the id ${N}`],
    ["an id that was deleted before", [1, 2], "ERR_UNKNOWN_ID", "the id 2"],
    ["an id beyond 31 bits", [2 ** 31], "ERR_UNKNOWN_ID", "2147483648"],
    ["what is no id", [0.5], "ERR_INVALID_ARGUMENT", "0.5"],
    ["all rows", Array.from({ length: N }, (_, id) => id).filter((id) => id !== 2), "ERR_EMPTY_INDEX", "0 rows"],
  ])("of %s names it and deletes nothing", async (_, ids, code, says) => {
    const index = await HnswIndex.build(rowsOf(5));
    index.deleteSync([2]);
    await expect(index.delete(ids)).rejects.toMatchObject({ code, message: expect.stringContaining(says) });
    expect(index.size).toBe(N - 1);
    expect(() => index.deleteSync(ids)).toThrow(expect.objectContaining({ code }));
    expect(index.size).toBe(N - 1);
  });

  it("of a row that the same update replaces does neither", async () => {
    const index = await HnswIndex.build(rowsOf(6));
    const changes = { removed: [4], updated: rowsOf(7, 1), updatedIndices: [4] };
    await expect(index.update(changes)).rejects.toMatchObject({ code: "ERR_UNKNOWN_ID" });
    expect(index.querySync(rowsOf(6), { k: 1 }).indices.get(4, 0)).toBe(4);
  });
});

it("queries that began before an update end with the rows of before", async () => {
  const rows = rowsOf(8, 3000);
  const index = await HnswIndex.build(rows, { nNeighbors: 5 });
  await index.prepare();
  const all = Array.from({ length: 1000 }, (_, id) => id);
  const [before, , after] = await Promise.all([
    index.query(rows, { k: 1 }),
    index.delete(all),
    index.query(rows, { k: 3000 }),
  ]);
  const seen = [...after.indices.data].filter((id) => id >= 0 && id < 1000).length;
  expect([0, 3000 * 1000]).toContain(seen);
  expect(before.indices.shape).toEqual([3000, 1]);
  expect(index.size).toBe(2000);
});

it("a tenth of changed rows and more make a new search index worth while", async () => {
  const index = await HnswIndex.build(rowsOf(9), { algorithm: "hnsw" });
  await index.prepare();
  await index.delete(Array.from({ length: 20 }, (_, id) => id));
  expect(index.stats()).toMatchObject({ insertsSinceBuild: 20, rebuildAdvised: false });
  await index.replace([30], rowsOf(10, 1));
  await index.update({ fresh: rowsOf(11, 20) });
  expect(index.stats()).toMatchObject({ rows: N, insertsSinceBuild: 41, rebuildAdvised: true });
});
