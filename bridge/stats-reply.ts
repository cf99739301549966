/** The reply to `stats`: numbers about the server, the asking session, and one of its indices. */
import type { HnswIndex } from "../src/index.ts";
import { wireNames } from "./options.ts";
import type { Service } from "./service.ts";
import type { Session } from "./session.ts";
import { PROTOCOL, VERSION } from "./version.ts";

/** An index with the id that its session knows it by. */
export interface NamedIndex {
  readonly id: string;
  readonly index: HnswIndex;
}

export function statsReply(session: Session, service: Service, named: NamedIndex | undefined): object {
  const reply = {
    server: serverStats(service),
    session: { connections: session.members.size, indexes: session.indexIds, values: session.values.ids },
  };
  if (named === undefined) return reply;
  const { id, index } = named;
  return { ...reply, index: { id, metric: index.metric, plan: wireNames(index.plan), ...index.stats() } };
}

function serverStats({ counters, sessions, gauges }: Service): object {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  return {
    version: VERSION,
    protocol: PROTOCOL[1],
    pid: process.pid,
    uptimeS: counters.uptimeS,
    calls: counters.calls,
    errors: counters.errors,
    bytesCopied: counters.bytesCopied,
    bytesReceived: counters.bytesReceived,
    ...gauges(),
    sessions: sessions.size,
    indexes: sessions.indexCount,
    values: sessions.valueCount,
    valueBytes: sessions.valueBytes,
    memory: { rss, heapUsed, external, arrayBuffers },
  };
}
