/**
 * The greeting: which version both speak, which session is joined, what the server can do. Whoever comes to it has
 * shown the token (door.ts).
 */
import { availableParallelism } from "node:os";
import { HnswError, metrics } from "../src/index.ts";
import { protocolError, show } from "./errors.ts";
import { type Header, optional, text } from "./header.ts";
import type { Service } from "./service.ts";
import type { Session } from "./session.ts";
import { PROTOCOL, SERVER } from "./version.ts";

/** What this version can do beyond the protocol's first version; clients ask here. */
const FEATURES = [
  "update.append",
  "update.replace",
  "rows.sparse",
  "rows.bits",
  "values",
  "metric.params",
  "quantization",
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
];

/** A refused version range; the reply tells ours. */
export class VersionMismatch extends HnswError {
  readonly protocol = PROTOCOL;

  constructor(seen: readonly [number, number]) {
    super(
      "ERR_UNSUPPORTED_VERSION",
      `client speaks protocol ${seen[0]} to ${seen[1]}, this server (${SERVER}) ${PROTOCOL[0]} to ${PROTOCOL[1]}: ` +
        `upgrade the ${seen[0] > PROTOCOL[1] ? "server" : "client"}`,
    );
  }
}

export interface Welcome {
  readonly client: string;
  readonly session: Session;
  readonly reply: object;
}

/** Checks a hello. Throws the refusal; a session is started only when all is well. */
export function welcome(header: Header, service: Service): Welcome {
  const protocol = negotiate(header.protocol);
  const client = optional(header, "client", text) ?? "unknown";
  const secret = optional(header, "session", text);
  const session = secret === undefined ? service.sessions.start() : service.sessions.join(secret);
  const reply = {
    protocol,
    server: SERVER,
    features:
      service.allowedPaths.length === 0 ? FEATURES : [...FEATURES, "rows.path", "load.path", "import_hnswlib.path"],
    session: session.secret,
    limits: service.limits,
    metrics: metrics(),
    threads: service.threads ?? availableParallelism(),
  };
  return { client, session, reply };
}

/** The highest version that both speak. */
function negotiate(range: unknown): number {
  if (!isRange(range)) throw protocolError(`protocol is ${show(range)}, allowed: [lowest, highest]`);
  const version = Math.min(range[1], PROTOCOL[1]);
  if (version < Math.max(range[0], PROTOCOL[0])) throw new VersionMismatch(range);
  return version;
}

function isRange(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isSafeInteger) && value[0] <= value[1];
}
