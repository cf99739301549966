import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { Dealer } from "zeromq";
import { OPERATIONS } from "../../bridge/operations.ts";
import { randomMatrix, slice } from "./support/arrow.ts";
import type { RawClient } from "./support/client.ts";
import { useServers } from "./support/server.ts";

const { start, connect, raw } = useServers();
const small = randomMatrix(300, 6, 31);
/** One thread needs seconds for its graph on any machine, and no test waits for the end of it. */
const large = randomMatrix(60_000, 96, 32);
const slow = { n_neighbors: 15, threads: 1, algorithm: "exact" };

/** Starts a call that computes for long, and waits until it has told its first progress. */
async function startSlowCall(client: RawClient): Promise<{ id: number; index: string }> {
  const index = await client.build(large, slow);
  const id = client.nextId();
  await client.send({ op: "neighbor_graph", id, index });
  await client.when(({ header }) => header.type === "progress" && header.id === id, "progress");
  return { id, index };
}

describe("while a call computes", () => {
  test("control_messages_and_other_clients_are_answered", async () => {
    const server = await start();
    const client = await connect(server);
    const { id } = await startSlowCall(client);
    await client.call("ping");
    const other = await connect(server);
    const index = await other.build(small);
    expect((await other.query(index, slice(small, 5, 1), 1)).indices[0]).toBe(5);
    expect(await other.call("stats")).toMatchObject({ server: { callsInFlight: 2 } });
    expect(client.received.some(({ header }) => header.id === id && header.type !== "progress")).toBe(false);
    await client.call("cancel", { target: id });
    await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
  });

  test("progress_comes_at_least_every_250_ms_and_never_falls_back", async () => {
    const client = await connect(await start());
    const { id } = await startSlowCall(client);
    const reports = () => client.received.filter(({ header }) => header.type === "progress" && header.id === id);
    await client.when(() => reports().length >= 6, "six reports");
    await client.call("cancel", { target: id });
    const seen = reports();
    const gaps = seen.slice(1).map(({ at }, i) => at - (seen[i]?.at ?? 0));
    // The middle one: a single late timer of a busy machine says nothing about the rule.
    expect(gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)]).toBeLessThanOrEqual(250);
    const phases = new Map<unknown, number>();
    for (const { header } of seen) {
      expect(Number(header.done)).toBeGreaterThanOrEqual(phases.get(header.phase) ?? 0);
      expect(Number(header.done)).toBeLessThanOrEqual(Number(header.total));
      phases.set(header.phase, Number(header.done));
    }
  });

  test("a_cancelled_call_leaves_the_index_usable", async () => {
    const client = await connect(await start());
    const { id, index } = await startSlowCall(client);
    expect(await client.call("cancel", { target: id })).toMatchObject({ found: true });
    await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(await client.call("cancel", { target: id })).toMatchObject({ found: false });
    expect((await client.query(index, slice(large, 7, 1), 1)).indices[0]).toBe(7);
  });

  test("closing_its_index_ends_it", async () => {
    const client = await connect(await start());
    const { id, index } = await startSlowCall(client);
    await client.call("close", { index });
    await expect(client.answer(id)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(CLOSED|CANCELLED)$/) });
    await expect(client.call("ping")).resolves.toBeDefined();
  });

  test("an_update_stops_nobody_and_a_cancelled_one_changes_nothing", async () => {
    const server = await start();
    const [client, other] = [await connect(server), await connect(server)];
    const base = slice(large, 0, 6000);
    // By the rows themselves: by sketches the update would be over before it tells.
    const options = { algorithm: "hnsw", metric: "manhattan", threads: 1, ef_construction: 800 };
    const index = await client.build(base, options);
    await client.call("prepare", { index });
    const before = await client.query(index, slice(large, 0, 20), 5);
    const id = client.nextId();
    await client.send({ op: "update", id, index, fresh: { rows: 3000, dim: 96, dtype: "float32" } });
    await client.upload(id, slice(large, 30_000, 3000), 3000);
    await client.when(({ header }) => header.type === "progress" && header.id === id, "progress");
    // What the index was before is told at once.
    expect(await client.call("stats", { index })).toMatchObject({ index: { rows: 6000 } });
    await other.call("ping");
    await client.call("ping");
    expect(client.received.some(({ header }) => header.id === id && header.type === "reply")).toBe(false);
    await client.call("cancel", { target: id });
    await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(await client.query(index, slice(large, 0, 20), 5)).toEqual(before);
  });

  test("a_goodbye_ends_it_without_an_answer", async () => {
    const server = await start();
    const client = await connect(server);
    const { id } = await startSlowCall(client);
    await client.call("goodbye");
    const other = await connect(server);
    await untilStats(other, { connections: 1, sessions: 1, indexes: 0, callsInFlight: 1 });
    expect(client.received.some(({ header }) => header.id === id && header.type === "error")).toBe(false);
  });

  test("a_client_that_is_gone_is_noticed_and_its_work_dropped", async () => {
    const server = await start();
    const client = await connect(server);
    await startSlowCall(client);
    client.close();
    await untilStats(await connect(server), { connections: 1, sessions: 1, indexes: 0, callsInFlight: 1 });
  });

  test("closing_the_server_answers_it_with_ERR_CLOSED", async () => {
    const server = await start();
    const client = await connect(server);
    const { id } = await startSlowCall(client);
    await server.close();
    await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });
});

