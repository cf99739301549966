import { describe, expect, test } from "vitest";
import { REFUSAL_DELAY_MS } from "../../bridge/door.ts";
import { DEFAULT_LIMITS, PROTOCOL, VERSION } from "../../bridge/index.ts";
import { metrics } from "../../src/index.ts";
import { useServers } from "./support/server.ts";

const { start, connect, raw } = useServers();

describe("hello", () => {
  test("tells_version_session_limits_and_metrics", async () => {
    const server = await start();
    const reply = await raw(server).hello();
    expect(reply).toMatchObject({
      type: "reply",
      protocol: 1,
      server: `hnsw-bridge/${VERSION}`,
      limits: DEFAULT_LIMITS,
    });
    expect(reply.session).toMatch(/^[0-9a-f]{64}$/);
    expect(reply.metrics).toEqual(JSON.parse(JSON.stringify(metrics())));
    expect(reply.features).toEqual([
      ...["update.append", "update.replace", "rows.sparse", "rows.bits", "values", "metric.params", "quantization"],
      "dump",
      "graph_recall",
      "bare",
      "progress.seconds_left",
      "plan",
      "radius",
      "dump.attachment",
      "verify",
      "update.remove",
      "filter",
      "recall",
      "import_hnswlib",
      "efforts",
      "preset",
      "rebuild",
      "radius.filter",
      "filter.roaring",
    ]);
    for (const metric of reply.metrics as object[]) {
      expect(metric).toMatchObject({
        kind: expect.stringMatching(/^(walk|transform|scan)$/),
        forms: expect.arrayContaining([expect.stringMatching(/^(dense|sparse|bits)$/)]),
        quantizations: expect.any(Array),
      });
    }
    expect(reply.threads).toBeGreaterThan(0);
  });

  test.each([
    { range: [1, 1], version: 1 },
    { range: [0, 1], version: 1 },
    { range: [1, 9], version: 1 },
    { range: [0, 9], version: 1 },
  ])("agrees_on_version $version with_a_client_of $range", async ({ range, version }) => {
    const server = await start();
    expect((await raw(server).hello({ protocol: range })).protocol).toBe(version);
  });

  test.each([
    { range: [2, 3], older: "server" },
    { range: [0, 0], older: "client" },
  ])(
    "refuses_a_client_of $range and_tells_its_own_range and_that_the $older is_to_be_upgraded",
    async ({ range, older }) => {
      const server = await start();
      const client = raw(server);
      await expect(client.hello({ protocol: range })).rejects.toMatchObject({
        code: "ERR_UNSUPPORTED_VERSION",
        header: { protocol: PROTOCOL },
        message: expect.stringContaining(`upgrade the ${older}`),
      });
      await expect(client.hello()).resolves.toMatchObject({ protocol: 1 });
    },
  );

  test.each([[undefined], ["1"], [[1]], [[2, 1]], [[1, 1.5]], [[1, "1"]], [{}]])(
    "rejects_the_protocol_range_%j",
    async (protocol) => {
      const server = await start();
      await expect(raw(server).hello({ protocol })).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    },
  );

  test("must_come_first", async () => {
    const server = await start();
    const client = raw(server);
    for (const op of ["ping", "build", "stats", "rows", "nonsense"]) {
      await expect(client.call(op)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    }
  });

  test("must_come_only_once", async () => {
    const client = await connect(await start());
    await expect(client.hello()).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    await expect(client.call("ping")).resolves.toBeDefined();
  });

  test("ignores_unknown_fields", async () => {
    const server = await start();
    await expect(raw(server).hello({ colour: "blue", nested: { a: [1] } })).resolves.toBeDefined();
  });

  test("is_refused_to_more_clients_than_there_may_be", async () => {
    const server = await start({ limits: { maxClients: 2 } });
    const first = await connect(server);
    await connect(server);
    await expect(raw(server).hello()).rejects.toMatchObject({ code: "ERR_OUT_OF_MEMORY" });
    await first.call("goodbye");
    await expect(raw(server).hello()).resolves.toBeDefined();
  });

  test("refuses_a_connection_that_chose_its_routing_id", async () => {
    const server = await start();
    await expect(raw(server, "chosen").hello()).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  });
});

describe("a token", () => {
  const token = "correct horse battery staple";

  test("opens_the_door", async () => {
    const server = await start({ token });
    await expect(raw(server).hello({ token })).resolves.toMatchObject({ protocol: 1 });
  });

  test.each([[undefined], [""], ["wrong"], [`${token} `], [7], [null], [{ token }]])(
    "of_%j_is_unauthorized",
    async (guess) => {
      const server = await start({ token });
      const client = raw(server);
      await expect(client.hello({ token: guess })).rejects.toMatchObject({ code: "ERR_UNAUTHORIZED" });
    },
  );

  test("that_is_wrong_is_answered_late_and_its_sender_never_listened_to_again", async () => {
    const server = await start({ token });
    const client = raw(server);
    const asked = performance.now();
    // The right one comes before the answer to the wrong one, and after it.
    void client.send({ op: "hello", id: 2, protocol: [1, 1], token: "wrong" });
    await client.send({ op: "hello", id: 3, protocol: [1, 1], token });
    await expect(client.answer(2)).rejects.toMatchObject({ code: "ERR_UNAUTHORIZED" });
    expect(performance.now() - asked).toBeGreaterThan(REFUSAL_DELAY_MS - 5);
    await client.send({ op: "hello", id: 4, protocol: [1, 1], token });
    const other = await connect(server, { token });
    expect(await other.call("stats")).toMatchObject({ server: { connections: 1, errors: { ERR_UNAUTHORIZED: 1 } } });
    expect(client.received).toHaveLength(1);
  });

  test("is_asked_for_before_anything_else_is_said", async () => {
    const server = await start({ token });
    await expect(raw(server).call("build")).rejects.toMatchObject({ code: "ERR_UNAUTHORIZED" });
    await expect(raw(server).call("stats", { token: "wrong" })).rejects.toMatchObject({ code: "ERR_UNAUTHORIZED" });
  });

  test("is_compared_before_the_rest_of_hello_is_looked_at", async () => {
    const server = await start({ token });
    const client = raw(server);
    await expect(client.hello({ protocol: "nonsense", session: 7 })).rejects.toMatchObject({
      code: "ERR_UNAUTHORIZED",
    });
  });

  test("is_demanded_on_tcp", async () => {
    await expect(start({ tcp: "127.0.0.1:0" })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    const server = await start({ tcp: "127.0.0.1:0", token });
    expect(server.endpoint).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
    await expect(raw(server).hello({ token })).resolves.toBeDefined();
  });

  test.each(["0.0.0.0:0", "192.168.1.4:9000", "example.org:80", "127.0.0.1", "127.0.0.1:99999", "[::]:0"])(
    "does_not_open_%s",
    async (tcp) => {
      await expect(start({ tcp, token })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    },
  );
});

describe("a session", () => {
  test("is_joined_with_its_secret", async () => {
    const server = await start();
    const first = raw(server);
    const { session } = await first.hello();
    const second = raw(server);
    expect((await second.hello({ session })).session).toBe(session);
    expect(await second.call("stats")).toMatchObject({ session: { connections: 2 } });
  });

  test.each(["0".repeat(64), "", "short"])("is_not_joined_with_%j", async (session) => {
    const server = await start();
    await connect(server);
    await expect(raw(server).hello({ session })).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test("ends_with_its_last_connection", async () => {
    const server = await start();
    const first = raw(server);
    const { session } = await first.hello();
    await first.call("goodbye");
    await expect(raw(server).hello({ session })).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test("can_be_followed_by_another_on_the_same_connection", async () => {
    const client = await connect(await start());
    await client.call("goodbye");
    await expect(client.call("ping")).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    await expect(client.hello()).resolves.toBeDefined();
    await expect(client.call("ping")).resolves.toBeDefined();
  });
});
