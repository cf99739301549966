/** The numbers about the whole server that `stats` and monitors are told. */
import type { ErrorCode } from "../src/index.ts";
import type { Service } from "./service.ts";
import { PROTOCOL, VERSION } from "./version.ts";

/** See docs/protocol.md, `stats`. Bytes, seconds and counts. */
export interface ServerStats {
  readonly version: string;
  readonly protocol: number;
  readonly pid: number;
  readonly uptimeS: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly seconds: Readonly<Record<string, number>>;
  readonly errors: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly bytesCopied: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly rowsReceived: number;
  readonly rowsSent: number;
  readonly connections: number;
  readonly callsInFlight: number;
  readonly computations: { readonly running: number; readonly waiting: number };
  readonly sessions: number;
  readonly indexes: number;
  readonly values: number;
  readonly valueBytes: number;
  readonly memory: Readonly<Record<"rss" | "heapUsed" | "external" | "arrayBuffers", number>>;
}

export function serverStats({ counters, sessions, turns, gauges }: Service): ServerStats {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  return {
    version: VERSION,
    protocol: PROTOCOL[1],
    pid: process.pid,
    uptimeS: counters.uptimeS,
    calls: counters.calls,
    seconds: counters.seconds,
    errors: counters.errors,
    bytesCopied: counters.bytesCopied,
    bytesReceived: counters.bytesReceived,
    rowsReceived: counters.rowsReceived,
    rowsSent: counters.rowsSent,
    ...gauges(),
    computations: { running: turns.running, waiting: turns.length },
    sessions: sessions.size,
    indexes: sessions.indexCount,
    values: sessions.valueCount,
    valueBytes: sessions.valueBytes,
    memory: { rss, heapUsed, external, arrayBuffers },
  };
}
