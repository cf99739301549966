/**
 * The short commands: one function per command, options in, one result out.
 * Standard output carries results only; logs and errors go to standard error.
 */
import { curveKeyPair } from "zeromq";
import { ControlClient } from "./client.ts";
import { checkKey, readPublicKey, writeKeys } from "./curve.ts";
import { secondsOf, textOf, tokenFileOf, UsageError, type Values } from "./flags.ts";
import { PROTOCOL, VERSION } from "./version.ts";

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

/** Makes a pair of CURVE keys for a server, in two files. */
export async function runKeygen(values: Values): Promise<void> {
  const name = textOf(values, "out") ?? "hnsw-bridge";
  const keys = curveKeyPair();
  const files = writeKeys(name, keys);
  // The secret is in its file alone.
  print(values, { ...files, publicKey: keys.publicKey }, () =>
    [
      `${files.secretFile}  for the server: serve --curve-key ${files.secretFile}`,
      `${files.publicFile}  for its clients: --server-key ${files.publicFile}, or HNSW_BRIDGE_SERVER_KEY='${keys.publicKey}'`,
    ].join("\n"),
  );
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
  const endpoint = textOf(values, "endpoint") ?? process.env.HNSW_BRIDGE_ENDPOINT;
  if (endpoint === undefined) throw new UsageError("no server: give --endpoint, or set HNSW_BRIDGE_ENDPOINT");
  const timeoutMs = Math.ceil(secondsOf(values, "timeout", 5) * 1000);
  const token = tokenFileOf(values) ?? process.env.HNSW_BRIDGE_TOKEN;
  const client = await ControlClient.connect({ endpoint, token, serverKey: serverKeyOf(values), timeoutMs });
  try {
    await use(client, endpoint);
  } finally {
    client.close();
  }
}

function serverKeyOf(values: Values): string | undefined {
  const file = textOf(values, "server-key");
  if (file !== undefined) return readPublicKey(file);
  const key = process.env.HNSW_BRIDGE_SERVER_KEY;
  return key ? checkKey(key) : undefined;
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
