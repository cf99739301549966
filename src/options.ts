/**
 * Options of an index and of a query: their meaning, their checks, their defaults.
 */
import { availableParallelism } from "node:os";
import type { CallOptions } from "./job.ts";
import { canonicalMetric } from "./metrics.ts";
import type { NativeOptions } from "./native.ts";
import { MIN_SEARCH_WIDTH, type Parameters, parametersFor, searchWidth } from "./parameters.ts";
import { checkedCall, checkedKeys, integerOr, invalid, oneOf } from "./validate.ts";

/** Which side makes the products of an index. */
export type Algorithm = "auto" | "exact" | "hnsw";

/** How an index is made. Every field is optional. */
export interface BuildOptions extends CallOptions {
  /** A name or alias from `metrics()`. @default "euclidean" */
  readonly metric?: string | undefined;
  /** Order of `minkowski`, above 0. @default 2 */
  readonly p?: number | undefined;
  /** Columns of the neighbour graph, the row itself included; 1 to 2^24. @default 30 */
  readonly nNeighbors?: number | undefined;
  /** `auto` lets the cost model pick per product. @default "auto" */
  readonly algorithm?: Algorithm | undefined;
  /** Links per row on the upper levels, 2 to 512. @default from the number of rows */
  readonly m?: number | undefined;
  /** Candidates looked at before links are chosen, 1 to 2^24. @default from the number of rows */
  readonly efConstruction?: number | undefined;
  /** Width of the search pool of queries that do not set their own, 1 to 2^24. @default from `k` and `epsilon` */
  readonly ef?: number | undefined;
  /** PyNNDescent's `max_candidates`, 1 to 4096. @default 60 */
  readonly maxCandidates?: number | undefined;
  /** PyNNDescent's `n_iters`, 0 to 10000. @default from the number of rows */
  readonly nIters?: number | undefined;
  /** PyNNDescent's `n_trees`, from which `m` follows; 1 to 2^20. @default from the number of rows */
  readonly nTrees?: number | undefined;
  /** An integer from 0 to 2^64 - 1; the same seed gives the same bytes on any number of threads. @default 42 */
  readonly seed?: number | bigint | undefined;
  /** Threads of each call, 1 to 4096. @default all cores */
  readonly threads?: number | undefined;
}

/** How a query is answered. Every field is optional. */
export interface QueryOptions extends CallOptions {
  /** Neighbours per query, 0 to 2^24. @default 10 */
  readonly k?: number | undefined;
  /** PyNNDescent's effort knob: more finds more. Values below 0 count as 0. @default 0.1 */
  readonly epsilon?: number | undefined;
  /** Width of the search pool, 1 to 2^24; overrules `epsilon`. At least `k` is used. */
  readonly ef?: number | undefined;
}

const BUILD_KEYS = [
  ...["metric", "p", "nNeighbors", "algorithm", "m", "efConstruction", "ef", "maxCandidates", "nIters", "nTrees"],
  ...["seed", "threads", "signal", "onProgress"],
];
const QUERY_KEYS = ["k", "epsilon", "ef", "signal", "onProgress"];
const CALL_KEYS = ["signal", "onProgress"];
const ALGORITHMS: readonly Algorithm[] = ["auto", "exact", "hnsw"];

const MAX_K = 2 ** 24;
const MAX_SEED = 2n ** 64n - 1n;

/** Build options with everything filled in that does not depend on the rows. */
export interface CheckedBuild {
  readonly call: CallOptions;
  readonly metric: string;
  readonly algorithm: Algorithm;
  readonly nNeighbors: number;
  readonly ef: number | undefined;
  readonly seed: bigint;
  readonly threads: number;
  /** The effort parameters for that many rows. */
  readonly parametersFor: (rows: number) => Parameters;
  /** What the addon takes. */
  readonly native: (parameters: Parameters) => NativeOptions;
}

/** Checks build options. Throws `ERR_INVALID_ARGUMENT`; metric names are checked by the core. */
export function checkedBuild(input: BuildOptions | undefined): CheckedBuild {
  const given = checkedCall(checkedKeys("options", input, BUILD_KEYS));
  const metric = metricName(given.metric);
  const p = realNumber("p", given.p);
  const common = {
    algorithm: oneOf("algorithm", given.algorithm, ALGORITHMS, "auto"),
    nNeighbors: integerOr("nNeighbors", given.nNeighbors, 1, MAX_K, 30),
    seed: seedOf(given.seed),
    threads: integerOr("threads", given.threads, 1, 4096, availableParallelism()),
  };
  const effort = effortOf(given);
  return {
    ...common,
    call: given,
    metric: canonicalMetric(metric),
    ef: integerOr("ef", given.ef, 1, MAX_K, undefined),
    parametersFor: (rows) => parametersFor(rows, effort),
    native: ({ m, efConstruction, maxCandidates, nIters }) => {
      return { ...common, metric, ...(p === undefined ? {} : { p }), m, efConstruction, maxCandidates, nIters };
    },
  };
}

function effortOf(given: BuildOptions) {
  return {
    m: integerOr("m", given.m, 2, 512, undefined),
    efConstruction: integerOr("efConstruction", given.efConstruction, 1, MAX_K, undefined),
    maxCandidates: integerOr("maxCandidates", given.maxCandidates, 1, 4096, undefined),
    nIters: integerOr("nIters", given.nIters, 0, 10_000, undefined),
    nTrees: integerOr("nTrees", given.nTrees, 1, 2 ** 20, undefined),
  };
}

/** A query with its pool width decided. */
export interface CheckedQuery {
  readonly call: CallOptions;
  readonly k: number;
  readonly ef: number;
}

/** Checks query options; `indexEf` is the index's own pool width, if it has one. */
export function checkedQuery(input: QueryOptions | undefined, indexEf: number | undefined): CheckedQuery {
  const given = checkedCall(checkedKeys("options", input, QUERY_KEYS));
  const k = integerOr("k", given.k, 0, MAX_K, 10);
  const epsilon = realNumber("epsilon", given.epsilon) ?? 0.1;
  const ef = integerOr("ef", given.ef, 1, MAX_K, indexEf);
  return { call: given, k, ef: ef ?? Math.max(MIN_SEARCH_WIDTH, searchWidth(k, epsilon)) };
}

/** Checks `signal` and `onProgress` where a call takes nothing else. */
export function checkedCallOptions(input: CallOptions | undefined): CallOptions {
  return checkedCall(checkedKeys("options", input, CALL_KEYS));
}

function metricName(metric: string | undefined): string {
  if (metric === undefined) return "euclidean";
  if (typeof metric !== "string") throw invalid("metric", metric, "a name from metrics()");
  return metric;
}

function realNumber(name: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number" || Number.isNaN(value)) throw invalid(name, value, "a number");
  return value;
}

function seedOf(seed: number | bigint | undefined): bigint {
  if (seed === undefined) return 42n;
  const whole = typeof seed === "bigint" || Number.isSafeInteger(seed);
  if (!whole || seed < 0 || seed > MAX_SEED) {
    throw invalid("seed", seed, "an integer from 0 to 2^64 - 1 (beyond 2^53 as a bigint)");
  }
  return BigInt(seed);
}
