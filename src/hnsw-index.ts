import { around, aroundIds, counting, holding } from "./balls.ts";
import { run, runHere, send, sendHere } from "./calls.ts";
import type { Changes } from "./changes.ts";
import type { IndexParameters } from "./describe.ts";
import type { FilePath, LoadOptions, Verification } from "./files.ts";
import type { CallOptions } from "./job.ts";
import type { IdsInput, VectorInput } from "./lists.ts";
import { building, importing, loading, restoring } from "./making.ts";
import type { Form, MatrixInput } from "./matrix.ts";
import type { MetricName } from "./metric-names.ts";
import type { NativeIndex } from "./native.ts";
import type { Answer, Neighbors } from "./neighbors.ts";
import { OpenIndex } from "./open-index.ts";
import type {
  BuildOptions,
  DumpOptions,
  ImportOptions,
  QueryOptions,
  RebuildOptions,
  RestoreOptions,
} from "./options.ts";
import { type Plan, planOf, type Stats, statsOf } from "./plan.ts";
import { graphing, measuring, preparing, rebuilding } from "./products.ts";
import { Queries } from "./queries.ts";
import {
  type CountEstimate,
  type EstimateOptions,
  type PrepareOptions,
  type QueryInput,
  type RadiusOptions,
  type RadiusResult,
  radiiFor,
  radiusFor,
  type TargetOptions,
  type TargetResult,
} from "./radius.ts";
import type { RecallOptions, RecallReport } from "./recall.ts";
import { attaching, dumping, saving, verifying, verifyingFile } from "./storing.ts";
import { Updates } from "./updates.ts";

/** An index that another engine made, and the label of each of its rows. */
export interface Imported {
  readonly index: HnswIndex;
  readonly labels: BigUint64Array;
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
  /** Columns of the rows; bytes per row where they are packed bits. */
  readonly dim: number;
  /** How the rows are stored; queries and updates take the same form, and dense ones are turned into it. */
  readonly form: Form;
  /** Name of the metric, as `metrics()` lists it. */
  readonly metric: MetricName;
  /** Columns of the neighbour graph. */
  readonly nNeighbors: number;
  readonly #open: OpenIndex;
  readonly #queries: Queries;
  readonly #updates: Updates;

  private constructor(native: NativeIndex) {
    const open = new OpenIndex(native);
    this.dim = open.dim;
    this.form = open.form;
    this.metric = open.metric;
    this.nNeighbors = open.nNeighbors;
    this.#open = open;
    this.#queries = new Queries(open);
    this.#updates = new Updates(open);
  }

  /**
   * Stores the rows (n x dim). O(n * dim), for sparse rows O(entries): nothing is searched or built yet.
   *
   * Rejects with `ERR_EMPTY_INDEX` for 0 rows, `ERR_INVALID_ARGUMENT`, `ERR_UNKNOWN_METRIC`,
   * `ERR_DIMENSION_MISMATCH`, `ERR_NON_FINITE`, `ERR_OUT_OF_MEMORY`, `ERR_CANCELLED`.
   */
  static async build(rows: MatrixInput, options?: BuildOptions): Promise<HnswIndex> {
    return new HnswIndex(await send(building(rows, options)));
  }

  /** {@link HnswIndex.build} on this thread. */
  static buildSync(rows: MatrixInput, options?: BuildOptions): HnswIndex {
    return new HnswIndex(sendHere(building(rows, options)));
  }

  /**
   * The index that was written down by {@link HnswIndex.dump}, with its rows. O(bytes); answers are the same as
   * before, and what had been made of the rows is there again.
   *
   * Rejects with `ERR_CORRUPT_FILE` for bytes that are no dump, not whole, or without rows,
   * `ERR_UNSUPPORTED_VERSION` for a dump of a newer release, `ERR_INVALID_ARGUMENT`, `ERR_OUT_OF_MEMORY`,
   * `ERR_CANCELLED`.
   */
  static async restore(bytes: Uint8Array, options?: RestoreOptions): Promise<HnswIndex> {
    return new HnswIndex(await send(restoring(bytes, options)));
  }

  /** {@link HnswIndex.restore} on this thread. */
  static restoreSync(bytes: Uint8Array, options?: Omit<RestoreOptions, keyof CallOptions>): HnswIndex {
    return new HnswIndex(sendHere(restoring(bytes, options)));
  }

