import ndarray, { type NdArray } from "ndarray";
import { type Changes, type CheckedChanges, checkedChanges, nonEmpty } from "./changes.ts";
import type { Direct } from "./copying.ts";
import { type Described, described, type IndexParameters } from "./describe.ts";
import { bytesIn } from "./dumps.ts";
import { type QueryProfile, toldOf } from "./effort.ts";
import { HnswError, wrapped } from "./errors.ts";
import { checkedLoad, type FilePath, type LoadOptions, pathOf, type Verification, verificationOf } from "./files.ts";
import { filterBits } from "./filter.ts";
import { type CallOptions, checkSignal, type Done, runJob } from "./job.ts";
import { type IdsInput, idsOf, knownIds, type VectorInput } from "./lists.ts";
import type { Form, MatrixInput } from "./matrix.ts";
import type { MetricName } from "./metric-names.ts";
import {
  type NativeAnswer,
  type NativeChanges,
  type NativeIndex,
  type NativeJob,
  type NativeListener,
  type NativeNeighbors,
  type NativeOptions,
  type NativeRows,
  type NativeUpdated,
  native,
} from "./native.ts";
import {
  type BuildOptions,
  type CheckedBuild,
  checkedBuild,
  checkedCallOptions,
  checkedDump,
  checkedQuery,
  checkedRebuild,
  checkedRestore,
  type DumpOptions,
  type QueryOptions,
  type RebuildOptions,
  type RestoreOptions,
} from "./options.ts";
import { type Plan, planOf, type Stats, statsOf } from "./plan.ts";
import {
  anyRadii,
  asRow,
  ballsOf,
  type CheckedRadius,
  type CountEstimate,
  checkedEstimate,
  checkedPrepare,
  checkedRadius,
  checkedTarget,
  type EstimateOptions,
  estimateOf,
  type PrepareOptions,
  type QueryInput,
  type RadiusOptions,
  type RadiusResult,
  radiiFor,
  radiusFor,
  type TargetOptions,
  type TargetResult,
  targetOf,
} from "./radius.ts";
import { checkedRecall, type RecallOptions, type RecallReport, recallOf } from "./recall.ts";
import { atOnce, incoming, inSlices } from "./transfer.ts";

/**
 * Neighbours of each row or query, nearest first (under `true_angular`, a similarity, the largest), ties by id.
 * `indices` (int32) and `distances` (float32) have the same shape; where there are fewer rows than columns, the rest
 * of a row is -1 and Infinity. The arrays are the caller's own, row-major and writable.
 */
export interface Neighbors {
  readonly indices: NdArray<Int32Array>;
  readonly distances: NdArray<Float32Array>;
}

/** What queries get. */
export interface Answer extends Neighbors {
  /** The width that was enough for each query, or the last, where `efSteps` were given. */
  readonly efUsed?: Uint32Array;
  /** What was done, where `profile` was asked for. */
  readonly profile?: QueryProfile;
}

/** An index that another engine made, and the label of each of its rows. */
export interface Imported {
  readonly index: HnswIndex;
  readonly labels: BigUint64Array;
}

