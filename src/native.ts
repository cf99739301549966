/**
 * The addon's shapes (see crates/node). Internal: nothing of this leaves the package.
 */
import { loadAddon } from "./addon.ts";

/**
 * Rows of one of three forms, filled from the front. An index, a query or an update takes its content. Dense rows
 * are written as values or bytes, packed ones as bytes, sparse ones are pushed.
 */
export interface NativeRows {
  readonly rowsWritten: number;
  writeBytes(start: number, bytes: Uint8Array): void;
  writeValues(start: number, values: Float32Array): void;
  push(counts: Uint32Array, indices: Uint32Array, values: Float32Array): void;
  pushBytes(counts: Uint32Array, indices: Uint8Array, values: Uint8Array): void;
  dispose(): void;
}

/** Row-major `rows` x `k`. */
export interface NativeNeighbors {
  rows: number;
  k: number;
  indices: Int32Array;
  distances: Float32Array;
}

/** What a radius search is asked for. */
export interface NativeWithin {
  maxResults: number;
  minRecall: number;
  sort: boolean;
  expansionFactor: number;
  /** 0 where the index decides. */
  ef: number;
  exact: boolean;
  /** A bit for each id that may be returned. */
  filter?: Uint8Array;
}

/** What queries ask for: one of `ef`, `minRecall`, and `efSteps` with `until`. */
export interface NativeAsk {
  k: number;
  ef?: number;
  minRecall?: number;
  efSteps?: Uint32Array;
  until?: number;
  filter?: Uint8Array;
  profile: boolean;
}

/** The work of a call; the arrays have a value for each query. */
export interface NativeProfile {
  way: string;
  codes: string;
  levels: number;
  visited: Uint32Array;
  distances: Uint32Array;
  hops: Uint32Array;
  readyMs: number;
  transformMs: number;
  searchMs: number;
}

export interface NativeAnswer {
  neighbors: NativeNeighbors;
  /** Empty unless widths were tried. */
  widths: Uint32Array;
  profile?: NativeProfile;
}

/** Rows of varying length, one after another; all but the first three have a value for each query. */
export interface NativeBalls {
  offsets: Int32Array;
  indices: Int32Array;
  distances: Float32Array;
  visited: Int32Array;
  candidates: Int32Array;
  largest: Float32Array;
  truncated: Uint8Array;
  exact: Uint8Array;
  ms: Float32Array;
}

export interface NativeTargeted {
  radius: number;
  reached: boolean;
  searches: number;
  balls: NativeBalls;
}

/** A value for each query. */
export interface NativeEstimates {
  counts: Float64Array;
  low: Float64Array;
  high: Float64Array;
}

/** What an update does: rows go, others take the place of those of `ids`, more come. */
export interface NativeChanges {
  removed: Uint32Array;
  ids: Uint32Array;
  replaced?: NativeRows;
  fresh?: NativeRows;
}

/** What an update has come to: appended rows have the ids from `first` on, below `next`. */
export interface NativeUpdated {
  first: number;
  next: number;
  rows: number;
}

/** What queries find, measured on sampled rows. */
export interface NativeRecall {
  sample: number;
  k: number;
  ef: number;
  exact: boolean;
  recall: number;
  low: number;
  high: number;
  distanceError?: number;
  ms: number;
}

/** What a finished call hands over. */
interface NativeOutcome {
  neighbors?: NativeNeighbors;
  answer?: NativeAnswer;
  balls?: NativeBalls;
  targeted?: NativeTargeted;
  estimates?: NativeEstimates;
  index?: NativeIndex;
  bytes?: Uint8Array;
  updated?: NativeUpdated;
  recall?: NativeRecall;
  verification?: NativeVerification;
  labels?: BigUint64Array;
}

/** What a listener of a running call hears: progress zero or more times, then one end. */
export type NativeEvent =
  | { kind: "progress"; phase: string; done: number; total: number }
  | { kind: "failed"; code: string; message: string }
  | ({ kind: "done" } & NativeOutcome);

export type NativeListener = (event: NativeEvent) => void;

export interface NativeJob {
  cancel(): void;
}

/** Lists as long as there are columns; `vinv` and `cost` are row-major squares. */
export interface NativeMetricOptions {
  metric: string;
  p?: number;
  w?: Float32Array;
  sigma?: Float32Array;
  vinv?: Float32Array;
  cost?: Float32Array;
}

