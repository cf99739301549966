import ndarray, { type NdArray } from "ndarray";
import { HnswError, wrapped } from "./errors.ts";
import { type CallOptions, checkSignal, type Done, runJob } from "./job.ts";
import type { MatrixInput } from "./matrix.ts";
import { type NativeIndex, type NativeJob, type NativeListener, type NativeNeighbors, native } from "./native.ts";
import {
  type Algorithm,
  type BuildOptions,
  type CheckedBuild,
  checkedBuild,
  checkedCallOptions,
  checkedQuery,
  type QueryOptions,
} from "./options.ts";
import type { Parameters } from "./parameters.ts";
import { type Plan, planOf, type Stats } from "./plan.ts";
import { type Incoming, incoming, transfer, transferSync } from "./transfer.ts";
import { checkedKeys } from "./validate.ts";

/**
 * Neighbours of each row or query, nearest first, ties by id. `indices` (int32) and `distances` (float32) have the
 * same shape; where there are fewer rows than columns, the rest of a row is -1 and Infinity. The arrays are the
 * caller's own, row-major and writable.
 */
export interface Neighbors {
  readonly indices: NdArray<Int32Array>;
  readonly distances: NdArray<Float32Array>;
}

/** Changes to an index. */
export interface Changes {
  /** Rows to append; they get the ids `size`, `size + 1`, ... */
  readonly fresh: MatrixInput;
}

/** The parameters an index was made with, defaults filled in. */
export interface IndexParameters extends Parameters {
  readonly algorithm: Algorithm;
  /** Pool width of queries that set none, if it was given. */
  readonly ef: number | undefined;
  readonly seed: bigint;
  readonly threads: number;
}

/**
 * A set of rows that answers which of them are nearest.
 *
 * Its two products, the neighbour graph (all rows against all) and the search index (for new queries), are made
 * when first needed and kept until an update. Async calls run beside the event loop and reject with an
 * {@link HnswError}; queries run at the same time as each other, updates one after the other. Each has a `Sync`
 * twin that blocks, for small work.
 *
 * @example
 * ```ts
 * const index = await HnswIndex.build(rows, { metric: "cosine", nNeighbors: 15 });
 * const { indices, distances } = await index.neighborGraph(); // n x 15
 * const hits = await index.query(queries, { k: 5 }); // q x 5
 * index.close();
 * ```
 */
export class HnswIndex {
  /** Columns of the rows. */
  readonly dim: number;
  /** Name of the metric, as `metrics()` lists it. */
  readonly metric: string;
  /** Columns of the neighbour graph. */
  readonly nNeighbors: number;
  readonly parameters: IndexParameters;
  readonly #native: NativeIndex;
  readonly #running = new Set<NativeJob>();
  #size: number;
  #closed = false;
  /** The last update asked for: the next one waits for it. */
  #updates: Promise<unknown> = Promise.resolve();

  private constructor(content: NativeIndex, rows: Incoming, options: CheckedBuild) {
    const { algorithm, ef, seed, threads } = options;
    this.#native = content;
    this.#size = rows.rows;
    this.dim = rows.dim;
    this.metric = options.metric;
    this.nNeighbors = options.nNeighbors;
    this.parameters = { ...options.parametersFor(rows.rows), algorithm, ef, seed, threads };
  }

  /**
   * Stores the rows (n x dim, any number type, kept as f32). O(n * dim): nothing is searched or built yet.
   *
   * Rejects with `ERR_EMPTY_INDEX` for 0 rows, `ERR_INVALID_ARGUMENT`, `ERR_UNKNOWN_METRIC`,
   * `ERR_DIMENSION_MISMATCH`, `ERR_NON_FINITE`, `ERR_OUT_OF_MEMORY`, `ERR_CANCELLED`.
   */
  static async build(rows: MatrixInput, options?: BuildOptions): Promise<HnswIndex> {
    const checked = checkedBuild(options);
    checkSignal(checked.call.signal);
    const input = nonEmpty(incoming("rows", rows));
    const arguments_ = checked.native(checked.parametersFor(input.rows));
    const content = await transfer(input, () => checkSignal(checked.call.signal));
    const start = (listener: NativeListener) => native().NativeIndex.build(content, arguments_, listener);
    const { index } = await runJob(start, checked.call, new Set());
    return new HnswIndex(present(index), input, checked);
  }

  /** {@link HnswIndex.build} on this thread. */
  static buildSync(rows: MatrixInput, options?: BuildOptions): HnswIndex {
    const checked = checkedBuild(options);
    const input = nonEmpty(incoming("rows", rows));
    const arguments_ = checked.native(checked.parametersFor(input.rows));
    const content = transferSync(input);
    return new HnswIndex(
      wrapped(() => native().NativeIndex.buildSync(content, arguments_)),
      input,
      checked,
    );
  }

  /**
   * The nearest `nNeighbors` of every row, n x nNeighbors. Column 0 is the row itself at distance 0. Made once, by
   * the side that {@link HnswIndex.plan} names: exact O(n^2 * dim), or approximate.
   *
   * Rejects with `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   */
  async neighborGraph(options?: CallOptions): Promise<Neighbors> {
    const call = checkedCallOptions(options);
    const { neighbors } = await this.#run((listener) => this.#native.neighborGraph(listener), call);
    return shaped(present(neighbors));
  }

