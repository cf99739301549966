import { describe, expect, test, vi } from "vitest";
import { RowBuffer } from "../../src/index.ts";
import { randomMatrix, rowFrames, slice } from "./support/arrow.ts";
import type { RawClient } from "./support/client.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const matrix = randomMatrix(100, 7, 1);
const options = { n_neighbors: 5 };
const shape = { rows: 100, dim: 7, dtype: "float32", options };

async function serverStats(client: RawClient) {
  return (await client.call("stats")).server as Record<string, unknown> & { indexes: number; bytesCopied: number };
}

/** The graph of an index is the proof that its rows arrived as they were sent. */
async function graphOf(client: RawClient, index: unknown) {
  const { indices, distances } = await client.results("neighbor_graph", { index });
  return { indices, distances };
}

describe("rows arrive", () => {
  test("inline_and_streamed_alike", async () => {
    const client = await connect(await start());
    const inline = await client.callInline("build", shape, matrix);
    expect(inline.header).toMatchObject({ index: "1", rows: 100, dim: 7, metric: "euclidean", n_neighbors: 5 });
    const streamed = await client.callStreamed("build", shape, matrix, 13);
    expect(streamed.header).toMatchObject({ index: "2", rows: 100, dim: 7 });
    expect(await graphOf(client, "2")).toEqual(await graphOf(client, "1"));
  });

  test("with_the_body_cut_anywhere", async () => {
    const client = await connect(await start());
    const whole = await graphOf(client, await client.build(matrix, options));
    const [schema, batch, body] = rowFrames(matrix);
    for (const cuts of [[1], [27, 29], [28], [5, 6, 7, 2000], [0, 0, 100], [body.length]]) {
      const ends = [...cuts, body.length];
      const parts = ends.map((end, i) => body.subarray(ends[i - 1] ?? 0, end));
      const reply = await client.call("build", { ...shape, inline: true }, [schema, batch, ...parts]);
      expect(await graphOf(client, reply.index), `cut at ${cuts}`).toEqual(whole);
    }
  });

  test("with_one_copy_each", async () => {
    const client = await connect(await start());
    await client.callStreamed("build", shape, matrix, 10);
    expect((await serverStats(client)).bytesCopied).toBe(matrix.data.byteLength);
    await client.query("1", slice(matrix, 0, 3), 2);
    expect((await serverStats(client)).bytesCopied).toBe(matrix.data.byteLength + 3 * 7 * 4);
  });

  test("only_under_credits_that_never_exceed_the_window", async () => {
    const client = await connect(await start({ limits: { window: 2 } }));
    const id = client.nextId();
    await client.send({ op: "build", id, ...shape });
    await client.when(({ header }) => header.type === "credit");
    await client.call("ping");
    expect(client.credits(id)).toBe(2);
    await client.upload(id, matrix, 20);
    await client.answer(id);
    // Five batches: two credits at the start, one after each batch but the last.
    expect(client.credits(id)).toBe(6);
  });

  test("in_two_interleaved_uploads", async () => {
    const client = await connect(await start());
    const ids = [client.nextId(), client.nextId()];
    const matrices = [matrix, randomMatrix(100, 7, 2)];
    await Promise.all(ids.map((id) => client.send({ op: "build", id, ...shape })));
    await Promise.all(ids.map((id, i) => client.upload(id, matrices[i] ?? matrix, 9)));
    const replies = await Promise.all(ids.map((id) => client.answer(id)));
    const alone = await connect(await start());
    for (const [i, reply] of replies.entries()) {
      const index = await alone.build(matrices[i] ?? matrix, options);
      expect(await graphOf(client, reply.header.index)).toEqual(await graphOf(alone, index));
    }
  });

  test("in_batches_of_4_MiB_for_a_large_matrix", async () => {
    const client = await connect(await start());
    const large = randomMatrix(20_000, 128, 3);
    const batchRows = Math.floor((4 << 20) / 512);
    const { header } = await client.callStreamed("build", { ...shape, rows: 20_000, dim: 128 }, large, batchRows);
    expect(header).toMatchObject({ rows: 20_000, dim: 128 });
    expect((await serverStats(client)).bytesCopied).toBe(large.data.byteLength);
  });
});

