/**
 * An index of the addon while it may be used: what it is, whether it is still open, and the calls that run on it. All
 * operations on an index go through here.
 */
import { type Doors, type Ready, run, runHere, type Sending } from "./calls.ts";
import { described, type IndexParameters } from "./describe.ts";
import { HnswError, wrapped } from "./errors.ts";
import { type CallOptions, checkSignal } from "./job.ts";
import type { Form } from "./matrix.ts";
import type { MetricName } from "./metric-names.ts";
import type { NativeIndex, NativeJob } from "./native.ts";
import { atOnce, inSlices } from "./transfer.ts";

export class OpenIndex {
  readonly native: NativeIndex;
  readonly dim: number;
  readonly form: Form;
  readonly metric: MetricName;
  readonly nNeighbors: number;
  /** Rows after all finished updates. */
  rows: number;
  #parameters: IndexParameters;
  readonly #running = new Set<NativeJob>();
  #closed = false;

  constructor(native: NativeIndex) {
    const { rows, dim, form, metric, nNeighbors, parameters } = described(native);
    this.native = native;
    this.rows = rows;
    this.dim = dim;
    this.form = form;
    this.metric = metric;
    this.nNeighbors = nNeighbors;
    this.#parameters = parameters;
  }

  get parameters(): IndexParameters {
    return this.#parameters;
  }

  /** Reads the parameters again, after a call that may have changed them. */
  readParameters(): void {
    this.#parameters = described(this.native).parameters;
  }

  ids(): Int32Array {
    return this.read((native) => native.ids());
  }

  get nextId(): number {
    return this.read((native) => native.nextId());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Asks the addon for something that takes no time. */
  read<T>(ask: (native: NativeIndex) => T): T {
    this.checkOpen();
    return wrapped(() => ask(this.native));
  }

  /** Runs an operation as a job; it begins before this returns. */
  async run<T>(ready: Ready<T>): Promise<T> {
    this.check(ready.call);
    try {
      return await run(ready, this.#running);
    } catch (error) {
      const cancelled = error instanceof HnswError && error.code === "ERR_CANCELLED";
      if (cancelled && this.#closed && !ready.call.signal?.aborted) this.checkOpen();
      throw error;
    }
  }

  /** Runs an operation on this thread. */
  runHere<T>(doors: Doors<T>): T {
    this.checkOpen();
    return runHere(doors);
  }

  /** Copies, then runs as a job. */
  async send<Content, T>({ call, steps, doors }: Sending<Content, T>): Promise<T> {
    const content = await inSlices(steps(), () => this.check(call));
    return this.run({ call, ...doors(content) });
  }

  /** Copies and runs on this thread. */
  sendHere<Content, T>({ steps, doors }: Sending<Content, T>): T {
    this.checkOpen();
    return runHere(doors(atOnce(steps())));
  }

  /** Throws `ERR_CLOSED`, `ERR_CANCELLED`. */
  check(call: CallOptions): void {
    this.checkOpen();
    checkSignal(call.signal);
  }

  /** Throws `ERR_CLOSED`. */
  checkOpen(): void {
    if (this.#closed) throw new HnswError("ERR_CLOSED", "the index is closed");
  }

  /** Stops running calls and frees the memory. */
  close(): void {
    this.#closed = true;
    for (const job of this.#running) job.cancel();
    this.native.close();
  }
}