  /** {@link HnswIndex.neighborGraph} on this thread. */
  neighborGraphSync(): Neighbors {
    this.#checkOpen();
    return shaped(wrapped(() => this.#native.neighborGraphSync()));
  }

  /**
   * The `k` nearest rows of each query (q x dim): q x k. `k` 0 and 0 queries give empty results.
   *
   * Rejects with `ERR_DIMENSION_MISMATCH`, `ERR_INVALID_ARGUMENT`, `ERR_NON_FINITE`, `ERR_CANCELLED`,
   * `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   */
  async query(queries: MatrixInput, options?: QueryOptions): Promise<Neighbors> {
    const { call, k, ef } = checkedQuery(options, this.parameters.ef);
    this.#check(call);
    const content = await transfer(incoming("queries", queries, this.dim), () => this.#check(call));
    const { neighbors } = await this.#run((listener) => this.#native.query(content, k, ef, listener), call);
    return shaped(present(neighbors));
  }

  /** {@link HnswIndex.query} on this thread. */
  querySync(queries: MatrixInput, options?: Omit<QueryOptions, keyof CallOptions>): Neighbors {
    const { k, ef } = checkedQuery(options, this.parameters.ef);
    this.#checkOpen();
    const content = transferSync(incoming("queries", queries, this.dim));
    return shaped(wrapped(() => this.#native.querySync(content, k, ef)));
  }

  /**
   * Appends rows; all of them or, when it rejects, none. The neighbour graph is made anew when next asked for, the
   * search index is extended. Updates run in the order in which they were called; queries wait for a running one.
   *
   * Rejects with `ERR_EMPTY_INDEX` for 0 rows, `ERR_DIMENSION_MISMATCH`, `ERR_INVALID_ARGUMENT`,
   * `ERR_NON_FINITE`, `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   */
  async update(changes: Changes, options?: CallOptions): Promise<void> {
    const call = checkedCallOptions(options);
    this.#check(call);
    const fresh = this.#freshRows(changes);
    const before = this.#updates;
    const own = this.#append(fresh, call, before);
    this.#updates = own.catch(() => undefined);
    await own;
  }

  async #append(fresh: Incoming, call: CallOptions, before: Promise<unknown>): Promise<void> {
    const content = await transfer(fresh, () => this.#check(call));
    await before;
    await this.#run((listener) => this.#native.append(content, listener), call);
    this.#size += fresh.rows;
  }

  /** {@link HnswIndex.update} on this thread. */
  updateSync(changes: Changes): void {
    this.#checkOpen();
    const fresh = this.#freshRows(changes);
    const content = transferSync(fresh);
    wrapped(() => this.#native.appendSync(content));
    this.#size += fresh.rows;
  }

  #freshRows(changes: Changes): Incoming {
    const { fresh } = checkedKeys("changes", changes, ["fresh"]);
    return nonEmpty(incoming("fresh rows", fresh, this.dim));
  }

  /**
   * Builds the search index now instead of at the first query that wants it.
   *
   * Rejects with `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   */
  async prepare(options?: CallOptions): Promise<void> {
    const call = checkedCallOptions(options);
    await this.#run((listener) => this.#native.prepare(listener), call);
  }

  /** {@link HnswIndex.prepare} on this thread. */
  prepareSync(): void {
    this.#checkOpen();
    wrapped(() => this.#native.prepareSync());
  }

  /** Sizes and counters. Never waits: during an update, what was true before it. Throws `ERR_CLOSED`. */
  stats(): Stats {
    this.#checkOpen();
    return wrapped(() => this.#native.stats());
  }

  /** What the engine picked for the two products, and why. Never waits, as `stats`. Throws `ERR_CLOSED`. */
  get plan(): Plan {
    this.#checkOpen();
    return planOf(wrapped(() => this.#native.plan()));
  }

  /** Number of rows, those of finished updates included. */
  get size(): number {
    return this.#size;
  }

  /** Whether {@link HnswIndex.close} has been called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Stops running calls (they reject with `ERR_CLOSED`) and frees the memory. May be called twice. */
  close(): void {
    this.#closed = true;
    for (const job of this.#running) job.cancel();
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #run(start: (listener: NativeListener) => NativeJob, call: CallOptions): Promise<Done> {
    this.#check(call);
    try {
      return await runJob(start, call, this.#running);
    } catch (error) {
      const cancelled = error instanceof HnswError && error.code === "ERR_CANCELLED";
      if (cancelled && this.#closed && !call.signal?.aborted) this.#checkOpen();
      throw error;
    }
  }

  #check(call: CallOptions): void {
    this.#checkOpen();
    checkSignal(call.signal);
  }

  #checkOpen(): void {
    if (this.#closed) throw new HnswError("ERR_CLOSED", "the index is closed");
  }
}

function nonEmpty(input: Incoming): Incoming {
  if (input.rows === 0) throw new HnswError("ERR_EMPTY_INDEX", "0 rows, allowed: at least 1");
  return input;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new HnswError("ERR_INTERNAL", "the addon answered without a result");
  return value;
}

function shaped({ rows, k, indices, distances }: NativeNeighbors): Neighbors {
  return { indices: ndarray(indices, [rows, k]), distances: ndarray(distances, [rows, k]) };
}