  /**
   * The index in a file that {@link HnswIndex.save} wrote, or a dump that was. O(bytes), or with `mmap` O(1): the rest is
   * read when it is used.
   *
   * Rejects with `ERR_FILE` for what the system refuses, `ERR_CORRUPT_FILE` for a file that is no index or is damaged,
   * `ERR_UNSUPPORTED_VERSION`, `ERR_INVALID_ARGUMENT`, `ERR_OUT_OF_MEMORY`, `ERR_CANCELLED`. With `verify: "used"` the first call
   * that meets damage rejects with `ERR_CORRUPT_FILE`, and so does every later one that needs that part.
   *
   * @example
   * ```ts
   * await index.save("rows.hnsw");
   * const again = await HnswIndex.load("rows.hnsw", { mmap: true });
   * ```
   */
  static async load(path: FilePath, options?: LoadOptions): Promise<HnswIndex> {
    return new HnswIndex(await run(loading(path, options)));
  }

  /** {@link HnswIndex.load} on this thread. */
  static loadSync(path: FilePath, options?: Omit<LoadOptions, keyof CallOptions>): HnswIndex {
    return new HnswIndex(runHere(loading(path, options)));
  }

  /**
   * What is wrong with a file, section by section, whatever it is. O(bytes).
   *
   * Rejects with `ERR_FILE`, `ERR_INVALID_ARGUMENT`, `ERR_OUT_OF_MEMORY`, `ERR_CANCELLED`; damage is in the answer.
   */
  static async verifyFile(path: FilePath, options?: CallOptions): Promise<Verification> {
    return run(verifyingFile(path, options));
  }

  /** {@link HnswIndex.verifyFile} on this thread. */
  static verifyFileSync(path: FilePath): Verification {
    return runHere(verifyingFile(path));
  }

  /**
   * The index in a file of hnswlib (`saveIndex`, float32 rows), or in the bytes of one, with its links; `m` and `efConstruction` are the file's. The
   * file does not say by which metric it was made: `l2` is `sqeuclidean`, `ip` `inner_product`, `cosine` `cosine`. Rows marked
   * as deleted are left out, and the others linked anew. Results name rows by their numbers, 0 to n - 1; `labels` has the label
   * of each. O(bytes).
   *
   * Rejects as {@link HnswIndex.build}, with `ERR_INVALID_ARGUMENT` for `ids` and `nextId`, and with `ERR_FILE` and `ERR_CORRUPT_FILE`.
   */
  static async importHnswlib(source: FilePath | Uint8Array, options?: ImportOptions): Promise<Imported> {
    const { index, labels } = await send(importing(source, options));
    return { index: new HnswIndex(index), labels };
  }

  /** {@link HnswIndex.importHnswlib} on this thread. */
  static importHnswlibSync(source: FilePath | Uint8Array, options?: ImportOptions): Imported {
    const { index, labels } = sendHere(importing(source, options));
    return { index: new HnswIndex(index), labels };
  }

  /**
   * The nearest `nNeighbors` of every row, n x nNeighbors. Column 0 is the row itself at distance 0. Made once, by
   * the side that {@link HnswIndex.plan} names: exact O(n^2 * dim), or approximate.
   *
   * Rejects with `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   */
  async neighborGraph(options?: CallOptions): Promise<Neighbors> {
    return this.#open.run(graphing(this.#open, options));
  }

  /** {@link HnswIndex.neighborGraph} on this thread. */
  neighborGraphSync(): Neighbors {
    return this.#open.runHere(graphing(this.#open));
  }

  /**
   * The `k` nearest rows of each query (q x dim): q x k. `k` 0 and 0 queries give empty results. With `filter` they are among
   * the rows that match: by a wider walk where many do, else by comparing all that do. The effort is a width (`epsilon`,
   * `ef`), an outcome (`minRecall`), or one width after another (`efSteps`).
   *
   * Rejects with `ERR_DIMENSION_MISMATCH`, `ERR_INVALID_ARGUMENT`, `ERR_NON_FINITE`, `ERR_CANCELLED`,
   * `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   */
  async query(queries: MatrixInput, options?: QueryOptions): Promise<Answer> {
    return this.#queries.query(queries, options);
  }

  /** {@link HnswIndex.query} on this thread. */
  querySync(queries: MatrixInput, options?: Omit<QueryOptions, keyof CallOptions>): Answer {
    return this.#queries.querySync(queries, options);
  }