describe("a broken upload", () => {
  const good = (start: number, count: number) => rowFrames(slice(matrix, start, count));
  const cases = [
    { name: "a_gap", header: { start: 20, count: 10 }, frames: good(20, 10) },
    { name: "a_repeated_batch", header: { start: 0, count: 10 }, frames: good(0, 10) },
    { name: "more_rows_than_promised", header: { start: 10, count: 91 }, frames: good(0, 91) },
    { name: "count_zero", header: { start: 10, count: 0 }, frames: [] },
    { name: "count_unlike_the_batch", header: { start: 10, count: 9 }, frames: good(10, 10) },
    { name: "no_frames", header: { start: 10, count: 10 }, frames: [] },
    { name: "no_body", header: { start: 10, count: 10 }, frames: good(10, 10).slice(0, 2) },
    { name: "no_start", header: { count: 10 }, frames: good(10, 10) },
    { name: "another_width", header: { start: 10, count: 10 }, frames: rowFrames(randomMatrix(10, 8, 1)) },
  ];

  test.each(cases)("with $name ends_with_ERR_PROTOCOL_and_leaves_nothing", async ({ header, frames }) => {
    const client = await connect(await start());
    const id = client.nextId();
    await client.send({ op: "build", id, ...shape });
    await client.upload(id, slice(matrix, 0, 10), 10);
    await client.send({ op: "rows", id, ...header }, frames);
    await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    expect(await serverStats(client)).toMatchObject({ indexes: 0, callsInFlight: 1 });
    await expect(client.build(matrix, options)).resolves.toBe("1");
  });

  test("frees_the_memory_of_its_rows", async () => {
    const dispose = vi.spyOn(RowBuffer.prototype, "dispose");
    const client = await connect(await start());
    await client.send({ op: "build", id: 1, ...shape });
    await client.upload(1, slice(matrix, 0, 10), 10);
    expect(dispose).not.toHaveBeenCalled();
    await client.call("cancel", { target: 1 });
    await expect(client.answer(1)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(dispose).toHaveBeenCalled();
    dispose.mockRestore();
  });

  test("with_a_NaN_names_the_row_of_the_whole_matrix", async () => {
    const client = await connect(await start());
    const data = matrix.data.slice();
    data[45 * 7 + 3] = Number.NaN;
    const answer = client.callStreamed("build", shape, { ...matrix, data }, 10);
    await expect(answer).rejects.toMatchObject({ code: "ERR_NON_FINITE", message: /row 45, column 3/ });
    expect(await serverStats(client)).toMatchObject({ indexes: 0 });
  });

  test("drops_batches_that_were_on_their_way_under_credits", async () => {
    const client = await connect(await start());
    const id = client.nextId();
    await client.send({ op: "build", id, ...shape });
    await client.when(() => client.credits(id) >= 4);
    await client.send({ op: "rows", id, start: 99, count: 1 }, good(99, 1));
    await client.send({ op: "rows", id, start: 10, count: 10 }, good(10, 10));
    await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    for (const start of [20, 30]) await client.send({ op: "rows", id, start, count: 10 }, good(start, 10));
    await client.call("ping");
    const errors = client.received.filter(({ header }) => header.type === "error");
    expect(errors.map(({ header }) => header.id)).toEqual([id]);
    // The credits are used up: one more is a batch for nobody.
    await client.send({ op: "rows", id, start: 40, count: 10 }, good(40, 10));
    await client.call("ping");
    expect(client.received.filter(({ header }) => header.type === "error")).toHaveLength(2);
  });

  test.each([
    { name: "a_batch_for_no_call", before: async (_: RawClient) => 4711 },
    {
      name: "a_batch_for_a_call_that_has_its_rows",
      before: async (client: RawClient) => {
        await client.build(matrix, options);
        return 101;
      },
    },
  ])("$name is_ERR_PROTOCOL", async ({ before }) => {
    const client = await connect(await start());
    const id = await before(client);
    await client.send({ op: "rows", id, start: 0, count: 10 }, good(0, 10));
    const error = await client.when(({ header }) => header.type === "error");
    expect(error.header).toMatchObject({ id, code: "ERR_PROTOCOL" });
  });

  test("leaves_an_index_as_it_was_when_it_was_an_update", async () => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    const before = await client.query(index, slice(matrix, 0, 9), 5);
    const data = matrix.data.slice();
    data[99 * 7] = Number.POSITIVE_INFINITY;
    const fresh = { rows: 100, dim: 7, dtype: "float32" };
    const answer = client.callStreamed("update", { index, fresh }, { ...matrix, data }, 30);
    await expect(answer).rejects.toMatchObject({ code: "ERR_NON_FINITE" });
    expect(await client.query(index, slice(matrix, 0, 9), 5)).toEqual(before);
    expect(await client.call("stats", { index })).toMatchObject({ index: { rows: 100 } });
  });
});
