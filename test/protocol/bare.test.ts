/** Small messages without Arrow's metadata, and queries that are answered between two messages. */
import { describe, expect, test } from "vitest";
import { HnswIndex } from "../../src/index.ts";
import { randomCsr, randomMatrix, readResult, slice } from "./support/arrow.ts";
import type { RawClient } from "./support/client.ts";
import { sparseRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const matrix = randomMatrix(2000, 16, 21);
const queries = randomMatrix(40, 16, 22);

function bytes({ data }: { data: Float32Array }): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

async function ask(client: RawClient, index: string, asked: typeof matrix, frames: Uint8Array[], k = 5) {
  const id = client.nextId();
  const shape = { rows: asked.rows, dim: asked.dim, dtype: "float32" };
  await client.send({ op: "query", id, index, ...shape, k, inline: true, bare: true }, frames);
  return client.answer(id);
}

/** Of a bare result. */
function values(frame: Uint8Array | undefined, numbers: number) {
  const copy = Uint8Array.from(frame ?? []).buffer;
  return { indices: new Int32Array(copy, 0, numbers), distances: new Float32Array(copy, 4 * numbers) };
}

describe("bare", () => {
  test("queries_and_results_have_the_bits_of_the_in_process_API", async () => {
    const client = await connect(await start());
    const index = await HnswIndex.build({ data: matrix.data, shape: [2000, 16] }, { algorithm: "hnsw" });
    const id = await client.build(matrix, { algorithm: "hnsw" });
    // Again and again, for the first is answered on another thread than those after it.
    for (let row = 0; row < 40; row++) {
      const asked = slice(queries, row, 1);
      const { header, frames } = await ask(client, id, asked, [bytes(asked)]);
      expect(header).toMatchObject({ type: "result", rows: 1, k: 5, start: 0, count: 1, last: true, bare: true });
      expect(frames).toHaveLength(1);
      const expected = await index.query({ data: asked.data, shape: [1, 16] }, { k: 5 });
      const there = values(frames[0], 5);
      expect(there.indices).toEqual(expected.indices.data);
      expect(there.distances).toEqual(expected.distances.data);
    }
    index.close();
  });

  test("rows_may_be_cut_anywhere", async () => {
    const client = await connect(await start());
    const id = await client.build(matrix);
    const all = bytes(queries);
    const whole = await ask(client, id, queries, [all]);
    const cut = await ask(client, id, queries, [all.slice(0, 7), all.slice(7, 7), all.slice(7, 999), all.slice(999)]);
    expect(cut.frames).toEqual(whole.frames);
  });

  test("a_large_result_is_Arrow", async () => {
    const client = await connect(await start());
    const id = await client.build(matrix);
    const { header, frames } = await ask(client, id, queries, [bytes(queries)], 100);
    expect(header.bare).toBeUndefined();
    expect(readResult(frames).indices).toHaveLength(4000);
  });

  test("an_empty_result_has_no_frames", async () => {
    const client = await connect(await start());
    const id = await client.build(matrix);
    expect(await ask(client, id, queries, [bytes(queries)], 0)).toMatchObject({ header: { count: 0 }, frames: [] });
    expect(await ask(client, id, slice(queries, 0, 0), [])).toMatchObject({ header: { count: 0 }, frames: [] });
  });

  test("missing_neighbours_come_as_they_are", async () => {
    const client = await connect(await start());
    const id = await client.build(slice(matrix, 0, 3));
    const { frames } = await ask(client, id, slice(queries, 0, 1), [bytes(slice(queries, 0, 1))]);
    const { indices, distances } = values(frames[0], 5);
    expect([...indices.slice(3)]).toEqual([-1, -1]);
    expect([...distances.slice(3)]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });

  test("an_index_can_be_built_of_bare_rows", async () => {
    const client = await connect(await start());
    const shape = { rows: 2000, dim: 16, dtype: "float32" };
    const { index } = await client.call("build", { ...shape, inline: true, bare: true }, [bytes(matrix)]);
    const arrow = await client.build(matrix);
    const graph = (id: unknown) => client.results("neighbor_graph", { index: id });
    expect((await graph(index)).indices).toEqual((await graph(arrow)).indices);
  });

  test.each([-4, 4])("%i_bytes_beyond_the_promise_are_ERR_PROTOCOL", async (more) => {
    const client = await connect(await start());
    const id = await client.build(matrix);
    const wrong = new Uint8Array(4 * 16 * 40 + more);
    await expect(ask(client, id, queries, [wrong])).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    await expect(ask(client, id, queries, [])).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    await client.call("ping");
  });

  test("values_that_are_not_finite_are_refused_also_between_two_messages", async () => {
    const client = await connect(await start());
    const id = await client.build(matrix);
    const asked = slice(queries, 0, 1);
    const bad = { ...asked, data: asked.data.slice().fill(Number.NaN, 3, 4) };
    for (const _ of [1, 2, 3]) {
      await ask(client, id, asked, [bytes(asked)]);
      await expect(ask(client, id, bad, [bytes(bad)])).rejects.toMatchObject({ code: "ERR_NON_FINITE" });
    }
  });

  test("sparse_rows_are_never_bare", async () => {
    const client = await connect(await start());
    const rows = sparseRows(randomCsr(20, 30, 5, 3));
    await expect(client.inline("build", { bare: true }, rows)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  });
});

describe("plan", () => {
  test("is_what_stats_tells_of_it", async () => {
    const client = await connect(await start());
    const index = await client.build(matrix);
    const { plan } = await client.call("plan", { index });
    const stats = await client.call("stats", { index });
    expect(plan).toEqual((stats.index as { plan: object }).plan);
    await expect(client.call("plan", { index: "7" })).rejects.toMatchObject({ code: "ERR_UNKNOWN_ID" });
  });

  test("a_quick_query_is_seen_in_it", async () => {
    const client = await connect(await start());
    const id = await client.build(matrix);
    for (let row = 0; row < 5; row++) {
      const asked = slice(queries, row, 1);
      await ask(client, id, asked, [bytes(asked)]);
    }
    const { plan } = await client.call("plan", { index: id });
    expect((plan as { query: { seconds: number } }).query.seconds).toBeGreaterThan(0);
  });
});
