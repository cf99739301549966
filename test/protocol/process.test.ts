import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { randomCsr, randomMatrix, slice } from "./support/arrow.ts";
import { RawClient } from "./support/client.ts";
import { CLI, useProcesses } from "./support/process.ts";
import { denseRows, numberRows, sparseRows } from "./support/rows.ts";

const { start, directory } = useProcesses();
const matrix = randomMatrix(40, 5, 61);
const SERVE = ["serve", "--ipc", "auto", "--parent-stdin", "--json"];
const pathOf = (endpoint: string) => endpoint.replace("ipc://", "");

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("a local server", () => {
  test("prints_one_ready_line_and_serves", async () => {
    const server = start(SERVE);
    const ready = await server.ready();
    expect(ready).toEqual({
      endpoint: expect.stringMatching(/^ipc:\/\//),
      pid: server.process.pid,
      protocol: 1,
      version: "0.1.0",
    });
    const client = await RawClient.connect(ready.endpoint);
    const index = await client.build(matrix, { n_neighbors: 3 });
    expect((await client.query(index, slice(matrix, 9, 1), 1)).indices[0]).toBe(9);
    client.close();
    server.process.stdin?.end();
    const { stdout } = await server.ended;
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  });

  test("listens_in_a_directory_of_mode_0700", async () => {
    const { endpoint } = await start(SERVE).ready();
    expect(statSync(dirname(pathOf(endpoint))).mode & 0o777).toBe(0o700);
  });

  test("asks_for_no_token_that_only_the_environment_has", async () => {
    const { endpoint } = await start(SERVE, { HNSW_BRIDGE_TOKEN: "of-another-server" }).ready();
    const client = await RawClient.connect(endpoint);
    await expect(client.call("ping")).resolves.toBeDefined();
    client.close();
  });

  test("prefers_a_private_runtime_directory", async () => {
    const runtime = directory();
    const { endpoint } = await start(SERVE, { XDG_RUNTIME_DIR: runtime }).ready();
    expect(endpoint.startsWith(`ipc://${runtime}/`)).toBe(true);
    chmodSync(runtime, 0o755);
    const { endpoint: elsewhere } = await start(SERVE, { XDG_RUNTIME_DIR: runtime }).ready();
    expect(elsewhere.startsWith(`ipc://${runtime}/`)).toBe(false);
  });

  test("removes_what_killed_servers_left_and_nothing_else", async () => {
    const runtime = directory();
    const env = { XDG_RUNTIME_DIR: runtime };
    const [killed, running] = [start(SERVE, env), start(SERVE, env)];
    const left = dirname(pathOf((await killed.ready()).endpoint));
    const kept = dirname(pathOf((await running.ready()).endpoint));
    killed.process.kill("SIGKILL");
    await killed.ended;
    running.process.kill("SIGSTOP");
    mkdirSync(join(runtime, "hnsw-bridge-other"));
    writeFileSync(join(runtime, "hnsw-bridge-other", "notes"), "mine");
    mkdirSync(join(runtime, "hnsw-bridge-fresh"));
    expect(existsSync(left)).toBe(true);
    const { endpoint } = await start(SERVE, env).ready();
    expect(existsSync(left)).toBe(false);
    expect(basename(kept)).toMatch(new RegExp(`^hnsw-bridge-${running.process.pid}-`));
    expect(readdirSync(runtime).sort()).toEqual(
      [kept, dirname(pathOf(endpoint)), "hnsw-bridge-fresh", "hnsw-bridge-other"].map((path) => basename(path)).sort(),
    );
    running.process.kill("SIGCONT");
    const client = await RawClient.connect(`ipc://${kept}/server.sock`);
    expect((await client.call("ping")).type).toBe("reply");
    client.close();
  });

  test("ends_with_status_0_when_its_standard_input_ends_and_removes_its_directory", async () => {
    const server = start(SERVE);
    const { endpoint } = await server.ready();
    server.process.stdin?.end();
    expect(await server.ended).toMatchObject({ status: 0, signal: null });
    expect(existsSync(dirname(pathOf(endpoint)))).toBe(false);
  });

  test("ends_when_its_parent_is_killed", async () => {
    const launch = `const { spawn } = require("node:child_process");
      const child = spawn(process.execPath, [${JSON.stringify(CLI)}, ...${JSON.stringify(SERVE)}], { stdio: ["pipe", "pipe", "inherit"] });
      child.stdout.pipe(process.stdout);`;
    const parent = spawn(process.execPath, ["-e", launch], { stdio: ["ignore", "pipe", "ignore"] });
    const line = await new Promise<string>((resolve) => parent.stdout.once("data", (text) => resolve(String(text))));
    const { pid, endpoint } = JSON.parse(line);
    expect(isRunning(pid)).toBe(true);
    parent.kill("SIGKILL");
    await expect.poll(() => isRunning(pid), { timeout: 5000 }).toBe(false);
    expect(existsSync(dirname(pathOf(endpoint)))).toBe(false);
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "ends_with_status_0_on_%s_and_answers_calls_in_flight",
    async (signal) => {
      const server = start(SERVE);
      const { endpoint } = await server.ready();
      const client = await RawClient.connect(endpoint);
      const index = await client.build(randomMatrix(40_000, 64, 62), { threads: 1, algorithm: "exact" });
      await client.send({ op: "neighbor_graph", id: 1, index });
      await client.when(({ header }) => header.type === "progress");
      server.process.kill(signal);
      await expect(client.answer(1)).rejects.toMatchObject({ code: "ERR_CLOSED" });
      expect(await server.ended).toMatchObject({ status: 0, signal: null });
      expect(existsSync(dirname(pathOf(endpoint)))).toBe(false);
      client.close();
    },
  );

  test("logs_neither_token_nor_session_nor_values", async () => {
    const token = "very-secret-token";
    const file = join(directory(), "token");
    writeFileSync(file, token, { mode: 0o600 });
    const server = start([...SERVE, "--log-level", "debug", "--token-file", file]);
    const { endpoint } = await server.ready();
    const stranger = RawClient.raw(endpoint);
    await expect(stranger.hello({ token: "wrong-secret-guess" })).rejects.toMatchObject({ code: "ERR_UNAUTHORIZED" });
    const client = RawClient.raw(endpoint);
    const { session } = await client.hello({ token, client: "new\nline" });
    const data = matrix.data.slice();
    data[11] = Number.NaN;
    const fields = { rows: 40, dim: 5, dtype: "float32" };
    await expect(client.callInline("build", fields, { ...matrix, data })).rejects.toMatchObject({
      code: "ERR_NON_FINITE",
    });
    await client.call("goodbye");
    server.process.stdin?.end();
    const { stderr } = await server.ended;
    expect(stderr).toContain("client joined");
    expect(stderr).toContain("ERR_NON_FINITE");
    for (const secret of [token, "wrong-secret-guess", String(session), "new\nline"])
      expect(stderr).not.toContain(secret);
    stranger.close();
    client.close();
  });
});

describe("a server process", () => {
  const MIB = 1 << 20;
  const rss = async (client: RawClient) =>
    ((await client.call("stats")).server as { memory: { rss: number } }).memory.rss;

  test("gives_back_the_memory_of_uploads_that_were_given_up", async () => {
    const client = await RawClient.connect((await start(SERVE).ready()).endpoint);
    const csr = randomCsr(1000, 5000, 200, 63);
    const promises = [
      { op: "put", rows: denseRows(randomMatrix(1000, 128, 64)), more: { rows: 2 ** 17 } },
      { op: "build", rows: denseRows(randomMatrix(1000, 128, 64)), more: { rows: 2 ** 17 } },
      { op: "build", rows: sparseRows(csr), more: { rows: 2 ** 20, nnz: 2 ** 23 } },
      { op: "build", rows: numberRows(new Uint8Array(2 * MIB), 2048), more: { rows: 2 ** 15 } },
    ];
    const before = await rss(client);
    for (let i = 0; i < 24; i++) {
      const { op, rows, more } = promises[i % promises.length] ?? { op: "", rows: sparseRows(csr), more: {} };
      const id = client.nextId();
      await client.send({ op, id, ...rows.shape, ...more });
      await client.uploadRows(id, { ...rows, rows: 1000 }, 250);
      await client.call("cancel", { target: id });
      await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    }
    expect(await client.call("stats")).toMatchObject({ server: { values: 0, valueBytes: 0, callsInFlight: 1 } });
    // Each of the 24 promised about 64 MiB.
    expect((await rss(client)) - before).toBeLessThan(300 * MIB);
    client.close();
  });

  test("receives_rows_in_little_more_memory_than_they_have", async ({ skip }) => {
    const { endpoint, pid } = await start(SERVE).ready();
    const status = `/proc/${pid}/status`;
    if (!existsSync(status)) skip("this system does not tell the peak of another process's memory");
    const client = await RawClient.connect(endpoint);
    const batch = randomMatrix(1000, 784, 66);
    const id = client.nextId();
    const rows = 60_000;
    await client.send({ op: "build", id, rows, dim: 784, dtype: "float32" });
    const dense = denseRows(batch);
    await client.uploadRows(id, { ...dense, rows, frames: (_, count) => dense.frames(0, count) }, 1000);
    await client.answer(id);
    const peak = 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(status, "utf8"))?.[1]);
    console.info(`peak while receiving ${(rows * 784 * 4) / 1e6} MB of rows: ${peak / 1e6} MB`);
    expect(peak).toBeLessThan(1.2 * rows * 784 * 4 + 64 * MIB);
    client.close();
  });

  test("lives_on_when_clients_vanish_in_the_middle_of_anything", async () => {
    const server = start(SERVE);
    const { endpoint, pid } = await server.ready();
    const witness = await RawClient.connect(endpoint);
    const sparse = sparseRows(randomCsr(200, 5000, 20, 65));
    const dense = denseRows(matrix);
    const twoParts = { updated: { ...dense.shape, indices: [...Array(40).keys()] }, fresh: dense.shape };
    const begin: ((client: RawClient, index: string) => Promise<void>)[] = [
      (client) => client.send({ op: "build", id: 1, ...sparse.shape }),
      (client) => client.send({ op: "put", id: 1, rows: 2 ** 20, dim: 1, dtype: "uint8" }),
      (client, index) => client.send({ op: "update", id: 1, index, ...twoParts }),
      (client, index) => client.send({ op: "dump", id: 1, index, credits: 0 }),
      async (client) => {
        await client.inline("put", {}, dense);
        await client.send({ op: "build", id: 1, ...dense.shape, options: { sigma: { value: "v1" } } });
      },
    ];
    for (const first of begin) {
      const client = await RawClient.connect(endpoint);
      await first(client, await client.build(matrix));
      await client.send({ op: "rows", id: 1, start: 0, count: 40 }, sparse.frames(0, 40));
      await client.call("ping");
      client.close();
    }
    const stats = async () => (await witness.call("stats")).server;
    await expect
      .poll(stats)
      .toMatchObject({ pid, connections: 1, sessions: 1, indexes: 0, values: 0, valueBytes: 0, callsInFlight: 1 });
    expect(await stats()).not.toMatchObject({ errors: { ERR_INTERNAL: expect.anything() } });
    witness.close();
  });
});

