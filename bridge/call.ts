/**
 * One request that expects an answer: how it is watched, stopped and answered.
 *
 * A call is answered exactly once (a reply, an error, or a last result batch) and then forgotten by its
 * connection. Cancelling aborts the computation through an AbortSignal and decides the answer; a call
 * whose client is gone ends without one.
 */
import { HnswError, type Progress } from "../src/index.ts";
import type { Connection } from "./connection.ts";
import { CreditWindow } from "./credits.ts";
import type { Header } from "./header.ts";
import type { Turns } from "./turns.ts";
import type { Upload } from "./upload.ts";
import type { Value } from "./values.ts";

/** Half of what the protocol promises at most, so that a late timer still keeps the promise. */
const PROGRESS_MS = 125;

/** The phase of a computation that waits for others to end. */
const WAITING = "waiting";

/** What a computation gets from its call. */
export interface Hooks {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** What a client asked for. */
export interface Request {
  readonly id: number;
  readonly op: string;
  readonly header: Header;
  readonly frames: readonly Uint8Array[];
}

export class Call {
  readonly id: number;
  readonly op: string;
  readonly header: Header;
  readonly frames: readonly Uint8Array[];
  readonly connection: Connection;
  /** The batches that the client is ready to take. */
  readonly credits = new CreditWindow();
  /** Set while the call waits for rows. */
  upload: Upload | undefined;
  readonly #turns: Turns;
  readonly #claimed: Value[] = [];
  #abort: AbortController | undefined;
  #stopped: HnswError | undefined;
  #silent = false;

  constructor(connection: Connection, request: Request, turns: Turns) {
    this.connection = connection;
    this.id = request.id;
    this.op = request.op;
    this.header = request.header;
    this.frames = request.frames;
    this.#turns = turns;
  }

  /** Made when first looked at: calls that end at once have no use for it. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#stopped !== undefined) this.#abort.abort(this.#stopped);
    return this.#abort.signal;
  }

  /** The reason when the call was stopped from outside. */
  get stopped(): HnswError | undefined {
    return this.#stopped;
  }

  /** True when nobody is there any more to read an answer. */
  get silent(): boolean {
    return this.#silent;
  }

  /** Sends a message that belongs to this call. */
  send(header: object, frames: readonly Uint8Array[] = []): void {
    if (!this.#silent) this.connection.send({ ...header, id: this.id }, frames);
  }

  /** Stops the call; the first reason wins and becomes its answer. */
  stop(reason: HnswError): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#abort?.abort(reason);
  }

  /** Stops the call without an answer: its client is gone. */
  abandon(): void {
    this.#silent = true;
    this.stop(new HnswError("ERR_CLOSED", "the client has left"));
  }

  throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  /** Takes a value out of the session; it lives as long as this call. Throws ERR_UNKNOWN_ID. */
  claim(id: string): Value {
    const value = this.connection.session.values.take(id);
    this.#claimed.push(value);
    return value;
  }

  /** Gives back what the call claimed, when its work has ended. */
  release(): void {
    for (const value of this.#claimed.splice(0)) value.dispose();
  }

  /** Runs a computation when it is its session's turn, and tells the client how far it is, also when nothing changes. */
  async compute<T>(work: (hooks: Hooks) => Promise<T>): Promise<T> {
    return this.tell(async (onProgress) => {
      onProgress({ phase: WAITING, done: 0, total: 0 });
      const leave = await this.#turns.take(this.connection.session, this.signal);
      try {
        this.throwIfStopped();
        onProgress({ phase: this.op, done: 0, total: 0 });
        return await work({ signal: this.signal, onProgress });
      } finally {
        leave?.();
      }
    });
  }

  /** Runs work that is no computation, and tells the client how far it is as often. */
  async tell<T>(work: (onProgress: Hooks["onProgress"]) => Promise<T>): Promise<T> {
    let latest: Progress = { phase: this.op, done: 0, total: 0 };
    const timer = setInterval(() => this.#tell(latest), PROGRESS_MS);
    try {
      return await work((progress) => {
        latest = progress;
      });
    } finally {
      clearInterval(timer);
    }
  }

  #tell({ phase, done, total, secondsLeft }: Progress): void {
    this.send({
      type: "progress",
      phase,
      done,
      total,
      ...(secondsLeft !== undefined && { seconds_left: secondsLeft }),
    });
  }
}