  /**
   * All rows within `radius` of each query (q x dim), those at that distance included; under `true_angular`, a
   * similarity, those at least as similar. Walks through the ball around a query, or compares all rows where that is
   * cheaper or asked for. The first walk builds the search index and measures what `minRecall` takes;
   * `prepare({ radius: true })` does so before.
   *
   * Rejects with `ERR_INVALID_ARGUMENT` (also for a radius below 0 where no distance is), `ERR_DIMENSION_MISMATCH`,
   * `ERR_NON_FINITE`, `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   *
   * @example
   * ```ts
   * const { offsets, indices } = await index.radiusSearch(queries, 0.3);
   * const ofFirst = indices.subarray(offsets[0], offsets[1]); // nearest first
   * ```
   */
  async radiusSearch(queries: MatrixInput, radius: number, options?: RadiusOptions): Promise<RadiusResult> {
    return this.#open.send(around(this.#open, queries, (count) => radiusFor(radius, count), options));
  }

  /** {@link HnswIndex.radiusSearch} on this thread. */
  radiusSearchSync(
    queries: MatrixInput,
    radius: number,
    options?: Omit<RadiusOptions, keyof CallOptions>,
  ): RadiusResult {
    return this.#open.sendHere(around(this.#open, queries, (count) => radiusFor(radius, count), options));
  }

  /** {@link HnswIndex.radiusSearch} with a radius for each query. */
  async radiusSearchBatch(queries: MatrixInput, radii: VectorInput, options?: RadiusOptions): Promise<RadiusResult> {
    return this.#open.send(around(this.#open, queries, (count) => radiiFor(radii, count), options));
  }

  /** {@link HnswIndex.radiusSearchBatch} on this thread. */
  radiusSearchBatchSync(
    queries: MatrixInput,
    radii: VectorInput,
    options?: Omit<RadiusOptions, keyof CallOptions>,
  ): RadiusResult {
    return this.#open.sendHere(around(this.#open, queries, (count) => radiiFor(radii, count), options));
  }

  /**
   * {@link HnswIndex.radiusSearch} around rows of the index, themselves included; one radius, or one for each id.
   *
   * Rejects with `ERR_UNKNOWN_ID` for an id that no row has, and as `radiusSearch`.
   */
  async radiusSearchById(ids: IdsInput, radius: number | VectorInput, options?: RadiusOptions): Promise<RadiusResult> {
    return this.#open.run(aroundIds(this.#open, ids, radius, options));
  }

  /** {@link HnswIndex.radiusSearchById} on this thread. */
  radiusSearchByIdSync(
    ids: IdsInput,
    radius: number | VectorInput,
    options?: Omit<RadiusOptions, keyof CallOptions>,
  ): RadiusResult {
    return this.#open.runHere(aroundIds(this.#open, ids, radius, options));
  }

  /**
   * The radius within which about `target` rows are of one query, and these rows. Tries `startRadius`, then the distance
   * of the `target`-th nearest row, be it larger or smaller.
   *
   * Rejects with `ERR_INVALID_ARGUMENT` for a target of more rows than there are, and as `radiusSearch`.
   */
  async searchWithTargetCount(query: QueryInput, target: number, options?: TargetOptions): Promise<TargetResult> {
    return this.#open.send(holding(this.#open, query, target, options));
  }

  /** {@link HnswIndex.searchWithTargetCount} on this thread. */
  searchWithTargetCountSync(
    query: QueryInput,
    target: number,
    options?: Omit<TargetOptions, keyof CallOptions>,
  ): TargetResult {
    return this.#open.sendHere(holding(this.#open, query, target, options));
  }

  /**
   * About how many rows are within a distance of each query, with bounds, from a uniform sample of the rows; one radius,
   * or one for each query. O(queries * sample): it does not need the search index.
   *
   * Rejects as `radiusSearch`.
   */
  async estimateCount(
    queries: MatrixInput,
    radius: number | VectorInput,
    options?: EstimateOptions,
  ): Promise<CountEstimate> {
    return this.#open.send(counting(this.#open, queries, radius, options));
  }

  /** {@link HnswIndex.estimateCount} on this thread. */
  estimateCountSync(
    queries: MatrixInput,
    radius: number | VectorInput,
    options?: Omit<EstimateOptions, keyof CallOptions>,
  ): CountEstimate {
    return this.#open.sendHere(counting(this.#open, queries, radius, options));
  }