/** What an index is made with, besides its metric. */
interface NativeSettings {
  quantization?: string;
  nNeighbors: number;
  algorithm: string;
  m: number;
  efConstruction: number;
  maxCandidates: number;
  nIters: number;
  graphRecall: number;
  seed: bigint;
  threads: number;
  /** Kept with the index and its dump, never looked at. */
  carried: string;
  ids?: Uint32Array;
  nextId?: number;
}

export interface NativeOptions extends NativeMetricOptions, NativeSettings {}

/** What an index is. */
export interface NativeDescription extends NativeSettings {
  rows: number;
  dim: number;
  form: string;
  metric: string;
}

/** How a file is loaded. */
export interface NativeLoad {
  mmap: boolean;
  /** `used`, `sections` or `full`. */
  verify: string;
  threads: number;
}

/** What a look at everything found; fields that are not known are left out. */
export interface NativeVerification {
  problems: string[];
  rows?: number;
  version?: number;
  digest?: boolean;
  sections: { name: string; offset: number; bytes: number; sound: boolean }[];
  links?: { degrees: number[]; levels: number; asymmetric: number; outOfRange: number; unreachable: number };
}

/** An index of another engine, and the labels of its rows. */
/** What a file of hnswlib says of itself. */
export interface NativeHnswlibHeader {
  rows: number;
  dim: number;
  m: number;
  efConstruction: number;
}

export interface NativeImported {
  index: NativeIndex;
  labels: BigUint64Array;
}

/** Bytes on their way into the core, filled from the front. */
export interface NativeBytes {
  push(bytes: Uint8Array): void;
}

export interface NativeChoice {
  algorithm: string;
  codes: string;
  reason: string;
  exactSeconds: number;
  approximateSeconds: number;
  seconds?: number;
  recall?: number;
}

export interface NativePlan {
  neighborGraph: NativeChoice;
  query: NativeChoice;
  kernels: string;
}

export interface NativeStats {
  rows: number;
  /** Rows that there have been and are not any more. */
  deleted: number;
  dim: number;
  rowsBytes: number;
  codesBytes: number;
  /** Links of all levels. */
  linksBytes: number;
  /** Of these, links of upper levels, and which levels rows are on. */
  upperBytes: number;
  /**
   * What rows and links take by the formula n (4 d + 8 m L), L being the levels that a row is on, in the mean; 0 while there
   * is no search index, and for rows that are not dense.
   */
  formulaBytes: number;
  graphBytes: number;
  graphReady: boolean;
  searchReady: boolean;
  levels: number;
  /** Rows on each level, from 0. */
  levelRows: number[];
  /** Links per row and upper level of the search index, or of the one that will be built. */
  m: number;
  efConstruction: number;
  meanDegree: number;
  /** Rows by their number of links on level 0, from none to 2 m. */
  degrees: number[];
  unreachable: number;
  repaired: number;
  insertsSinceBuild: number;
  searches: number;
  distances: number;
  hops: number;
  graphBuilds: number;
  searchBuilds: number;
}

