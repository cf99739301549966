/** What operations share: the server seen from inside, without its socket. */
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Memory } from "./memory.ts";
import type { Pace } from "./pace.ts";
import type { Sessions } from "./session.ts";
import type { Counters } from "./stats.ts";
import type { Turns } from "./turns.ts";

export interface Service {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly sessions: Sessions;
  readonly pace: Pace;
  readonly turns: Turns;
  readonly memory: Memory;
  /** Most threads of one computation, where the server has a limit. */
  readonly threads: number | undefined;
  /** Directories below which clients may name files. */
  readonly allowedPaths: readonly string[];
  readonly log: Log;
  /** SHA-256 of the token, or undefined when none is asked for. */
  readonly tokenHash: Buffer | undefined;
  /** Live numbers that only the socket's owner knows. */
  readonly gauges: () => { connections: number; callsInFlight: number; bytesSent: number };
}