/** Neighbours in a result that is made in JavaScript. A guess: beyond it the walks take a thousand times what is saved. */
const MOST_ANSWERS = 1 << 12;

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
  #parameters: IndexParameters;
  readonly #native: NativeIndex;
  readonly #running = new Set<NativeJob>();
  #size: number;
  #closed = false;
  /** Where the addon puts small results; those that are handed out are copies, which V8 makes on its own heap. */
  #answers = roomFor(0);
  /** The last update asked for: the next one waits for it. */
  #updates: Promise<unknown> = Promise.resolve();

  private constructor(content: NativeIndex) {
    const { rows, dim, form, metric, nNeighbors, parameters }: Described = described(content);
    this.#native = content;
    this.#size = rows;
    this.dim = dim;
    this.form = form;
    this.metric = metric;
    this.nNeighbors = nNeighbors;
    this.#parameters = parameters;
  }

  /**
   * Stores the rows (n x dim). O(n * dim), for sparse rows O(entries): nothing is searched or built yet.
   *
   * Rejects with `ERR_EMPTY_INDEX` for 0 rows, `ERR_INVALID_ARGUMENT`, `ERR_UNKNOWN_METRIC`,
   * `ERR_DIMENSION_MISMATCH`, `ERR_NON_FINITE`, `ERR_OUT_OF_MEMORY`, `ERR_CANCELLED`.
   */
  static async build(rows: MatrixInput, options?: BuildOptions): Promise<HnswIndex> {
    const checked = checkedBuild(options);
    checkSignal(checked.call.signal);
    const input = nonEmpty(incoming("rows", rows, checked));
    const arguments_ = checked.native(input);
    const content = await inSlices(input.steps(), () => checkSignal(checked.call.signal));
    const start = (listener: NativeListener) => native().NativeIndex.build(content, arguments_, listener);
    const { index } = await runJob(start, checked.call, new Set());
    return new HnswIndex(present(index));
  }

  /** {@link HnswIndex.build} on this thread. */
  static buildSync(rows: MatrixInput, options?: BuildOptions): HnswIndex {
    const checked = checkedBuild(options);
    const input = nonEmpty(incoming("rows", rows, checked));
    const arguments_ = checked.native(input);
    const content = atOnce(input.steps());
    return new HnswIndex(wrapped(() => native().NativeIndex.buildSync(content, arguments_)));
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
    const { call, threads } = checkedRestore(options);
    checkSignal(call.signal);
    const content = await inSlices(bytesIn(bytes), () => checkSignal(call.signal));
    const start = (listener: NativeListener) => native().NativeIndex.restore(content, threads, listener);
    const { index } = await runJob(start, call, new Set());
    return new HnswIndex(present(index));
  }

  /** {@link HnswIndex.restore} on this thread. */
  static restoreSync(bytes: Uint8Array, options?: Omit<RestoreOptions, keyof CallOptions>): HnswIndex {
    const { threads } = checkedRestore(options);
    const content = atOnce(bytesIn(bytes));
    return new HnswIndex(wrapped(() => native().NativeIndex.restoreSync(content, threads)));
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
    const { call, how } = checkedLoad(options);
    const place = pathOf(path);
    const start = (listener: NativeListener) => native().NativeIndex.load(place, how, listener);
    const { index } = await runJob(start, call, new Set());
    return new HnswIndex(present(index));
  }

  /** {@link HnswIndex.load} on this thread. */
  static loadSync(path: FilePath, options?: Omit<LoadOptions, keyof CallOptions>): HnswIndex {
    const { how } = checkedLoad(options);
    const place = pathOf(path);
    return new HnswIndex(wrapped(() => native().NativeIndex.loadSync(place, how)));
  }

  /**
   * What is wrong with a file, section by section, whatever it is. O(bytes).
   *
   * Rejects with `ERR_FILE`, `ERR_INVALID_ARGUMENT`, `ERR_OUT_OF_MEMORY`, `ERR_CANCELLED`; damage is in the answer.
   */
  static async verifyFile(path: FilePath, options?: CallOptions): Promise<Verification> {
    const call = checkedCallOptions(options);
    const place = pathOf(path);
    const start = (listener: NativeListener) => native().NativeIndex.verifyFile(place, listener);
    const { verification } = await runJob(start, call, new Set());
    return verificationOf(present(verification));
  }

  /** {@link HnswIndex.verifyFile} on this thread. */
  static verifyFileSync(path: FilePath): Verification {
    const place = pathOf(path);
    return verificationOf(wrapped(() => native().NativeIndex.verifyFileSync(place)));
  }

  /**
   * The index in a file of hnswlib (`saveIndex`, float32 rows), or in the bytes of one, with its links; `m` and `efConstruction` are the file's. The
   * file does not say by which metric it was made: `l2` is `sqeuclidean`, `ip` `inner_product`, `cosine` `cosine`. Rows marked
   * as deleted are left out, and the others linked anew. O(bytes).
   *
   * Rejects as {@link HnswIndex.build}, and with `ERR_FILE` and `ERR_CORRUPT_FILE`.
   */
  static async importHnswlib(source: FilePath | Uint8Array, options?: BuildOptions): Promise<Imported> {
    const checked = checkedBuild(options);
    const { signal } = checked.call;
    checkSignal(signal);
    const place = source instanceof Uint8Array ? source : pathOf(source);
    const { dim, options: arguments_ } = foreign(place, checked);
    const content = typeof place === "string" ? place : await inSlices(bytesIn(place), () => checkSignal(signal));
    const start = (listener: NativeListener) =>
      typeof content === "string"
        ? native().NativeIndex.importHnswlib(content, dim, arguments_, listener)
        : native().NativeIndex.importHnswlibBytes(content, dim, arguments_, listener);
    const { index, labels } = await runJob(start, checked.call, new Set());
    return { index: new HnswIndex(present(index)), labels: present(labels) };
  }

  /** {@link HnswIndex.importHnswlib} on this thread. */
  static importHnswlibSync(source: FilePath | Uint8Array, options?: BuildOptions): Imported {
    const place = source instanceof Uint8Array ? source : pathOf(source);
    const { dim, options: arguments_ } = foreign(place, checkedBuild(options));
    const content = typeof place === "string" ? place : atOnce(bytesIn(place));
    const { index, labels } = wrapped(() =>
      typeof content === "string"
        ? native().NativeIndex.importHnswlibSync(content, dim, arguments_)
        : native().NativeIndex.importHnswlibBytesSync(content, dim, arguments_),
    );
    return { index: new HnswIndex(index), labels };
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
   * The `k` nearest rows of each query (q x dim): q x k. `k` 0 and 0 queries give empty results. With `filter` they are among
   * the rows that match: by a wider walk where many do, else by comparing all that do. The effort is a width (`epsilon`,
   * `ef`), an outcome (`minRecall`), or one width after another (`efSteps`).
   *
   * Rejects with `ERR_DIMENSION_MISMATCH`, `ERR_INVALID_ARGUMENT`, `ERR_NON_FINITE`, `ERR_CANCELLED`,
   * `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   */
  async query(queries: MatrixInput, options?: QueryOptions): Promise<Answer> {
    const { call, k, ef, filter, asked } = checkedQuery(options, this);
    this.#check(call);
    const bits = filter && filterBits(filter, this);
    const content = await inSlices(incoming("queries", queries, this).steps(), () => this.#check(call));
    if (asked !== undefined) {
      const ask = { ...asked, ...(bits && { filter: bits }) };
      return answered(present((await this.#run((listener) => this.#native.ask(content, ask, listener), call)).answer));
    }
    const { neighbors } = await this.#run((listener) => this.#native.query(content, k, ef, bits, listener), call);
    return shaped(present(neighbors));
  }

  /** {@link HnswIndex.query} on this thread. */
  querySync(queries: MatrixInput, options?: Omit<QueryOptions, keyof CallOptions>): Answer {
    const { k, ef, filter, asked } = checkedQuery(options, this);
    this.#checkOpen();
    const bits = filter && filterBits(filter, this);
    const { rows, steps, direct } = incoming("queries", queries, this);
    const plain = asked === undefined && bits === undefined;
    if (direct !== undefined && plain && rows * k <= MOST_ANSWERS) return this.#answer(direct, rows, k, ef);
    const content = atOnce(steps());
    if (asked === undefined) return shaped(wrapped(() => this.#native.querySync(content, k, ef, bits)));
    const ask = { ...asked, ...(bits && { filter: bits }) };
    return answered(wrapped(() => this.#native.askSync(content, ask)));
  }

  /** Few queries without any object of the addon: its buffers and results cost more than a walk does. */
  #answer(direct: Direct, rows: number, k: number, ef: number): Neighbors {
    if (this.#answers.indices.length !== rows * k) this.#answers = roomFor(rows * k);
    const { indices, distances } = this.#answers;
    direct((values) => this.#native.answer(values, k, ef, indices, distances));
    return shaped({ rows, k, indices: indices.slice(), distances: distances.slice() });
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
    return this.#radius(queries, (count) => radiusFor(radius, count), checkedRadius(options, this));
  }

  /** {@link HnswIndex.radiusSearch} on this thread. */
  radiusSearchSync(
    queries: MatrixInput,
    radius: number,
    options?: Omit<RadiusOptions, keyof CallOptions>,
  ): RadiusResult {
    return this.#radiusSync(queries, (count) => radiusFor(radius, count), checkedRadius(options, this));
  }

  /** {@link HnswIndex.radiusSearch} with a radius for each query. */
  async radiusSearchBatch(queries: MatrixInput, radii: VectorInput, options?: RadiusOptions): Promise<RadiusResult> {
    return this.#radius(queries, (count) => radiiFor(radii, count), checkedRadius(options, this));
  }

  /** {@link HnswIndex.radiusSearchBatch} on this thread. */
  radiusSearchBatchSync(
    queries: MatrixInput,
    radii: VectorInput,
    options?: Omit<RadiusOptions, keyof CallOptions>,
  ): RadiusResult {
    return this.#radiusSync(queries, (count) => radiiFor(radii, count), checkedRadius(options, this));
  }

  async #radius(
    queries: MatrixInput,
    radiiOf: (count: number) => Float32Array,
    { call, within }: CheckedRadius,
  ): Promise<RadiusResult> {
    this.#check(call);
    const input = incoming("queries", queries, this);
    const radii = radiiOf(input.rows);
    const content = await inSlices(input.steps(), () => this.#check(call));
    const start = (listener: NativeListener) => this.#native.radiusSearch(content, radii, within, listener);
    return ballsOf(present((await this.#run(start, call)).balls));
  }

  #radiusSync(queries: MatrixInput, radiiOf: (count: number) => Float32Array, { within }: CheckedRadius): RadiusResult {
    this.#checkOpen();
    const input = incoming("queries", queries, this);
    const radii = radiiOf(input.rows);
    const content = atOnce(input.steps());
    return ballsOf(wrapped(() => this.#native.radiusSearchSync(content, radii, within)));
  }

  /**
   * {@link HnswIndex.radiusSearch} around rows of the index, themselves included; one radius, or one for each id.
   *
   * Rejects with `ERR_UNKNOWN_ID` for an id that no row has, and as `radiusSearch`.
   */
  async radiusSearchById(ids: IdsInput, radius: number | VectorInput, options?: RadiusOptions): Promise<RadiusResult> {
    const { call, within } = checkedRadius(options, this);
    this.#check(call);
    const known = knownIds(idsOf("ids", ids));
    const radii = anyRadii(radius, known.length);
    const start = (listener: NativeListener) => this.#native.radiusSearchById(known, radii, within, listener);
    return ballsOf(present((await this.#run(start, call)).balls));
  }

  /** {@link HnswIndex.radiusSearchById} on this thread. */
  radiusSearchByIdSync(
    ids: IdsInput,
    radius: number | VectorInput,
    options?: Omit<RadiusOptions, keyof CallOptions>,
  ): RadiusResult {
    const { within } = checkedRadius(options, this);
    this.#checkOpen();
    const known = knownIds(idsOf("ids", ids));
    const radii = anyRadii(radius, known.length);
    return ballsOf(wrapped(() => this.#native.radiusSearchByIdSync(known, radii, within)));
  }

  /**
   * The radius within which about `target` rows are of one query, and these rows. Tries `startRadius`, then the distance
   * of the `target`-th nearest row, be it larger or smaller.
   *
   * Rejects with `ERR_INVALID_ARGUMENT` for a target of more rows than there are, and as `radiusSearch`.
   */
  async searchWithTargetCount(query: QueryInput, target: number, options?: TargetOptions): Promise<TargetResult> {
    const { call, within, tolerance, startRadius, ...checked } = checkedTarget(target, options, this);
    this.#check(call);
    const content = await inSlices(incoming("query", asRow(query), this).steps(), () => this.#check(call));
    const start = (listener: NativeListener) =>
      this.#native.searchWithTargetCount(content, checked.target, tolerance, startRadius, within, listener);
    return targetOf(present((await this.#run(start, call)).targeted));
  }

  /** {@link HnswIndex.searchWithTargetCount} on this thread. */
  searchWithTargetCountSync(
    query: QueryInput,
    target: number,
    options?: Omit<TargetOptions, keyof CallOptions>,
  ): TargetResult {
    const { within, tolerance, startRadius, ...checked } = checkedTarget(target, options, this);
    this.#checkOpen();
    const content = atOnce(incoming("query", asRow(query), this).steps());
    const found = wrapped(() =>
      this.#native.searchWithTargetCountSync(content, checked.target, tolerance, startRadius, within),
    );
    return targetOf(found);
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
    const { call, sample, bits } = checkedEstimate(options, this);
    this.#check(call);
    const input = incoming("queries", queries, this);
    const radii = anyRadii(radius, input.rows);
    const content = await inSlices(input.steps(), () => this.#check(call));
    const start = (listener: NativeListener) => this.#native.estimateCount(content, radii, sample, bits, listener);
    return estimateOf(present((await this.#run(start, call)).estimates));
  }

  /** {@link HnswIndex.estimateCount} on this thread. */
  estimateCountSync(
    queries: MatrixInput,
    radius: number | VectorInput,
    options?: Omit<EstimateOptions, keyof CallOptions>,
  ): CountEstimate {
    const { sample, bits } = checkedEstimate(options, this);
    this.#checkOpen();
    const input = incoming("queries", queries, this);
    const radii = anyRadii(radius, input.rows);
    const content = atOnce(input.steps());
    return estimateOf(wrapped(() => this.#native.estimateCountSync(content, radii, sample, bits)));
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
    const call = checkedCallOptions(options);
    this.#check(call);
    const checked = checkedChanges(changes, this);
    const before = this.#updates;
    const own = this.#update(checked, call, before);
    this.#updates = own.catch(() => undefined);
    return own;
  }

  async #update(checked: CheckedChanges, call: CallOptions, before: Promise<unknown>): Promise<Int32Array> {
    const { removed, fresh, replaced } = checked;
    const check = () => this.#check(call);
    const freshRows = fresh && (await inSlices(fresh.steps(), check));
    const newRows = replaced && (await inSlices(replaced.rows.steps(), check));
    await before;
    const changes = nativeChanges(removed, replaced?.ids, newRows, freshRows);
    const { updated } = await this.#run((listener) => this.#native.update(changes, listener), call);
    return this.#updated(present(updated));
  }

  #updated({ first, next, rows }: NativeUpdated): Int32Array {
    this.#size = rows;
    return Int32Array.from({ length: next - first }, (_, i) => first + i);
  }

  /** {@link HnswIndex.update} on this thread. */
  updateSync(changes?: Changes): Int32Array {
    this.#checkOpen();
    const { removed, fresh, replaced } = checkedChanges(changes, this);
    const freshRows = fresh && atOnce(fresh.steps());
    const newRows = replaced && atOnce(replaced.rows.steps());
    const native = nativeChanges(removed, replaced?.ids, newRows, freshRows);
    return this.#updated(wrapped(() => this.#native.updateSync(native)));
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
    this.#checkOpen();
    return wrapped(() => this.#native.ids());
  }

  /** The id that the next row will get; no row has had it. Throws `ERR_CLOSED`. */
  get nextId(): number {
    this.#checkOpen();
    return wrapped(() => this.#native.nextId());
  }

  /** Whether a row has this id. O(log n). Throws `ERR_CLOSED`. */
  has(id: number): boolean {
    this.#checkOpen();
    return Number.isInteger(id) && id >= 0 && id < 2 ** 31 && wrapped(() => this.#native.has(id));
  }

  /**
   * Builds the search index now instead of at the first query that wants it; with `radius`, also measures what radius
   * searches need for their recall.
   *
   * Rejects with `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   */
  async prepare(options?: PrepareOptions): Promise<void> {
    const { call, radius } = checkedPrepare(options);
    const start = (listener: NativeListener) =>
      radius ? this.#native.prepareRadius(listener) : this.#native.prepare(listener);
    await this.#run(start, call);
  }

  /** {@link HnswIndex.prepare} on this thread. */
  prepareSync(options?: Omit<PrepareOptions, keyof CallOptions>): void {
    const { radius } = checkedPrepare(options);
    this.#checkOpen();
    wrapped(() => (radius ? this.#native.prepareRadiusSync() : this.#native.prepareSync()));
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
    const { call, m, efConstruction } = checkedRebuild(options);
    await this.#run((listener) => this.#native.rebuild(m, efConstruction, listener), call);
    this.#parameters = described(this.#native).parameters;
  }

  /** {@link HnswIndex.rebuild} on this thread. */
  rebuildSync(options?: Omit<RebuildOptions, keyof CallOptions>): void {
    const { m, efConstruction } = checkedRebuild(options);
    this.#checkOpen();
    wrapped(() => this.#native.rebuildSync(m, efConstruction));
    this.#parameters = described(this.#native).parameters;
  }

  /**
   * The index as bytes, versioned and with a checksum: the rows and what has been made of them. O(bytes).
   *
   * Rejects with `ERR_INVALID_ARGUMENT`, `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`.
   */
  async dump(options?: DumpOptions): Promise<Uint8Array> {
    const { call, rows, attachment } = checkedDump(options);
    const { bytes } = await this.#run((listener) => this.#native.dump(rows, attachment, listener), call);
    return present(bytes);
  }

  /** {@link HnswIndex.dump} on this thread. */
  dumpSync(options?: Omit<DumpOptions, keyof CallOptions>): Uint8Array {
    const { rows, attachment } = checkedDump(options);
    this.#checkOpen();
    return wrapped(() => this.#native.dumpSync(rows, attachment));
  }

  /**
   * Takes what a dump's index had made of the very same rows with the same options, instead of making it anew.
   *
   * Rejects with `ERR_INVALID_ARGUMENT` for a dump of other rows or options, `ERR_CORRUPT_FILE`,
   * `ERR_UNSUPPORTED_VERSION`, `ERR_OUT_OF_MEMORY`, `ERR_CANCELLED`, `ERR_CLOSED`.
   */
  async attach(bytes: Uint8Array, options?: CallOptions): Promise<void> {
    const call = checkedCallOptions(options);
    this.#check(call);
    const content = await inSlices(bytesIn(bytes), () => this.#check(call));
    await this.#run((listener) => this.#native.attach(content, listener), call);
  }

  /** {@link HnswIndex.attach} on this thread. */
  attachSync(bytes: Uint8Array): void {
    this.#checkOpen();
    const content = atOnce(bytesIn(bytes));
    wrapped(() => this.#native.attachSync(content));
  }

  /**
   * Writes the index to a file, rows and what has been made of them. The file is there as a whole or not at all: it is
   * written beside its place, made durable, and put there in one step, over what was there. O(bytes).
   *
   * Rejects with `ERR_FILE` for what the system refuses, `ERR_INVALID_ARGUMENT`, `ERR_CANCELLED`, `ERR_CLOSED`.
   */
  async save(path: FilePath, options?: CallOptions): Promise<void> {
    const call = checkedCallOptions(options);
    const place = pathOf(path);
    await this.#run((listener) => this.#native.save(place, listener), call);
  }

  /** {@link HnswIndex.save} on this thread. */
  saveSync(path: FilePath): void {
    const place = pathOf(path);
    this.#checkOpen();
    wrapped(() => this.#native.saveSync(place));
  }

  /**
   * Looks at everything: the file that the index lies in, if it was loaded with `mmap`, its rows, links and neighbours.
   * O(bytes).
   *
   * Rejects with `ERR_CANCELLED`, `ERR_OUT_OF_MEMORY`, `ERR_CLOSED`; damage is in the answer.
   */
  async verify(options?: CallOptions): Promise<Verification> {
    const call = checkedCallOptions(options);
    const { verification } = await this.#run((listener) => this.#native.verify(listener), call);
    return verificationOf(present(verification));
  }

  /** {@link HnswIndex.verify} on this thread. */
  verifySync(): Verification {
    this.#checkOpen();
    return verificationOf(wrapped(() => this.#native.verifySync()));
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
    const { call, sample, k, ef } = checkedRecall(options, this);
    const { recall } = await this.#run((listener) => this.#native.recall(sample, k, ef, listener), call);
    return recallOf(present(recall));
  }

  /** {@link HnswIndex.recall} on this thread. */
  recallSync(options?: Omit<RecallOptions, keyof CallOptions>): RecallReport {
    const { sample, k, ef } = checkedRecall(options, this);
    this.#checkOpen();
    return recallOf(wrapped(() => this.#native.recallSync(sample, k, ef)));
  }

  /** Sizes and counters. Never waits: during an update, what was true before it. Throws `ERR_CLOSED`. */
  stats(): Stats {
    this.#checkOpen();
    return statsOf(wrapped(() => this.#native.stats()));
  }

  /** What the engine picked for the two products, and why. Never waits, as `stats`. Throws `ERR_CLOSED`. */
  get plan(): Plan {
    this.#checkOpen();
    return planOf(wrapped(() => this.#native.plan()));
  }

  /** What the index was made with; `m` and `efConstruction` are those of its last rebuild. */
  get parameters(): IndexParameters {
    return this.#parameters;
  }

  /** Number of rows after all finished updates. */
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

/** What the addon takes for the rows that a file of hnswlib says it has. */
function foreign(place: string | Uint8Array, checked: CheckedBuild): { dim: number; options: NativeOptions } {
  const { rows, dim } = wrapped(() =>
    typeof place === "string" ? native().NativeIndex.hnswlibHeader(place) : native().NativeIndex.hnswlibHeaderOf(place),
  );
  return { dim, options: checked.native({ rows, dim, form: "dense" }) };
}

function nativeChanges(
  removed: Uint32Array,
  ids: Uint32Array | undefined,
  replaced: NativeRows | undefined,
  fresh: NativeRows | undefined,
): NativeChanges {
  return { removed, ids: ids ?? new Uint32Array(0), ...(replaced && { replaced }), ...(fresh && { fresh }) };
}

function roomFor(neighbors: number) {
  return { indices: new Int32Array(neighbors), distances: new Float32Array(neighbors) };
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new HnswError("ERR_INTERNAL", "the addon answered without a result");
  return value;
}

function answered(answer: NativeAnswer): Answer {
  return { ...shaped(answer.neighbors), ...toldOf(answer) };
}

function shaped({ rows, k, indices, distances }: NativeNeighbors): Neighbors {
  return { indices: ndarray(indices, [rows, k]), distances: ndarray(distances, [rows, k]) };
}
