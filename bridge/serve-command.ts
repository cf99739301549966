/** `hnsw-bridge serve`: options in, a server that runs until it is told to stop. */
import { readKeys } from "./curve.ts";
import { bytesOf, countOf, textOf, tokenFileOf, type Values, wordOf } from "./flags.ts";
import { LOG_FORMATS, LOG_LEVELS, stderrLog } from "./log.ts";
import { type RunningServer, type ServeOptions, serve } from "./server.ts";
import { PROTOCOL, VERSION } from "./version.ts";

/** Runs a server until a signal, or the end of standard input, stops it. */
export async function runServe(values: Values): Promise<void> {
  const log = stderrLog(
    wordOf(values, "log-level", LOG_LEVELS, "info"),
    wordOf(values, "log-format", LOG_FORMATS, "line"),
  );
  const server = await serve({ ...serveOptions(values), log });
  const stopped = untilStopped(values["parent-stdin"] === true);
  tellReady(server, values.json === true);
  log("info", "stopping", { reason: await stopped });
  await server.close();
}

function serveOptions(values: Values): ServeOptions {
  const tcp = textOf(values, "tcp");
  const curve = textOf(values, "curve-key");
  // The environment may hold the token of another server: a private socket asks for one only when told to.
  const token = tokenFileOf(values) ?? (tcp === undefined ? undefined : process.env.HNSW_BRIDGE_TOKEN);
  return {
    limits: given({ maxClients: countOf(values, "max-clients"), maxIndexes: countOf(values, "max-indexes") }),
    ...given({
      tcp,
      ipc: textOf(values, "ipc"),
      token: token || undefined,
      curve: curve === undefined ? undefined : readKeys(curve),
      metrics: textOf(values, "metrics"),
      allowPaths: values["allow-path"] as readonly string[] | undefined,
      maxMemory: bytesOf(values, "max-memory"),
      threads: countOf(values, "threads"),
    }),
  };
}

/** An object without the entries that are undefined. */
function given<T extends object>(options: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  };
}

/** The one line on standard output, when connections are accepted. */
function tellReady({ endpoint, metricsUrl }: RunningServer, json: boolean): void {
  const metrics = metricsUrl === undefined ? {} : { metrics: metricsUrl };
  const ready = { endpoint, pid: process.pid, protocol: PROTOCOL[1], version: VERSION, ...metrics };
  const also = metricsUrl === undefined ? "" : `, metrics at ${metricsUrl}`;
  process.stdout.write(
    json ? `${JSON.stringify(ready)}\n` : `hnsw-bridge ${VERSION} listening at ${endpoint}${also}\n`,
  );
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
