/**
 * Rows up: from received frames straight into the memory of an index, one copy.
 *
 * A call that carries rows promises their shape. The memory is reserved first; then the rows come inline
 * or in batches under credits, in order, without gaps. What breaks the promise ends the call, and the
 * memory is freed: there is no half upload.
 */
import { RowBuffer } from "../src/index.ts";
import { rowValues } from "./arrow/rows.ts";
import type { Call } from "./call.ts";
import { protocolError } from "./errors.ts";
import { flag, type Header, protocolUint } from "./header.ts";
import type { Limits } from "./limits.ts";
import { bytesThatFit } from "./memory.ts";
import { placeRows } from "./placement.ts";
import type { Service } from "./service.ts";
import type { Counters } from "./stats.ts";

/** Rows that a header promised. */
export interface Promised {
  readonly rows: number;
  readonly dim: number;
}

/** A streamed upload in progress. */
export class Upload {
  readonly complete: Promise<void>;
  readonly #buffer: RowBuffer;
  readonly #call: Call;
  readonly #limits: Limits;
  readonly #counters: Counters;
  #resolve: () => void = () => {};
  #written = 0;
  #credits = 0;

  constructor(call: Call, buffer: RowBuffer, limits: Limits, counters: Counters) {
    this.#call = call;
    this.#buffer = buffer;
    this.#limits = limits;
    this.#counters = counters;
    this.complete = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#grant(limits.window);
  }

  /** Batches that the client may still have on their way. */
  get openCredits(): number {
    return this.#credits;
  }

  /** Places one batch. Throws for a batch that breaks the promise or the order. */
  accept(header: Header, frames: readonly Uint8Array[]): void {
    // Never below zero: batches are placed as they come, so the next credit is granted before the next batch is read.
    this.#credits--;
    const start = protocolUint(header, "start", this.#written, this.#written);
    const count = protocolUint(header, "count", 1, this.#buffer.rows - start);
    const shape = { count, dim: this.#buffer.dim };
    if (count * shape.dim * 4 > this.#limits.batchBytes) {
      throw protocolError(`a batch of ${count * shape.dim * 4} bytes, allowed: ${this.#limits.batchBytes}`);
    }
    placeRows(this.#buffer, start, rowValues(frames, shape), this.#counters);
    this.#written += count;
    if (this.#written === this.#buffer.rows) this.#resolve();
    else this.#grant(1);
  }

  /** Counts a batch that came after the call was stopped. */
  drop(): void {
    this.#credits--;
  }

  #grant(credits: number): void {
    this.#credits += credits;
    this.#call.send({ type: "credit", credits });
  }
}

/** Gets the promised rows of `call`, inline or streamed. The caller disposes of them; on failure nothing is kept. */
export async function receiveRows(call: Call, { rows, dim }: Promised, service: Service): Promise<RowBuffer> {
  const bytes = bytesThatFit(`${rows} x ${dim} rows`, rows, dim, 4);
  const inline = flag(call.header, "inline");
  if (call.frames.length > 0 && (!inline || rows === 0)) throw protocolError("Arrow frames where none are allowed");
  if (inline && bytes > service.limits.inlineBytes) {
    throw protocolError(`${bytes} bytes inline, allowed: ${service.limits.inlineBytes}`);
  }
  const buffer = RowBuffer.allocate(rows, dim);
  try {
    if (rows === 0) return buffer;
    if (inline) placeRows(buffer, 0, rowValues(call.frames, { count: rows, dim }), service.counters);
    else await streamRows(call, buffer, service);
    return buffer;
  } catch (error) {
    buffer.dispose();
    throw error;
  }
}

async function streamRows(call: Call, buffer: RowBuffer, service: Service): Promise<void> {
  const upload = new Upload(call, buffer, service.limits, service.counters);
  call.upload = upload;
  try {
    await Promise.race([upload.complete, stopped(call.signal)]);
    call.throwIfStopped();
  } finally {
    call.upload = undefined;
    // Batches sent under credits that are still open are on their way and must not be taken for errors.
    if (call.stopped !== undefined) call.connection.expectLate(call.id, upload.openCredits);
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
