import { tableFromIPC } from "apache-arrow";
import { beforeAll, describe, expect, test } from "vitest";
import { HnswIndex, type RadiusOptions, type RadiusResult } from "../../src/index.ts";
import { fixedFrames, randomMatrix, slice } from "./support/arrow.ts";
import type { RawClient } from "./support/client.ts";
import { denseRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const matrix = randomMatrix(3000, 8, 21);
const queries = randomMatrix(200, 8, 22);
const RADIUS = 0.4;

interface Table {
  readonly told: Record<string, unknown>;
  /** Columns by name, over all batches of all parts. */
  readonly columns: Record<string, number[]>;
  readonly batches: { part: string; count: number }[];
}

/** The tables of call `id`, put together by the rules of the specification and checked for order. */
function tables(client: RawClient, id: number, type: string): Table {
  const columns: Record<string, number[]> = {};
  const batches: Table["batches"] = [];
  const received: Record<string, number> = {};
  let told: Record<string, unknown> = {};
  for (const { header, frames } of client.received) {
    if (header.type !== type || header.id !== id) continue;
    told = header;
    const [part, count] = [String(header.part), Number(header.count)];
    batches.push({ part, count });
    if (count === 0) continue;
    expect(header.start).toBe(received[part] ?? 0);
    received[part] = (received[part] ?? 0) + count;
    const table = tableFromIPC(Buffer.concat(frames));
    expect(table.numRows).toBe(count);
    for (const { name } of table.schema.fields) {
      columns[name] = [...(columns[name] ?? []), ...(table.getChild(name)?.toArray() ?? [])];
    }
  }
  return { told, columns, batches };
}

async function ask(client: RawClient, op: string, fields: object, sent = queries): Promise<Table> {
  const id = client.nextId();
  const rows = denseRows(sent);
  const frames = sent.rows > 0 ? rows.frames(0, sent.rows) : [];
  await client.send({ op, id, credits: 64, inline: true, ...rows.shape, ...fields }, frames);
  await client.answer(id);
  return tables(client, id, op === "estimate_count" ? "estimates" : "radius");
}

function expectSame({ columns, told }: Table, here: RadiusResult): void {
  const hits = [...here.offsets.slice(1)].map((end, i) => end - (here.offsets[i] as number));
  expect(columns.hits).toEqual(hits);
  expect(columns.indices).toEqual([...here.indices]);
  expect(columns.distances).toEqual([...here.distances]);
  expect(columns.visited).toEqual([...here.visited]);
  expect(columns.candidates).toEqual([...here.candidates]);
  expect(columns.largest_distance).toEqual([...here.largestDistance]);
  expect(columns.truncated).toEqual([...here.truncated]);
  expect(columns.exact).toEqual([...here.exact]);
  expect(told).toMatchObject({ rows: hits.length, hits: here.indices.length, last: true });
}

describe.each(["auto", "hnsw"] as const)("with algorithm %s the bridge gives what the API gives", (algorithm) => {
  let index: HnswIndex;
  beforeAll(async () => {
    index = await HnswIndex.build({ data: matrix.data, shape: [3000, 8] }, { algorithm });
    return () => index.close();
  });

  test.each([
    ["usual options", {}, {}],
    ["few results", { max_results: 5 }, { maxResults: 5 }],
    [
      "all options",
      { min_recall: 0.5, sort: false, expansion_factor: 1.1, ef_search: 99, max_results: 77 },
      { minRecall: 0.5, sort: false, expansionFactor: 1.1, efSearch: 99, maxResults: 77 },
    ],
    ["all rows compared", { exact: true }, { exact: true }],
  ] as [string, object, RadiusOptions][])("to a radius search with %s", async (_, wire, options) => {
    const client = await connect(await start());
    const id = await client.build(matrix, { algorithm });
    const there = await ask(client, "radius_search", { index: id, radius: RADIUS, ...wire });
    expectSame(there, await index.radiusSearch({ data: queries.data, shape: [200, 8] }, RADIUS, options));
  });

  test("with a radius for each query, in the header or as a value", async () => {
    const client = await connect(await start());
    const id = await client.build(matrix, { algorithm });
    const radii = Float32Array.from({ length: 200 }, (_, i) => i / 400);
    const here = await index.radiusSearchBatch({ data: queries.data, shape: [200, 8] }, radii);
    expectSame(await ask(client, "radius_search", { index: id, radii: [...radii] }), here);
    const fields = { rows: 25, dim: 8, dtype: "float32", inline: true };
    const { value } = await client.call("put", fields, fixedFrames(radii, 8));
    expectSame(await ask(client, "radius_search", { index: id, radii: { value } }), here);
  });

  test("by id", async () => {
    const client = await connect(await start());
    const id = await client.build(matrix, { algorithm });
    const ids = [7, 2999, 7];
    const call = client.nextId();
    await client.send({ op: "radius_search_by_id", id: call, index: id, ids, radius: RADIUS, credits: 64 });
    await client.answer(call);
    expectSame(tables(client, call, "radius"), await index.radiusSearchById(ids, RADIUS));
  });

  test("for a number of rows", async () => {
    const client = await connect(await start());
    const id = await client.build(matrix, { algorithm });
    const one = slice(queries, 3, 1);
    const fields = { index: id, target: 40, tolerance: 0.1, start_radius: 0.01 };
    const there = await ask(client, "search_with_target_count", fields, one);
    const here = await index.searchWithTargetCount(one.data, 40, { tolerance: 0.1, startRadius: 0.01 });
    expectSame(there, here);
    const { radius, reached, searches } = here;
    expect(there.told).toMatchObject({ radius, reached, searches });
  });

  test("to an estimate", async () => {
    const client = await connect(await start());
    const id = await client.build(matrix, { algorithm });
    const there = await ask(client, "estimate_count", { index: id, radius: RADIUS, sample: 300 });
    const shape: [number, number] = [200, 8];
    const here = await index.estimateCount({ data: queries.data, shape }, RADIUS, { sample: 300 });
    const { counts, low, high } = here;
    expect(there.columns).toEqual({ counts: [...counts], low: [...low], high: [...high] });
  });
});

describe("results of varying length", () => {
  test("come_in_batches_that_never_exceed_the_credits", async () => {
    const client = await connect(await start({ limits: { batchBytes: 4096 } }));
    const index = await client.build(slice(matrix, 0, 400));
    const id = client.nextId();
    const ids = Array.from({ length: 400 }, (_, i) => i);
    const batches = () => client.received.filter(({ header }) => header.type === "radius" && header.id === id).length;
    await client.send({ op: "radius_search_by_id", id, index, ids, radius: RADIUS, credits: 2 });
    await client.when(() => batches() === 2);
    await client.call("ping");
    expect(batches()).toBe(2);
    await client.send({ op: "credit", id, credits: 60 });
    await client.answer(id);
    const { batches: all, told, columns } = tables(client, id, "radius");
    // 22 bytes a query, 8 a row.
    expect(all.filter(({ part }) => part === "queries").map(({ count }) => count)).toEqual([186, 186, 28]);
    expect(all.slice(3).every(({ part, count }) => part === "hits" && count <= 512)).toBe(true);
    expect(told.hits).toBe(columns.indices?.length);
  });

  test("are_one_message_without_frames_when_there_are_no_queries", async () => {
    const client = await connect(await start());
    const index = await client.build(slice(matrix, 0, 20));
    const { batches, told } = await ask(client, "radius_search", { index, radius: 1 }, slice(matrix, 0, 0));
    expect(batches).toEqual([{ part: "queries", count: 0 }]);
    expect(told).toMatchObject({ rows: 0, hits: 0, start: 0, last: true });
  });

  test("end_with_the_queries_where_nothing_is_near", async () => {
    const client = await connect(await start());
    const index = await client.build(slice(matrix, 0, 20));
    const { batches, columns } = await ask(client, "radius_search", { index, radius: 0 }, slice(queries, 0, 3));
    expect(batches).toEqual([{ part: "queries", count: 3 }]);
    expect(columns.largest_distance).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });
});

test.each([
  ["neither a radius nor radii", "radius_search", {}, "ERR_PROTOCOL"],
  ["a radius and radii", "radius_search", { radius: 1, radii: [1] }, "ERR_PROTOCOL"],
  ["a radius that is text", "radius_search", { radius: "1" }, "ERR_PROTOCOL"],
  ["a radius below 0", "radius_search", { radius: -1 }, "ERR_INVALID_ARGUMENT"],
  ["another number of radii", "radius_search", { radii: [1, 2] }, "ERR_DIMENSION_MISMATCH"],
  ["no results", "radius_search", { radius: 1, max_results: 0 }, "ERR_INVALID_ARGUMENT"],
  ["more recall than all", "radius_search", { radius: 1, min_recall: 1.5 }, "ERR_INVALID_ARGUMENT"],
  ["a target of too many", "search_with_target_count", { target: 21 }, "ERR_INVALID_ARGUMENT"],
  ["no target", "search_with_target_count", {}, "ERR_PROTOCOL"],
  ["an unknown id", "radius_search_by_id", { ids: [20], radius: 1 }, "ERR_UNKNOWN_ID"],
  ["ids that are none", "radius_search_by_id", { ids: [0.5], radius: 1 }, "ERR_INVALID_ARGUMENT"],
  ["no ids", "radius_search_by_id", { radius: 1 }, "ERR_PROTOCOL"],
])("%s_is_refused", async (_, op, fields, code) => {
  const client = await connect(await start());
  const index = await client.build(slice(matrix, 0, 20));
  const sent = op === "radius_search_by_id" ? slice(queries, 0, 0) : slice(queries, 0, 1);
  await expect(ask(client, op, { index, ...fields }, sent)).rejects.toMatchObject({ code });
  expect(await client.call("ping")).toMatchObject({ type: "reply" });
});