  /**
   * Deletes rows, replaces others, then appends more; all of it or, when it rejects, nothing. Resolves with the ids of the
   * appended rows. The neighbour graph is brought up to date, or made anew, when next asked for, the search index is patched.
   * Updates run in the order in which they were called; other calls do not wait: they see the rows before the update or after
   * it. While it runs, memory holds the rows and links twice. No changes are fine.
   *
   * Rejects with `ERR_UNKNOWN_ID` for an id that no row has, `ERR_EMPTY_INDEX` for 0 rows given or left,
   * `ERR_DIMENSION_MISMATCH`, `ERR_INVALID_ARGUMENT`, `ERR_NON_FINITE`, `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`,
   * `ERR_CLOSED`.
   */
  async update(changes?: Changes, options?: CallOptions): Promise<Int32Array> {
    return this.#updates.update(changes, options);
  }

  /** {@link HnswIndex.update} on this thread. */
  updateSync(changes?: Changes): Int32Array {
    return this.#updates.updateSync(changes);
  }

  /**
   * Deletes rows: no call that comes after it returns them, and their ids are not given again. An update without rows, see
   * {@link HnswIndex.update}; an id that comes twice counts once.
   *
   * Rejects with `ERR_UNKNOWN_ID` for an id that no row has, `ERR_EMPTY_INDEX` where no row would be left,
   * `ERR_INVALID_ARGUMENT`, `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`; nothing is deleted then.
   *
   * @example
   * ```ts
   * await index.delete([3, 17]);
   * index.has(17); // false
   * ```
   */
  async delete(ids: IdsInput, options?: CallOptions): Promise<void> {
    await this.update({ removed: ids }, options);
  }

  /** {@link HnswIndex.delete} on this thread. */
  deleteSync(ids: IdsInput): void {
    this.updateSync({ removed: ids });
  }

  /** Puts `rows` (one for each id) in the places of rows, which keep their ids. An update, see {@link HnswIndex.update}. */
  async replace(ids: IdsInput, rows: MatrixInput, options?: CallOptions): Promise<void> {
    await this.update({ updated: rows, updatedIndices: ids }, options);
  }

  /** {@link HnswIndex.replace} on this thread. */
  replaceSync(ids: IdsInput, rows: MatrixInput): void {
    this.updateSync({ updated: rows, updatedIndices: ids });
  }

  /**
   * The id of each row, ascending: of the n rows of the neighbour graph, and of what results name. 0 to n - 1 until rows are
   * deleted. O(n). Throws `ERR_CLOSED`.
   */
  ids(): Int32Array {
    return this.#open.ids();
  }

  /** The id that the next row will get; no row has had it. Throws `ERR_CLOSED`. */
  get nextId(): number {
    return this.#open.nextId;
  }

  /** Whether a row has this id. O(log n). Throws `ERR_CLOSED`. */
  has(id: number): boolean {
    const possible = Number.isInteger(id) && id >= 0 && id < 2 ** 31;
    return this.#open.read((native) => possible && native.has(id));
  }

  /**
   * Builds the search index now instead of at the first query that wants it; with `radius`, also measures what radius
   * searches need for their recall.
   *
   * Rejects with `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   */
  async prepare(options?: PrepareOptions): Promise<void> {
    await this.#open.run(preparing(this.#open, options));
  }

  /** {@link HnswIndex.prepare} on this thread. */
  prepareSync(options?: Omit<PrepareOptions, keyof CallOptions>): void {
    this.#open.runHere(preparing(this.#open, options));
  }

  /**
   * Builds the search index anew, with other links where `m` or `efConstruction` are given: what many updates have worn is as
   * after a first build. Ids, filters and the neighbour graph stay valid. Calls that run meanwhile use the index that was
   * there, calls that come after it the new one; updates wait. When it rejects, nothing has changed. O(n log n).
   *
   * Rejects with `ERR_INVALID_ARGUMENT`, `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   *
   * @example
   * ```ts
   * if (index.stats().rebuildAdvised) await index.rebuild();
   * await index.rebuild({ m: 32 });
   * ```
   */
  async rebuild(options?: RebuildOptions): Promise<void> {
    await this.#open.run(rebuilding(this.#open, options));
  }