describe("a named directory", () => {
  const serveIn = (path: string) => ["serve", "--ipc", path, "--json", "--parent-stdin"];

  test("is_made_with_mode_0700_and_removed_at_the_end", async () => {
    const path = join(directory(), "a", "b");
    const server = start(serveIn(path));
    expect((await server.ready()).endpoint).toBe(`ipc://${path}/server.sock`);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    server.process.stdin?.end();
    await server.ended;
    expect(existsSync(path)).toBe(false);
  });

  test("that_was_there_stays_but_its_socket_goes", async () => {
    const path = directory();
    const server = start(serveIn(path));
    await server.ready();
    server.process.stdin?.end();
    await server.ended;
    expect(readdirSync(path)).toEqual([]);
  });

  test.each([0o755, 0o750, 0o707])("of_mode_%o_is_refused", async (mode) => {
    const path = directory();
    chmodSync(path, mode);
    const { status, stderr, stdout } = await start(serveIn(path)).ended;
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("ERR_INVALID_ARGUMENT");
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("that_is_a_link_is_refused", async () => {
    const base = directory();
    mkdirSync(join(base, "real"), { mode: 0o700 });
    symlinkSync(join(base, "real"), join(base, "link"));
    expect(await start(serveIn(join(base, "link"))).ended).toMatchObject({ status: 1 });
  });

  test.skipIf(process.getuid?.() !== 0)("of_another_user_is_refused (needs root to make one)", async () => {
    const path = directory();
    const { chownSync } = await import("node:fs");
    chownSync(path, 12_345, 12_345);
    const { status, stderr } = await start(serveIn(path)).ended;
    expect(status).toBe(1);
    expect(stderr).toContain("belongs to user 12345");
  });

  test("with_too_long_a_path_is_refused_and_not_left_behind", async () => {
    const path = join(directory(), "x".repeat(100));
    const { status, stderr } = await start(serveIn(path)).ended;
    expect(status).toBe(1);
    expect(stderr).toMatch(/socket path of \d+ bytes, allowed: 10[37]/);
    expect(existsSync(path)).toBe(false);
  });

  test("survives_a_stale_socket", async () => {
    const path = directory();
    const server = start(serveIn(path));
    await server.ready();
    server.process.kill("SIGKILL");
    await server.ended;
    expect(readdirSync(path)).toEqual(["server.sock"]);
    const { endpoint } = await start(serveIn(path)).ready();
    const client = await RawClient.connect(endpoint);
    await expect(client.call("ping")).resolves.toBeDefined();
    client.close();
  });

  test("is_not_taken_from_a_running_server", async () => {
    const path = directory();
    const { endpoint } = await start(serveIn(path)).ready();
    const { status, stderr } = await start(serveIn(path)).ended;
    expect(status).toBe(1);
    expect(stderr).toContain("already listening");
    const client = await RawClient.connect(endpoint);
    await expect(client.call("ping")).resolves.toBeDefined();
    client.close();
  });
});

describe("tcp", () => {
  const tokenFile = (mode: number): string => {
    const path = join(directory(), "token");
    writeFileSync(path, "file-token\n");
    chmodSync(path, mode);
    return path;
  };

  test("takes_the_token_from_a_file", async () => {
    const file = tokenFile(0o600);
    const { endpoint } = await start(["serve", "--tcp", "127.0.0.1:0", "--token-file", file, "--json"]).ready();
    expect(await start(["ping", "--endpoint", endpoint, "--token-file", file]).ended).toMatchObject({ status: 0 });
    const { status, stderr } = await start(["ping", "--endpoint", endpoint]).ended;
    expect(status).toBe(1);
    expect(stderr).toContain("ERR_UNAUTHORIZED");
  });

  test("takes_the_token_from_the_environment", async () => {
    const env = { HNSW_BRIDGE_TOKEN: "environment-token" };
    const { endpoint } = await start(["serve", "--tcp", "localhost:0", "--json"], env).ready();
    const stats = await start(["stats", "--json"], { ...env, HNSW_BRIDGE_ENDPOINT: endpoint }).ended;
    expect(stats.status).toBe(0);
    expect(JSON.parse(stats.stdout)).toMatchObject({ calls: { hello: 1, stats: 1 }, protocol: 1 });
  });

  test("refuses_a_token_file_that_others_can_read", async () => {
    const args = ["serve", "--tcp", "127.0.0.1:0", "--token-file", tokenFile(0o644)];
    const { status, stderr } = await start(args).ended;
    expect(status).toBe(1);
    expect(stderr).toContain("mode 0600");
  });

  test("says_when_the_port_is_taken", async () => {
    const holder = createServer();
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, "127.0.0.1", () => resolve((holder.address() as { port: number }).port));
    });
    const env = { HNSW_BRIDGE_TOKEN: "t" };
    const { status, stderr } = await start(["serve", "--tcp", `127.0.0.1:${port}`], env).ended;
    expect(status).toBe(1);
    expect(stderr).toMatch(/cannot listen .*in use/);
    holder.close();
  });
});

