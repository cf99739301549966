import { beforeAll, describe, expect, test } from "vitest";
import { HnswIndex } from "../../src/index.ts";
import { randomMatrix, readResult, slice } from "./support/arrow.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const matrix = randomMatrix(3000, 16, 11);
const queries = randomMatrix(500, 16, 12);
const shape = { rows: 500, dim: 16, dtype: "float32" };
/** Two rows of k = 10 in a batch: many batches from little data. */
const smallBatches = { limits: { batchBytes: 100_000 } };

describe.each(["auto", "exact", "hnsw"])(
  "with algorithm %s the bridge gives the bits of the in-process API",
  (algorithm) => {
    let index: HnswIndex;
    beforeAll(async () => {
      index = await HnswIndex.build(
        { data: matrix.data, shape: [3000, 16] },
        { nNeighbors: 10, algorithm: algorithm as "auto" },
      );
      return () => index.close();
    });

    test("in_neighbor_graph", async () => {
      const client = await connect(await start());
      const id = await client.build(matrix, { n_neighbors: 10, algorithm });
      const there = await client.results("neighbor_graph", { index: id });
      const here = await index.neighborGraph();
      expect(there).toMatchObject({ rows: 3000, k: 10 });
      expect(there.indices).toEqual(here.indices.data);
      expect(there.distances).toEqual(here.distances.data);
    });

    test("in_query", async () => {
      const client = await connect(await start());
      const id = await client.build(matrix, { n_neighbors: 10, algorithm });
      const there = await client.query(id, queries, 7, { epsilon: 0.24 });
      const here = await index.query({ data: queries.data, shape: [500, 16] }, { k: 7, epsilon: 0.24 });
      expect(there).toMatchObject({ rows: 500, k: 7 });
      expect(there.indices).toEqual(here.indices.data);
      expect(there.distances).toEqual(here.distances.data);
    });
  },
);

