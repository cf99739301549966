/**
 * Refuses what cannot fit before any of it is made. The kernel grants address space that it does not
 * have, so a failing allocation comes too late: asking first is the only way to answer an error.
 */
import { freemem } from "node:os";
import { HnswError } from "../src/index.ts";

/** Share of the free memory that one request may ask for; the rest is for codes, graphs and neighbours. */
const SHARE = 0.8;

/** Asking the system takes longer than a small query does; this much is always there, or the server is lost anyway. */
const ALWAYS_FITS = 16 << 20;

/** The same where the process has a limit of its own: many small requests must not pass it unseen. */
const FITS_UNDER_A_LIMIT = 256 << 10;

/** Bytes promised to uploads on their way. One process has one memory, however many servers run in it. */
let promised = 0;

/** What this process may still ask for. */
export class Memory {
  readonly #most: number | undefined;

  /** `most`: bytes that the process may have in all. Without it a request may have four fifths of what is free. */
  constructor(most?: number) {
    this.#most = most;
  }

  /** `factors` multiplied, in bytes. Throws ERR_OUT_OF_MEMORY when they do not fit now, or are no safe integer. */
  fit(what: string, ...factors: number[]): number {
    const bytes = factors.reduce((product, factor) => product * factor, 1);
    if (bytes <= (this.#most === undefined ? ALWAYS_FITS : FITS_UNDER_A_LIMIT)) return bytes;
    const allowed = Math.max(0, this.#left() - promised);
    if (Number.isSafeInteger(bytes) && bytes <= allowed) return bytes;
    throw new HnswError("ERR_OUT_OF_MEMORY", `${what}: ${bytes} bytes, allowed now: ${allowed}`);
  }

  /**
   * Promises memory that will be filled bit by bit, and counts as free with the system until then. Gives the end of
   * the promise, to be called once. Throws as {@link fit}.
   */
  promise(what: string, bytes: number): () => void {
    this.fit(what, bytes);
    promised += bytes;
    return () => {
      promised -= bytes;
    };
  }

  #left(): number {
    const free = Math.floor(SHARE * freeBytes());
    return this.#most === undefined ? free : Math.min(free, this.#most - process.memoryUsage.rss());
  }
}

/** Respects a container's limit where this Node can tell it. */
function freeBytes(): number {
  return typeof process.availableMemory === "function" ? process.availableMemory() : freemem();
}