  /** {@link HnswIndex.rebuild} on this thread. */
  rebuildSync(options?: Omit<RebuildOptions, keyof CallOptions>): void {
    this.#open.runHere(rebuilding(this.#open, options));
  }

  /**
   * The index as bytes, versioned and with a checksum: the rows and what has been made of them. O(bytes).
   *
   * Rejects with `ERR_INVALID_ARGUMENT`, `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   */
  async dump(options?: DumpOptions): Promise<Uint8Array> {
    return this.#open.run(dumping(this.#open, options));
  }

  /** {@link HnswIndex.dump} on this thread. */
  dumpSync(options?: Omit<DumpOptions, keyof CallOptions>): Uint8Array {
    return this.#open.runHere(dumping(this.#open, options));
  }

  /**
   * Takes what a dump's index had made of the very same rows with the same options, instead of making it anew.
   *
   * Rejects with `ERR_INVALID_ARGUMENT` for a dump of other rows or options, `ERR_CORRUPT_FILE`,
   * `ERR_UNSUPPORTED_VERSION`, `ERR_OUT_OF_MEMORY`, `ERR_CANCELLED`, `ERR_CLOSED`.
   */
  async attach(bytes: Uint8Array, options?: CallOptions): Promise<void> {
    await this.#open.send(attaching(this.#open, bytes, options));
  }

  /** {@link HnswIndex.attach} on this thread. */
  attachSync(bytes: Uint8Array): void {
    this.#open.sendHere(attaching(this.#open, bytes));
  }

  /**
   * Writes the index to a file, rows and what has been made of them. The file is there as a whole or not at all: it is
   * written beside its place, made durable, and put there in one step, over what was there. O(bytes).
   *
   * Rejects with `ERR_FILE` for what the system refuses, `ERR_INVALID_ARGUMENT`, `ERR_CANCELLED`, `ERR_CLOSED`.
   */
  async save(path: FilePath, options?: CallOptions): Promise<void> {
    await this.#open.run(saving(this.#open, path, options));
  }

  /** {@link HnswIndex.save} on this thread. */
  saveSync(path: FilePath): void {
    this.#open.runHere(saving(this.#open, path));
  }

  /**
   * Looks at everything: the file that the index lies in, if it was loaded with `mmap`, its rows, links and neighbours.
   * O(bytes).
   *
   * Rejects with `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`; damage is in the answer.
   */
  async verify(options?: CallOptions): Promise<Verification> {
    return this.#open.run(verifying(this.#open, options));
  }

  /** {@link HnswIndex.verify} on this thread. */
  verifySync(): Verification {
    return this.#open.runHere(verifying(this.#open));
  }

  /**
   * What single queries at this effort find: sampled rows are asked for their nearest others, and the answers compared with
   * exact ones. O(sample * n * dim).
   *
   * Rejects with `ERR_INVALID_ARGUMENT` (also for a `k` of as many rows as there are), `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`,
   * `ERR_CLOSED`.
   *
   * @example
   * ```ts
   * const { recall, low, ms } = await index.recall({ k: 10, ef: 64 });
   * ```
   */
  async recall(options?: RecallOptions): Promise<RecallReport> {
    return this.#open.run(measuring(this.#open, options));
  }

  /** {@link HnswIndex.recall} on this thread. */
  recallSync(options?: Omit<RecallOptions, keyof CallOptions>): RecallReport {
    return this.#open.runHere(measuring(this.#open, options));
  }

  /** Sizes and counters. Never waits: during an update, what was true before it. Throws `ERR_CLOSED`. */
  stats(): Stats {
    return statsOf(this.#open.read((native) => native.stats()));
  }

  /** What the engine picked for the two products, and why. Never waits, as `stats`. Throws `ERR_CLOSED`. */
  get plan(): Plan {
    return planOf(this.#open.read((native) => native.plan()));
  }

  /** What the index was made with; `m` and `efConstruction` are those of its last rebuild. */
  get parameters(): IndexParameters {
    return this.#open.parameters;
  }

  /** Number of rows after all finished updates. */
  get size(): number {
    return this.#open.rows;
  }

  /** Whether {@link HnswIndex.close} has been called. */
  get closed(): boolean {
    return this.#open.closed;
  }

  /** Stops running calls (they reject with `ERR_CLOSED`) and frees the memory. May be called twice. */
  close(): void {
    this.#open.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
