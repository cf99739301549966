/** Queries among some of the rows, through the API. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Filter, filterBits, HnswIndex } from "../../src/index.ts";
import { uniformRows } from "../support/random.ts";

const N = 3000;
const rows = uniformRows(N, 8, 1);
const queries = uniformRows(20, 8, 2);
const third = Array.from({ length: N }, (_, id) => id).filter((id) => id % 3 === 0);
let index: HnswIndex;

beforeAll(async () => {
  index = await HnswIndex.build(rows, { algorithm: "hnsw", nNeighbors: 5, seed: 1 });
  await index.prepare();
});

describe("a filtered query", () => {
  it("returns rows that match, the same for every form of a filter and both twins", async () => {
    const forms: Filter[] = [third, Int32Array.from(third), (id) => id % 3 === 0];
    const expected = await index.query(queries, { k: 6, filter: { bits: filterBits(third, index) } });
    expect([...expected.indices.data].every((id) => id >= 0 && id % 3 === 0)).toBe(true);
    const own = await index.query(rows, { k: 1, filter: third });
    for (const id of third.slice(0, 50)) expect(own.indices.get(id, 0)).toBe(id);
    for (const filter of forms) {
      expect((await index.query(queries, { k: 6, filter })).indices.data).toEqual(expected.indices.data);
      expect(index.querySync(queries, { k: 6, filter }).indices.data).toEqual(expected.indices.data);
    }
  });

  it("pads where fewer rows match than are asked for", () => {
    const { indices, distances } = index.querySync(queries, { k: 3, filter: [5, 9] });
    expect([...indices.data].filter((id) => id === -1).length).toBe(20);
    expect(distances.get(0, 2)).toBe(Number.POSITIVE_INFINITY);
    expect([...index.querySync(queries, { k: 3, filter: [] }).indices.data].every((id) => id === -1)).toBe(true);
  });

  it.each([
    ["an id that no row has had", [N], "ERR_UNKNOWN_ID", `the id ${N}`],
    ["bits of too many ids", { bits: new Uint8Array(N / 8 + 1) }, "ERR_DIMENSION_MISMATCH", "376 bytes"],
    ["bits that are none", { bits: [1] }, "ERR_INVALID_ARGUMENT", "filter.bits"],
    ["a number", 7, "ERR_INVALID_ARGUMENT", "filter"],
  ])("refuses %s", async (_, filter, code, says) => {
    const wrong = { k: 3, filter: filter as Filter };
    await expect(index.query(queries, wrong)).rejects.toMatchObject({ code, message: expect.stringContaining(says) });
    expect(() => index.querySync(queries, wrong)).toThrow(expect.objectContaining({ code }));
  });
});