/** Asks until the server's numbers are these; the test's own time limit ends the wait. */
async function untilStats(client: RawClient, expected: Record<string, number>): Promise<void> {
  for (;;) {
    const { server } = (await client.call("stats")) as { server: Record<string, unknown> };
    if (Object.entries(expected).every(([key, value]) => server[key] === value)) return;
    await sleep(20);
  }
}

describe("cancel", () => {
  test("of_a_call_that_is_not_in_flight_finds_nothing", async () => {
    const client = await connect(await start());
    expect(await client.call("cancel", { target: 4711 })).toMatchObject({ found: false });
  });

  test("does_not_reach_another_connection_of_the_session", async () => {
    const server = await start();
    const first = raw(server);
    const { session } = await first.hello();
    const second = await connect(server, { session });
    const id = 9;
    await first.send({ op: "build", id, rows: 300, dim: 6, dtype: "float32" });
    await first.when(() => first.credits(id) > 0);
    expect(await second.call("cancel", { target: id })).toMatchObject({ found: false });
    await first.upload(id, small, 100);
    await expect(first.answer(id)).resolves.toBeDefined();
  });

  test("ends_an_upload", async () => {
    const client = await connect(await start());
    const id = client.nextId();
    await client.send({ op: "build", id, rows: 300, dim: 6, dtype: "float32" });
    await client.upload(id, slice(small, 0, 100), 100);
    expect(await client.call("cancel", { target: id })).toMatchObject({ found: true });
    await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(await client.call("stats")).toMatchObject({ server: { indexes: 0, callsInFlight: 1 } });
  });
});

describe("a client that is lost", () => {
  test("in_the_middle_of_an_upload_leaves_nothing_behind", async () => {
    const server = await start();
    const client = await connect(server);
    await client.send({ op: "build", id: 1, rows: 300, dim: 6, dtype: "float32" });
    await client.upload(1, slice(small, 0, 100), 50);
    const other = await connect(server);
    await untilStats(other, { connections: 2, callsInFlight: 2 });
    client.close();
    const left = untilStats(other, { connections: 1, sessions: 1, callsInFlight: 1, indexes: 0 });
    // Sooner than the sign of life, which is 5 s away, would find it.
    await expect(Promise.race([left.then(() => "left"), sleep(2000, "late")])).resolves.toBe("left");
  });

  test("because_it_does_not_read_is_dropped_while_others_are_served", async () => {
    const server = await start({ limits: { sendQueue: 100 } });
    const deaf = new Dealer({ linger: 0, receiveHighWaterMark: 1 });
    deaf.connect(server.endpoint);
    await deaf.send(JSON.stringify({ op: "hello", id: 0, protocol: [1, 1] }));
    const other = await connect(server);
    await untilStats(other, { connections: 2 });
    let sent = 0;
    const flood = async () => {
      while (!deaf.closed && sent < 200_000) await deaf.send(JSON.stringify({ op: "stats", id: ++sent }));
    };
    const flooding = flood().catch(() => {});
    await untilStats(other, { connections: 1, sessions: 1 });
    deaf.close();
    await flooding;
    expect(sent).toBeGreaterThan(100);
  });

  test("is_looked_for_by_a_sign_of_life_after_5_seconds_of_silence", async () => {
    const client = await connect(await start());
    const { header, frames } = await client.when((message) => message.header.type === "alive", "alive");
    expect({ header, frames }).toEqual({ header: { type: "alive" }, frames: [] });
  });
});

