/**
 * One client socket that has said hello: its session and its calls in flight.
 */
import type { Call } from "./call.ts";
import { protocolError } from "./errors.ts";
import type { Outbox, Peer } from "./outbox.ts";
import type { Session } from "./session.ts";

/** Ended uploads whose late batches are remembered; older ones are forgotten. */
const MAX_LATE = 1024;

export class Connection implements Peer {
  readonly routingId: Uint8Array;
  readonly client: string;
  readonly session: Session;
  readonly calls = new Map<number, Call>();
  lastSent = 0;
  readonly #outbox: Outbox;
  readonly #late = new Map<number, number>();

  constructor(routingId: Uint8Array, client: string, session: Session, outbox: Outbox) {
    this.routingId = routingId;
    this.client = client;
    this.session = session;
    this.#outbox = outbox;
    session.members.add(this);
  }

  send(header: object, frames: readonly Uint8Array[] = []): void {
    this.#outbox.send(this, header, frames);
  }

  /** Registers a call. An id twice in flight cannot be answered apart, so it ends the first one. */
  begin(call: Call, maxCalls: number): void {
    const same = this.calls.get(call.id);
    if (same !== undefined) {
      same.stop(protocolError(`id ${call.id} is used by two calls in flight`));
      throw new DuplicateId();
    }
    if (this.calls.size >= maxCalls) throw protocolError(`more than ${maxCalls} calls in flight`);
    this.calls.set(call.id, call);
    this.#late.delete(call.id);
  }

  end(call: Call): void {
    this.calls.delete(call.id);
  }

  /** Remembers that up to `batches` of an ended upload may still arrive. */
  expectLate(id: number, batches: number): void {
    if (batches === 0) return;
    this.#late.set(id, batches);
    for (const oldest of this.#late.keys()) {
      if (this.#late.size <= MAX_LATE) break;
      this.#late.delete(oldest);
    }
  }

  /** True when a batch for `id` is one of those; it is then used up. */
  takeLate(id: number): boolean {
    const left = this.#late.get(id);
    if (left === undefined) return false;
    if (left > 1) this.#late.set(id, left - 1);
    else this.#late.delete(id);
    return true;
  }

  /** Ends all calls without answers. */
  abandonCalls(except?: Call): void {
    for (const call of this.calls.values()) {
      if (call !== except) call.abandon();
    }
  }
}

/** Thrown for a message that must not be answered, because its id belongs to a call that will be. */
export class DuplicateId extends Error {}