describe("results", () => {
  test("come_in_batches_that_never_exceed_the_credits", async () => {
    const client = await connect(await start({ limits: { batchBytes: 4096 } }));
    const index = await client.build(slice(matrix, 0, 1000), { n_neighbors: 10 });
    const id = client.nextId();
    const batches = () => client.received.filter(({ header }) => header.type === "result" && header.id === id).length;
    await client.send({ op: "neighbor_graph", id, index, credits: 2 });
    await client.when(() => batches() === 2);
    for (let granted = 2; granted < 20; granted += 3) {
      await client.call("ping");
      expect(batches()).toBe(granted);
      await client.send({ op: "credit", id, credits: 3 });
      await client.when(() => batches() === Math.min(granted + 3, 20), `batch ${granted + 3}`);
    }
    // 4096 bytes are 51 rows of 80 bytes, made even: 50. 1000 rows in batches of 50.
    expect(client.collected(id)).toMatchObject({ rows: 1000, k: 10, batches: 20 });
    expect(client.collected(id)).toMatchObject({ ...(await client.results("neighbor_graph", { index })), batches: 20 });
  });

  test("wait_for_the_first_credit_when_none_is_given", async () => {
    const client = await connect(await start());
    const index = await client.build(slice(matrix, 0, 50), { n_neighbors: 3 });
    const id = client.nextId();
    await client.send({ op: "neighbor_graph", id, index, credits: 0 });
    await client.call("ping");
    await client.call("prepare", { index });
    expect(client.received.filter(({ header }) => header.id === id)).toEqual([]);
    await client.send({ op: "credit", id, credits: 1 });
    await client.answer(id);
    expect(client.collected(id)).toMatchObject({ rows: 50, k: 3, batches: 1 });
  });

  test("stop_coming_when_the_waiting_call_is_cancelled", async () => {
    const client = await connect(await start());
    const index = await client.build(slice(matrix, 0, 50), { n_neighbors: 3 });
    const id = client.nextId();
    await client.send({ op: "neighbor_graph", id, index, credits: 0 });
    expect(await client.call("cancel", { target: id })).toMatchObject({ found: true });
    await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    await client.send({ op: "credit", id, credits: 1 });
    expect(await client.call("stats")).toMatchObject({ server: { callsInFlight: 1 } });
  });

  test("need_no_padding_frames_but_the_last", async () => {
    const client = await connect(await start(smallBatches));
    const index = await client.build(slice(matrix, 0, 2001), { n_neighbors: 5 });
    const result = await client.results("neighbor_graph", { index });
    expect(result).toMatchObject({ rows: 2001, k: 5, batches: 1 });
    const odd = client.received.filter(({ header }) => header.type === "result").at(-1);
    expect(odd?.frames.map((frame) => frame.length).slice(2)).toEqual([2001 * 20, 4, 2001 * 20, 4]);
  });

  test.each([1, 2, 3, 7, 40])("have_distinct_ids_in_ascending_order_for_k_%i", async (k) => {
    const client = await connect(await start());
    const rows = slice(matrix, 0, 40);
    const index = await client.build(rows, { n_neighbors: 5 });
    const { indices, distances } = await client.query(index, rows, k);
    for (let row = 0; row < 40; row++) {
      const ids = indices.subarray(row * k, (row + 1) * k);
      const ascending = distances.subarray(row * k, (row + 1) * k);
      expect(ids[0]).toBe(row);
      expect(new Set(ids).size).toBe(k);
      expect([...ascending]).toEqual([...ascending].sort((a, b) => a - b));
    }
  });

  test("are_padded_with_minus_1_and_infinity_beyond_the_rows", async () => {
    const client = await connect(await start());
    const index = await client.build(slice(matrix, 0, 3), { n_neighbors: 2 });
    const { indices, distances } = await client.query(index, slice(matrix, 0, 2), 5);
    for (const row of [0, 1]) {
      expect([...indices.subarray(row * 5 + 3, row * 5 + 5)]).toEqual([-1, -1]);
      expect([...distances.subarray(row * 5 + 3, row * 5 + 5)]).toEqual([
        Number.POSITIVE_INFINITY,
        Number.POSITIVE_INFINITY,
      ]);
      expect(new Set(indices.subarray(row * 5, row * 5 + 3))).toEqual(new Set([0, 1, 2]));
    }
  });

  test.each([
    { name: "k_is_zero", rows: 4, k: 0 },
    { name: "there_are_no_queries", rows: 0, k: 6 },
    { name: "both_are_zero", rows: 0, k: 0 },
  ])("are_one_message_without_frames_when_$name", async ({ rows, k }) => {
    const client = await connect(await start());
    const index = await client.build(slice(matrix, 0, 20));
    const fields = { index, ...shape, rows, k };
    const { header, frames } = await client.callInline("query", fields, slice(matrix, 0, rows));
    expect(header).toMatchObject({ type: "result", rows, k, start: 0, count: 0, last: true });
    expect(frames).toEqual([]);
    const streamed = await client.callStreamed("query", fields, slice(matrix, 0, rows), 2);
    expect(streamed.header).toMatchObject({ rows, k, count: 0, last: true });
  });

  test("follow_the_layout_of_the_specification_byte_for_byte", async () => {
    const client = await connect(await start());
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    const index = await client.build({ data, rows: 2, dim: 3 }, { n_neighbors: 2 });
    await client.results("neighbor_graph", { index });
    const frames = client.received.at(-1)?.frames ?? [];
    const body = Buffer.concat(frames.slice(2)).toString("hex");
    expect(body).toBe("0000000001000000010000000000000000000000e146a64000000000e146a640");
    expect(readResult(frames)).toMatchObject({ rows: 2, k: 2 });
  });
});

test("granting_more_than_the_allowed_credits_ends_the_call", async () => {
  const client = await connect(await start());
  const index = await client.build(slice(matrix, 0, 50), { n_neighbors: 3 });
  const id = client.nextId();
  await client.send({ op: "query", id, index, ...shape, k: 3, credits: 60 });
  await client.when(({ header }) => header.type === "credit" && header.id === id);
  await client.send({ op: "credit", id, credits: 5 });
  await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  await expect(client.call("neighbor_graph", { index, credits: 65 })).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
});
