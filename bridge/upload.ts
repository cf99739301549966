/**
 * A stream of rows up: batches under credits, in order, without gaps, each placed as it comes. What breaks
 * the promise ends the call. Forms of rows differ in their placement alone (placement.ts); whose memory
 * they are placed in, and its end, is for received.ts.
 */
import { release } from "../src/index.ts";
import type { Call } from "./call.ts";
import { type Header, protocolUint } from "./header.ts";
import type { Limits } from "./limits.ts";
import type { Placement } from "./placement.ts";

/** A streamed upload in progress. */
export class Upload {
  readonly complete: Promise<void>;
  readonly #placement: Placement;
  readonly #call: Call;
  readonly #limits: Limits;
  #resolve: () => void = () => {};
  #written = 0;
  #credits = 0;

  constructor(call: Call, placement: Placement, limits: Limits) {
    this.#call = call;
    this.#placement = placement;
    this.#limits = limits;
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
    const count = protocolUint(header, "count", 1, this.#placement.rows - start);
    this.#placement.place({ start, count, frames, most: this.#limits.batchBytes });
    // The window bounds what is on its way, but a collection may be a hundred megabytes later.
    for (const frame of frames) release(frame);
    this.#written += count;
    if (this.#written === this.#placement.rows) this.#resolve();
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

/** Lets the client stream the rows of `call`; done when all of them are placed. Throws what ended it. */
export async function streamRows(call: Call, placement: Placement, limits: Limits): Promise<void> {
  const upload = new Upload(call, placement, limits);
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