/** Each operation has a door that runs it here and one that starts it as a job. */
export interface NativeIndex {
  neighborGraph(listener: NativeListener): NativeJob;
  neighborGraphSync(): NativeNeighbors;
  /** `filter`: a bit for each id that may be returned. */
  query(
    queries: NativeRows,
    k: number,
    ef: number,
    filter: Uint8Array | undefined,
    listener: NativeListener,
  ): NativeJob;
  querySync(queries: NativeRows, k: number, ef: number, filter: Uint8Array | undefined): NativeNeighbors;
  ask(queries: NativeRows, ask: NativeAsk, listener: NativeListener): NativeJob;
  askSync(queries: NativeRows, ask: NativeAsk): NativeAnswer;
  rebuild(m: number | undefined, efConstruction: number | undefined, listener: NativeListener): NativeJob;
  rebuildSync(m: number | undefined, efConstruction: number | undefined): void;
  /** Answers a few dense queries into arrays that have `k` places for each. */
  answer(queries: Float32Array, k: number, ef: number, indices: Int32Array, distances: Float32Array): void;
  /** `radii` are one for each query. */
  radiusSearch(queries: NativeRows, radii: Float32Array, within: NativeWithin, listener: NativeListener): NativeJob;
  radiusSearchSync(queries: NativeRows, radii: Float32Array, within: NativeWithin): NativeBalls;
  radiusSearchById(ids: Uint32Array, radii: Float32Array, within: NativeWithin, listener: NativeListener): NativeJob;
  radiusSearchByIdSync(ids: Uint32Array, radii: Float32Array, within: NativeWithin): NativeBalls;
  searchWithTargetCount(
    query: NativeRows,
    target: number,
    tolerance: number,
    first: number | undefined,
    within: NativeWithin,
    listener: NativeListener,
  ): NativeJob;
  searchWithTargetCountSync(
    query: NativeRows,
    target: number,
    tolerance: number,
    first: number | undefined,
    within: NativeWithin,
  ): NativeTargeted;
  estimateCount(
    queries: NativeRows,
    radii: Float32Array,
    sample: number,
    filter: Uint8Array | undefined,
    listener: NativeListener,
  ): NativeJob;
  estimateCountSync(
    queries: NativeRows,
    radii: Float32Array,
    sample: number,
    filter: Uint8Array | undefined,
  ): NativeEstimates;
  recall(sample: number, k: number, ef: number, listener: NativeListener): NativeJob;
  recallSync(sample: number, k: number, ef: number): NativeRecall;
  prepareRadius(listener: NativeListener): NativeJob;
  prepareRadiusSync(): void;
  /** `ids` are those of the rows of `replaced`. */
  update(changes: NativeChanges, listener: NativeListener): NativeJob;
  updateSync(changes: NativeChanges): NativeUpdated;
  /** Ascending. */
  ids(): Int32Array;
  nextId(): number;
  has(id: number): boolean;
  dump(rows: boolean, attachment: Uint8Array, listener: NativeListener): NativeJob;
  dumpSync(rows: boolean, attachment: Uint8Array): Uint8Array;
  attach(bytes: NativeBytes, listener: NativeListener): NativeJob;
  attachSync(bytes: NativeBytes): void;
  save(path: string, listener: NativeListener): NativeJob;
  saveSync(path: string): void;
  verify(listener: NativeListener): NativeJob;
  verifySync(): NativeVerification;
  prepare(listener: NativeListener): NativeJob;
  prepareSync(): void;
  describe(): NativeDescription;
  plan(): NativePlan;
  stats(): NativeStats;
  close(): void;
}

export interface NativeMetric {
  name: string;
  aliases: string[];
  params: string[];
  angular: boolean;
  kind: string;
  forms: string[];
  quantizations: string[];
  note: string;
}

export interface Native {
  version(): string;
  metrics(): NativeMetric[];
  /** Detaches a buffer, which frees what it holds. */
  release(buffer: ArrayBuffer): void;
  NativeRows: {
    allocate(rows: number, dim: number): NativeRows;
    allocateBits(rows: number, dim: number): NativeRows;
    allocateSparse(rows: number, dim: number, nnz: number): NativeRows;
  };
  NativeBytes: { allocate(length: number): NativeBytes };
  NativeIndex: {
    build(rows: NativeRows, options: NativeOptions, listener: NativeListener): NativeJob;
    buildSync(rows: NativeRows, options: NativeOptions): NativeIndex;
    restore(bytes: NativeBytes, threads: number, listener: NativeListener): NativeJob;
    restoreSync(bytes: NativeBytes, threads: number): NativeIndex;
    load(path: string, how: NativeLoad, listener: NativeListener): NativeJob;
    loadSync(path: string, how: NativeLoad): NativeIndex;
    verifyFile(path: string, listener: NativeListener): NativeJob;
    verifyFileSync(path: string): NativeVerification;
    hnswlibHeader(path: string): NativeHnswlibHeader;
    hnswlibHeaderOf(bytes: Uint8Array): NativeHnswlibHeader;
    /** `dim` is what the header says; `m` and `efConstruction` are the file's. */
    importHnswlib(path: string, dim: number, options: NativeOptions, listener: NativeListener): NativeJob;
    importHnswlibSync(path: string, dim: number, options: NativeOptions): NativeImported;
    importHnswlibBytes(bytes: NativeBytes, dim: number, options: NativeOptions, listener: NativeListener): NativeJob;
    importHnswlibBytesSync(bytes: NativeBytes, dim: number, options: NativeOptions): NativeImported;
  };
}

let loaded: Native | undefined;

/** The addon, loaded when first needed. */
export function native(): Native {
  loaded ??= loadAddon(import.meta.url) as Native;
  return loaded;
}
