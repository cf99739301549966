/** Many clients at one server: whose turn it is, what there may be at most, and that control messages never wait. */
import { describe, expect, test } from "vitest";
import { randomMatrix } from "./support/arrow.ts";
import type { RawClient } from "./support/client.ts";
import { denseRows, numberRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const large = randomMatrix(24_000, 64, 71);
const slow = { algorithm: "exact", n_neighbors: 5 };

/** Asks for the graph of a fresh copy of the rows; resolves with the time of its answer. */
async function graph(client: RawClient, index: string): Promise<number> {
  const id = client.nextId();
  await client.send({ op: "neighbor_graph", id, index, credits: 64 });
  return (await client.answer(id)).at;
}

describe("computations", () => {
  test("of_a_client_with_many_do_not_keep_out_one_with_a_single_one", async () => {
    const server = await start({ limits: { maxRunning: 1 } });
    const [many, single] = [await connect(server), await connect(server)];
    const indexes: string[] = [];
    for (let i = 0; i < 5; i++) indexes.push(await many.build(large, { ...slow, seed: i }));
    const own = await single.build(large, slow);
    const answers = indexes.map((index) => graph(many, index));
    await many.when(({ header }) => header.type === "progress" && header.phase === "waiting");
    const answered = await graph(single, own);
    const ends = (await Promise.all(answers)).sort((a, b) => a - b);
    // The first of them ran already, and one more may have begun in between.
    expect(ends.filter((end) => end < answered).length).toBeLessThanOrEqual(2);
  });

  test("that_wait_can_be_cancelled_and_tell_that_they_wait", async () => {
    const server = await start({ limits: { maxRunning: 1 } });
    const client = await connect(server);
    const index = await client.build(large, { ...slow, threads: 1 });
    await client.send({ op: "neighbor_graph", id: 1, index });
    await client.send({ op: "prepare", id: 2, index });
    await client.when(({ header }) => header.id === 2 && header.type === "progress" && header.phase === "waiting");
    await client.call("cancel", { target: 2 });
    await expect(client.answer(2)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect((await client.call("stats")).server).toMatchObject({ computations: { running: 1, waiting: 0 } });
    await client.call("cancel", { target: 1 });
    await expect(client.answer(1)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(await client.query(index, randomMatrix(1, 64, 72), 1)).toMatchObject({ rows: 1 });
  });

  test("leave_control_messages_alone_while_two_use_the_whole_machine", async () => {
    const server = await start();
    const [first, second, asking] = [await connect(server), await connect(server), await connect(server)];
    const indexes = [await first.build(large, slow), await second.build(large, slow)];
    await first.send({ op: "neighbor_graph", id: 1, index: indexes[0] });
    await second.send({ op: "neighbor_graph", id: 1, index: indexes[1] });
    await first.when(({ header }) => header.type === "progress");
    const waits: number[] = [];
    const running = () => [first, second].every(({ received }) => !received.some(({ header }) => header.last));
    while (running() && waits.length < 200) {
      const sent = performance.now();
      await asking.call("ping");
      waits.push(performance.now() - sent);
    }
    waits.sort((a, b) => a - b);
    const median = waits[waits.length >> 1] ?? 0;
    console.info(
      `pings during two builds: ${waits.length}, median ${median.toFixed(1)} ms, worst ${waits.at(-1)?.toFixed(1)} ms`,
    );
    // Never behind a computation: those take seconds. The bound is generous, for machines that do other work.
    expect(waits.length).toBeGreaterThan(5);
    expect(median).toBeLessThan(50);
    const target = { target: 1 };
    await Promise.allSettled([first.call("cancel", target), second.call("cancel", target)]);
  });
});

describe("limits", () => {
  test("of_indexes_count_those_of_all_clients_and_are_checked_before_rows_come", async () => {
    const server = await start({ limits: { maxIndexes: 2 } });
    const [one, other] = [await connect(server), await connect(server)];
    const small = randomMatrix(10, 4, 73);
    await one.build(small);
    const mine = await other.build(small);
    const promise = { rows: 1_000_000, dim: 100, dtype: "float32" };
    await expect(one.call("build", promise)).rejects.toMatchObject({
      code: "ERR_OUT_OF_MEMORY",
      message: expect.stringContaining("allowed: 2"),
    });
    expect(one.received.some(({ header }) => header.type === "credit")).toBe(false);
    await other.call("close", { index: mine });
    await expect(one.build(small)).resolves.toBeDefined();
  });

  test("of_threads_hold_for_every_index", async () => {
    const server = await start({ threads: 1 });
    const client = await connect(server);
    await client.call("goodbye");
    expect((await client.hello()).threads).toBe(1);
    const rows = denseRows(randomMatrix(100, 4, 74));
    for (const options of [{}, { threads: 8 }]) {
      const built = await client.inline("build", { options }, rows);
      expect(built.parameters).toMatchObject({ threads: 1 });
      const bytes = numberRows(await client.bytes("dump", { index: built.index, rows: true }), 1);
      const { value } = await client.inline("put", {}, bytes);
      expect((await client.call("load", { bytes: { value }, ...options })).parameters).toMatchObject({ threads: 1 });
    }
    await expect(client.build(randomMatrix(100, 4, 74), { threads: "two" })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });

  test("of_memory_refuse_rows_before_the_first_batch", async () => {
    const limit = process.memoryUsage.rss() + (64 << 20);
    const client = await connect(await start({ maxMemory: limit }));
    const promise = { dim: 1024, dtype: "float32" };
    await expect(client.call("build", { ...promise, rows: 100_000 })).rejects.toMatchObject({
      code: "ERR_OUT_OF_MEMORY",
      message: expect.stringMatching(/409600000 bytes, allowed now: \d+/),
    });
    expect(client.received.some(({ header }) => header.type === "credit")).toBe(false);
    await expect(client.build(randomMatrix(1000, 64, 75))).resolves.toBeDefined();
  });
});