describe("two clients", () => {
  test("do_not_see_each_others_indexes", async () => {
    const server = await start();
    const [one, two] = [await connect(server), await connect(server)];
    const index = await one.build(small);
    const fields = { index, rows: 1, dim: 6, dtype: "float32", k: 1, fresh: { rows: 1, dim: 6, dtype: "float32" } };
    for (const op of ["query", "neighbor_graph", "update", "prepare", "stats", "close"]) {
      await expect(two.call(op, fields), op).rejects.toMatchObject({ code: "ERR_UNKNOWN_ID" });
    }
    expect(await two.build(randomMatrix(10, 3, 1))).toBe(index);
    expect(await one.call("stats", { index })).toMatchObject({ index: { rows: 300 } });
    expect(await two.call("stats", { index })).toMatchObject({ index: { rows: 10 } });
  });

  test("work_at_the_same_time", async () => {
    const server = await start();
    const clients = await Promise.all(Array.from({ length: 4 }, () => connect(server)));
    const matrices = clients.map((_, i) => randomMatrix(500, 5 + i, i));
    const results = await Promise.all(
      clients.map(async (client, i) => {
        const matrix = matrices[i] ?? small;
        const index = await client.build(matrix, { n_neighbors: 4 });
        return Promise.all([client.results("neighbor_graph", { index }), client.query(index, slice(matrix, 0, 50), 4)]);
      }),
    );
    for (const [i, [graph, query]] of results.entries()) {
      expect(graph, `client ${i}`).toMatchObject({ rows: 500, k: 4 });
      expect([...query.indices].filter((_, at) => at % 4 === 0)).toEqual(Array.from({ length: 50 }, (_, row) => row));
    }
  });
});

describe("connections of one session", () => {
  test("share_its_indexes", async () => {
    const server = await start();
    const first = raw(server);
    const { session } = await first.hello();
    const index = await first.build(small);
    const second = await connect(server, { session });
    expect(await second.query(index, slice(small, 0, 9), 3)).toEqual(await first.query(index, slice(small, 0, 9), 3));
  });

  test("keep_it_alive_until_the_last_has_left", async () => {
    const server = await start();
    const first = raw(server);
    const { session } = await first.hello();
    const index = await first.build(small);
    const second = await connect(server, { session });
    first.close();
    const other = await connect(server);
    await untilStats(other, { connections: 2, indexes: 1 });
    expect((await second.query(index, slice(small, 4, 1), 1)).indices[0]).toBe(4);
    await second.call("goodbye");
    await untilStats(other, { connections: 1, sessions: 1, indexes: 0 });
  });

  test("may_use_one_index_at_the_same_time", async () => {
    const server = await start();
    const first = raw(server);
    const { session } = await first.hello();
    const index = await first.build(small, { algorithm: "hnsw" });
    const clients = await Promise.all(Array.from({ length: 6 }, () => connect(server, { session })));
    const expected = await first.query(index, small, 5);
    const answers = await Promise.all(clients.map((client) => client.query(index, small, 5)));
    for (const answer of answers) expect(answer).toEqual(expected);
  });
});

describe("a defect in an operation", () => {
  const operations = OPERATIONS as Map<string, typeof OPERATIONS extends ReadonlyMap<string, infer T> ? T : never>;
  afterEach(() => void operations.delete("explode"));

  test.each([
    { name: "a_bug", error: new TypeError("secret detail"), code: "ERR_INTERNAL" },
    { name: "a_thrown_text", error: "secret detail", code: "ERR_INTERNAL" },
    { name: "a_full_memory", error: new RangeError("Array buffer allocation failed"), code: "ERR_OUT_OF_MEMORY" },
  ])("by $name is $code for_that_call_only", async ({ error, code }) => {
    const lines: string[] = [];
    const server = await start({ log: (level, event, fields) => lines.push(`${level} ${event} ${fields?.stack}`) });
    const client = await connect(server);
    operations.set("explode", async () => {
      throw error;
    });
    const index = await client.build(small);
    const answer = client.call("explode");
    await expect(answer).rejects.toMatchObject({ code });
    await expect(answer).rejects.not.toThrow("secret detail");
    expect((await client.query(index, slice(small, 2, 1), 1)).indices[0]).toBe(2);
    expect(lines.some((line) => line.startsWith("error call failed") && line.includes("secret detail"))).toBe(
      code === "ERR_INTERNAL",
    );
  });
});
