/**
 * Rows up: from received frames straight into the memory where they stay, one copy.
 *
 * A call that carries rows promises their shape. The memory is reserved first; then the rows come inline
 * or in batches under credits, in order, without gaps. What breaks the promise ends the call, and the
 * memory is freed: there is no half upload. Forms of rows differ in their placement alone (placement.ts).
 */
import type { Call } from "./call.ts";
import { protocolError } from "./errors.ts";
import { flag, type Header, protocolUint } from "./header.ts";
import type { Limits } from "./limits.ts";
import { bytesThatFit } from "./memory.ts";
import { type Placement, Sequence } from "./placement.ts";
import type { Destination, Promised } from "./promised.ts";
import type { Service } from "./service.ts";

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

/** What a call expects to be sent, by name; sent in the order of the names. */
type Parts = Readonly<Record<string, Promised<Disposable>>>;

/** The same, arrived. */
type Received<P> = { [Name in keyof P]: P[Name] extends Promised<infer Content> | undefined ? Content : never };

/**
 * Gets what was promised, inline or streamed, runs `work` on it, and frees its memory however that ends
 * (unless `work` handed it on). Throws ERR_PROTOCOL, ERR_OUT_OF_MEMORY, and what is wrong with the rows.
 */
export async function withReceived<P extends Partial<Parts>, T>(
  call: Call,
  parts: P,
  service: Service,
  work: (received: Received<P>) => Promise<T>,
): Promise<T> {
  const promised = Object.entries(parts).flatMap(([name, part]) => (part === undefined ? [] : [{ name, part }]));
  checkInline(
    call,
    promised.map(({ part }) => part),
    service.limits,
  );
  bytesThatFit("rows", sum(promised.map(({ part }) => part.memoryBytes)));
  const opened: [string, Destination<Disposable>][] = [];
  try {
    for (const { name, part } of promised) opened.push([name, part.open(service)]);
    await receive(call, placementOf(opened.map(([, { placement }]) => placement)), service.limits);
    return await work(Object.fromEntries(opened.map(([name, { content }]) => [name, content])) as Received<P>);
  } finally {
    for (const [, { content }] of opened) content[Symbol.dispose]();
  }
}

function checkInline(call: Call, parts: readonly Promised<Disposable>[], limits: Limits): void {
  const inline = flag(call.header, "inline");
  const rows = sum(parts.map((part) => part.rows));
  if (call.frames.length > 0 && (!inline || rows === 0)) throw protocolError("Arrow frames where none are allowed");
  if (inline && parts.length > 1) throw protocolError("two parts inline, allowed: one");
  const bytes = sum(parts.map((part) => part.wireBytes));
  if (inline && bytes > limits.inlineBytes)
    throw protocolError(`${bytes} bytes inline, allowed: ${limits.inlineBytes}`);
}

function placementOf([first, second]: readonly Placement[]): Placement {
  if (first === undefined) throw protocolError("no rows are promised");
  return second === undefined ? first : new Sequence(first, second);
}

async function receive(call: Call, placement: Placement, limits: Limits): Promise<void> {
  if (placement.rows === 0) return;
  if (!flag(call.header, "inline")) await streamRows(call, placement, limits);
  else placement.place({ start: 0, count: placement.rows, frames: call.frames, most: limits.inlineBytes });
}

async function streamRows(call: Call, placement: Placement, limits: Limits): Promise<void> {
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