describe("the command line", () => {
  test.each([{ args: ["--help"] }, { args: ["-h"] }, { args: ["help"] }, { args: ["serve", "--help"] }])(
    "$args explains everything",
    async ({ args }) => {
      const { status, stdout } = await start(args).ended;
      expect(status).toBe(0);
      for (const word of ["serve", "ping", "stats", "keygen", "version", "--parent-stdin", "Exit status"])
        expect(stdout).toContain(word);
    },
  );

  test.each([
    { args: [] },
    { args: ["frobnicate"] },
    { args: ["serve", "--nonsense"] },
    { args: ["serve", "extra"] },
    { args: ["serve", "--log-level", "loud"] },
    { args: ["serve", "--log-format", "xml"] },
    { args: ["serve", "--max-memory", "much"] },
    { args: ["serve", "--max-clients", "0"] },
    { args: ["serve", "--threads", "2.5"] },
    { args: ["ping"] },
    { args: ["ping", "--endpoint", "ipc:///x", "--timeout", "soon"] },
  ])("$args is wrong usage", async ({ args }) => {
    const { status, stdout, stderr } = await start(args).ended;
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("--help");
  });

  test("version_is_told_as_json", async () => {
    const { stdout } = await start(["version", "--json"]).ended;
    expect(JSON.parse(stdout)).toEqual({ version: "0.1.0", protocol: [1, 1], node: process.version });
  });

  test("ping_and_stats_ask_a_running_server", async () => {
    const { endpoint } = await start(SERVE).ready();
    const ping = await start(["ping", "--endpoint", endpoint, "--json"]).ended;
    expect(JSON.parse(ping.stdout)).toEqual({ endpoint, ms: expect.any(Number) });
    const stats = await start(["stats", "--endpoint", endpoint]).ended;
    expect(stats.stdout).toMatch(/^calls\.ping +1$/m);
  });

  test("serve_takes_limits_and_logs_in_json", async () => {
    const limits = ["--max-memory", "2G", "--max-clients", "1", "--max-indexes", "3", "--threads", "1"];
    const server = start([...SERVE, ...limits, "--log-format", "json", "--metrics", "127.0.0.1:0"]);
    const { endpoint, metrics } = (await server.ready()) as { endpoint: string; metrics?: string };
    expect(await (await fetch(metrics ?? "")).text()).toContain("hnsw_bridge_uptime_seconds");
    const client = await RawClient.connect(endpoint);
    await expect(client.call("build", { rows: 2 ** 20, dim: 1024, dtype: "float32" })).rejects.toMatchObject({
      code: "ERR_OUT_OF_MEMORY",
    });
    const { status, stderr } = await start(["ping", "--endpoint", endpoint]).ended;
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining("allowed: 1") });
    client.close();
    server.process.stdin?.end();
    const lines = (await server.ended).stderr.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { time: expect.any(String), level: "info", event: "listening", endpoint },
      { time: expect.any(String), level: "info", event: "stopping", reason: "the parent has gone" },
      { time: expect.any(String), level: "info", event: "closed" },
    ]);
  });

  test("keygen_makes_keys_that_serve_and_ping_take", async () => {
    const name = join(directory(), "team");
    const made = await start(["keygen", "--out", name, "--json"]).ended;
    const { publicFile, secretFile, publicKey } = JSON.parse(made.stdout);
    expect(made.stdout).not.toContain("secretKey");
    expect(statSync(secretFile).mode & 0o777).toBe(0o600);
    const env = { HNSW_BRIDGE_TOKEN: "t" };
    const { endpoint } = await start(["serve", "--tcp", "0.0.0.0:0", "--curve-key", secretFile, "--json"], env).ready();
    const ping = ["ping", "--endpoint", endpoint.replace("0.0.0.0", "127.0.0.1"), "--timeout", "2"];
    expect((await start([...ping, "--server-key", publicFile], env).ended).status).toBe(0);
    expect((await start(ping, { ...env, HNSW_BRIDGE_SERVER_KEY: publicKey }).ended).status).toBe(0);
    expect(await start(ping, env).ended).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_TIMEOUT") });
    const again = await start(["keygen", "--out", name]).ended;
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining("cannot write") });
  });

  test("ping_gives_up_on_silence", async () => {
    const endpoint = `ipc://${directory()}/nobody.sock`;
    const { status, stderr } = await start(["ping", "--endpoint", endpoint, "--timeout", "0.2"]).ended;
    expect(status).toBe(1);
    expect(stderr).toContain("ERR_TIMEOUT");
  });

  test("both_addresses_are_one_too_many", async () => {
    const { status } = await start(["serve", "--ipc", "auto", "--tcp", "127.0.0.1:0"], { HNSW_BRIDGE_TOKEN: "t" })
      .ended;
    expect(status).toBe(1);
  });
});
