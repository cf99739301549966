/**
 * What the command line can do: one function per command, options in, exit status out.
 * Standard output carries results only; logs and errors go to standard error.
 */
import { readFileSync, statSync } from "node:fs";
import { HnswError } from "../src/index.ts";
import { ControlClient } from "./client.ts";
import { LOG_LEVELS, type LogLevel, stderrLog } from "./log.ts";
import { type RunningServer, serve } from "./server.ts";
import { PROTOCOL, VERSION } from "./version.ts";

export type Values = Readonly<Record<string, string | boolean | undefined>>;

/** A wrong command line, as opposed to a failure. */
export class UsageError extends Error {}

/** Runs a server until a signal, or the end of standard input, stops it. */
export async function runServe(values: Values): Promise<void> {
  const log = stderrLog(logLevel(values["log-level"]));
  // The environment may hold the token of another server: a private socket asks for one only when told to.
  const token = fileToken(values) ?? (values.tcp === undefined ? undefined : process.env.HNSW_BRIDGE_TOKEN);
  const server = await serve({
    ...(typeof values.tcp === "string" ? { tcp: values.tcp } : {}),
    ...(typeof values.ipc === "string" ? { ipc: values.ipc } : {}),
    ...(token ? { token } : {}),
    log,
  });
  const stopped = untilStopped(values["parent-stdin"] === true);
  tellReady(server, values.json === true);
  log("info", "stopping", { reason: await stopped });
  await server.close();
}

/** The one line on standard output, when connections are accepted. */
function tellReady({ endpoint }: RunningServer, json: boolean): void {
  const ready = { endpoint, pid: process.pid, protocol: PROTOCOL[1], version: VERSION };
  process.stdout.write(json ? `${JSON.stringify(ready)}\n` : `hnsw-bridge ${VERSION} listening at ${endpoint}\n`);
}

/** Resolves with the reason to stop. A second signal then ends the process the hard way. */
function untilStopped(parentStdin: boolean): Promise<string> {
  // The parent may be gone before it reads a line: a broken pipe is its end, not our failure.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve(signal));
    if (parentStdin) {
      for (const event of ["end", "close", "error"]) process.stdin.once(event, () => resolve("the parent has gone"));
      process.stdin.resume();
    }
  });
}

function logLevel(value: string | boolean | undefined): LogLevel {
  const level = LOG_LEVELS.find((name) => name === (value ?? "info"));
  if (level === undefined) throw new UsageError(`--log-level ${value}, allowed: ${LOG_LEVELS.join(", ")}`);
  return level;
}

function fileToken(values: Values): string | undefined {
  const file = values["token-file"];
  if (typeof file !== "string") return undefined;
  if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0) {
    throw new HnswError("ERR_INVALID_ARGUMENT", `${file} can be read by others, allowed: mode 0600`);
  }
  const token = readFileSync(file, "utf8").trim();
  if (token === "") throw new HnswError("ERR_INVALID_ARGUMENT", `${file} holds no token`);
  return token;
}

/** Asks a server for a sign of life and tells how long it took. */
export async function runPing(values: Values): Promise<void> {
  await withClient(values, async (client, endpoint) => {
    const start = performance.now();
    await client.call("ping");
    const ms = Math.round((performance.now() - start) * 1000) / 1000;
    print(values, { endpoint, ms }, () => `${endpoint} answered in ${ms} ms`);
  });
}

/** Prints what a server has counted. */
export async function runStats(values: Values): Promise<void> {
  await withClient(values, async (client) => {
    const { server } = await client.call("stats");
    print(values, server, () => table(server as object));
  });
}

export async function runVersion(values: Values): Promise<void> {
  const version = { version: VERSION, protocol: PROTOCOL, node: process.version };
  print(
    values,
    version,
    () => `hnsw-bridge ${VERSION} (protocol ${PROTOCOL[0]} to ${PROTOCOL[1]}, Node ${process.version})`,
  );
}

async function withClient(
  values: Values,
  use: (client: ControlClient, endpoint: string) => Promise<void>,
): Promise<void> {
  const endpoint = values.endpoint ?? process.env.HNSW_BRIDGE_ENDPOINT;
  if (typeof endpoint !== "string") throw new UsageError("no server: give --endpoint, or set HNSW_BRIDGE_ENDPOINT");
  const seconds = Number(values.timeout ?? 5);
  if (!(seconds > 0)) throw new UsageError(`--timeout ${values.timeout}, allowed: seconds above 0`);
  const token = fileToken(values) ?? process.env.HNSW_BRIDGE_TOKEN;
  const client = await ControlClient.connect({ endpoint, token, timeoutMs: Math.ceil(seconds * 1000) });
  try {
    await use(client, endpoint);
  } finally {
    client.close();
  }
}

function print(values: Values, data: unknown, text: () => string): void {
  process.stdout.write(`${values.json === true ? JSON.stringify(data) : text()}\n`);
}

/** Nested numbers as `calls.build  3` lines. */
function table(data: object, prefix = ""): string {
  return Object.entries(data)
    .map(([key, value]) =>
      typeof value === "object" && value !== null
        ? table(value, `${prefix}${key}.`)
        : `${(prefix + key).padEnd(28)}${value}`,
    )
    .filter((line) => line !== "")
    .join("\n");
}
