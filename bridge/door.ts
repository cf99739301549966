/**
 * Strangers at the door: peers without a connection.
 *
 * One that shows a wrong token, or none, is answered after a delay and never listened to again: a guess costs it time and
 * a new connection. A ROUTER cannot hang up, so what it sends from then on is dropped unread. What is remembered
 * about strangers is bounded.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { HnswError } from "../src/index.ts";
import type { Header } from "./header.ts";

/** Time before a refused token is answered. */
export const REFUSAL_DELAY_MS = 250;

/** Refused peers that are remembered, and refusals that may wait at once; more go without an answer. */
const MAX_REMEMBERED = 10_000;
const MAX_WAITING = 1000;

/** A token as it is kept for comparing: hashes have one length, whatever was guessed. */
export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** Throws ERR_UNAUTHORIZED unless the header has the token that `expected` is the hash of; takes the same time for any. */
export function checkToken(header: Header, expected: Buffer | undefined): void {
  if (expected === undefined) return;
  const seen = hashToken(typeof header.token === "string" ? header.token : "");
  if (!timingSafeEqual(seen, expected)) throw new HnswError("ERR_UNAUTHORIZED", "token missing or wrong");
}

export class Door {
  readonly #refused = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();

  /** Whether the peer was refused before. */
  hasRefused(peer: string): boolean {
    return this.#refused.has(peer);
  }

  /** Listens to the peer no more; `answer` runs after the delay. */
  refuse(peer: string, answer: () => void): void {
    this.#refused.add(peer);
    for (const oldest of this.#refused) {
      if (this.#refused.size <= MAX_REMEMBERED) break;
      this.#refused.delete(oldest);
    }
    if (this.#timers.size >= MAX_WAITING) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      answer();
    }, REFUSAL_DELAY_MS);
    this.#timers.add(timer);
  }

  /** Answers nobody any more. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
