/** The reply to `stats`: numbers about the server, the asking session, and one of its indices. */
import type { HnswIndex } from "../src/index.ts";
import { wireNames } from "./options.ts";
import { serverStats } from "./server-stats.ts";
import type { Service } from "./service.ts";
import type { Session } from "./session.ts";

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
