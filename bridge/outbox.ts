/**
 * The one way out: every message to every client goes through here, in order.
 *
 * A ZeroMQ socket allows one pending send. With a send timeout of 0 a send never waits: it succeeds, or
 * fails with EHOSTUNREACH (the peer is gone) or EAGAIN (the peer does not read and its queue is full).
 * Both mean that the peer is lost, so one slow client can never hold up the others. What can wait in a
 * peer's queue is bounded by credits (results) and by the socket's high-water mark (everything else).
 */
import type { Router } from "zeromq";

/** A peer as ROUTER knows it. */
export interface Peer {
  readonly routingId: Uint8Array;
  lastSent: number;
}

interface Letter {
  readonly peer: Peer;
  readonly frames: (Uint8Array | string)[];
}

export class Outbox {
  readonly #socket: Router;
  readonly #onLost: (peer: Peer) => void;
  readonly #queue: Letter[] = [];
  #sending: Promise<void> | undefined;
  #bytesSent = 0;

  constructor(socket: Router, onLost: (peer: Peer) => void) {
    this.#socket = socket;
    this.#onLost = onLost;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Queues a message. `frames` are sent without copying and must not change any more. */
  send(peer: Peer, header: object, frames: readonly Uint8Array[] = []): void {
    // As a string it is copied once, and nothing has to come back to this thread to be freed.
    const head = JSON.stringify(header, jsonValue);
    this.#queue.push({ peer, frames: [peer.routingId, head, ...frames] });
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when all that was queued has been handed to ZeroMQ. */
  async drained(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    // Let the caller finish its turn first: onLost must not run inside a send().
    await Promise.resolve();
    for (let letter = this.#queue.shift(); letter !== undefined; letter = this.#queue.shift()) {
      await this.#sendOne(letter);
    }
    this.#sending = undefined;
  }

  async #sendOne({ peer, frames }: Letter): Promise<void> {
    if (this.#socket.closed) return;
    try {
      await this.#socket.send(frames);
      peer.lastSent = performance.now();
      this.#bytesSent += frames.reduce((sum, frame) => sum + Buffer.byteLength(frame), 0);
    } catch {
      if (!this.#socket.closed) this.#onLost(peer);
    }
  }
}

/** Counters may be bigint; JSON numbers are exact up to 2^53, beyond that a string is sent. */
export function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}
