/**
 * Options of an index and of a query: their meaning, their checks, their defaults.
 */
import { availableParallelism } from "node:os";
import { checkedEffort, EFFORT_KEYS, type EffortOptions } from "./effort.ts";
import type { Filter } from "./filter.ts";
import type { CallOptions } from "./job.ts";
import { type IdsInput, idsOf, knownIds } from "./lists.ts";
import type { Form } from "./matrix.ts";
import type { MetricName } from "./metric-names.ts";
import { checkedMetric, type MetricOptions } from "./metric-options.ts";
import type { NativeAsk, NativeOptions } from "./native.ts";
import { MIN_SEARCH_WIDTH, parametersFor, searchWidth } from "./parameters.ts";
import { PRESET_NAMES, PRESETS, type Preset, type PresetParameters } from "./presets.ts";
import { booleanOr, checkedCall, checkedKeys, integerOr, invalid, oneOf, realBetween, realNumber } from "./validate.ts";

/** Which side makes the products of an index. */
export type Algorithm = "auto" | "exact" | "hnsw";

/** Smaller forms of the rows to search with; distances handed out are those of the rows themselves. */
export type Quantization = "binary" | "uint8" | "uint4" | "int8";

/** How an index is made. Every field is optional. */
export interface BuildOptions extends CallOptions, MetricOptions {
  /**
   * Searches with a smaller form of the rows, then ranks what it found by the rows themselves. Which ones a metric
   * takes: `metrics()`. @default none
   */
  readonly quantization?: Quantization | undefined;
  /** Columns of the neighbour graph, the row itself included; 1 to 2^24. @default 30 */
  readonly nNeighbors?: number | undefined;
  /** `auto` lets the cost model pick per product. @default "auto" */
  readonly algorithm?: Algorithm | undefined;
  /**
   * `m`, `efConstruction` and `ef` for an aim: `latency`, `balanced`, `throughput` or `recall`; what is given besides counts. See
   * docs/tuning.md. @default none: from the number of rows
   */
  readonly preset?: Preset | undefined;
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
  /**
   * Least recall of an approximate neighbour graph, 0.5 to 1, as measured on a sample of its rows; where nothing less
   * reaches it, all pairs are compared. `plan` tells the recall that was reached. Exact graphs have 1. @default 0.99
   */
  readonly graphRecall?: number | undefined;
  /** An integer from 0 to 2^64 - 1; the same seed gives the same bytes on any number of threads. @default 42 */
  readonly seed?: number | bigint | undefined;
  /** Threads of each call, 1 to 4096. @default all cores */
  readonly threads?: number | undefined;
  /**
   * Ids of rows that outlived another index: one for each row, ascending, of which results speak. @default 0 to n - 1
   */
  readonly ids?: IdsInput | undefined;
  /** The id that the next row gets; larger than all `ids`. @default the largest of `ids` and 1 more */
  readonly nextId?: number | undefined;
}

/** How an index is made of another engine's file, whose rows have labels in the place of `ids`. Every field is optional. */
export type ImportOptions = Omit<BuildOptions, "ids" | "nextId">;

/** How a query is answered. Every field is optional. */
export interface QueryOptions extends CallOptions, EffortOptions {
  /** Neighbours per query, 0 to 2^24. @default 10 */
  readonly k?: number | undefined;
  /** PyNNDescent's effort knob: more finds more. Values below 0 count as 0. @default 0.1 */
  readonly epsilon?: number | undefined;
  /** Width of the search pool, 1 to 2^24; overrules `epsilon`. At least `k` is used. */
  readonly ef?: number | undefined;
  /** Rows that may be returned: always `min(k, matches)` of them. @default all */
  readonly filter?: Filter | undefined;
  /** Whether the result has a `profile`. Lists of near rows, which large batches may use, are left out then. @default false */
  readonly profile?: boolean | undefined;
}

/** How the search index is built anew. Every field is optional; what is left out stays as it is. */
export interface RebuildOptions extends CallOptions {
  /** Links per row and upper level, 2 to 512; level 0 has twice as many. */
  readonly m?: number | undefined;
  /** Candidates looked at before links are chosen, 1 to 2^24. */
  readonly efConstruction?: number | undefined;
}

/** How an index is written down. Every field is optional. */
export interface DumpOptions extends CallOptions {
  /**
   * With the rows, the dump can be restored anywhere. Without them it holds only what was made of them, and can be
   * attached to an index of the same rows and options. @default true
   */
  readonly rows?: boolean | undefined;
  /**
   * Bytes of your own that travel with the dump: its section 14, see docs/file-format.md. They are not kept with the index.
   * @default none
   */
  readonly attachment?: Uint8Array | undefined;
}

/** How a dump becomes an index again. Every field is optional. */
export interface RestoreOptions extends CallOptions {
  /** Threads of each call, 1 to 4096. @default all cores */
  readonly threads?: number | undefined;
}

const CALL_KEYS = ["signal", "onProgress"];
const BUILD_KEYS = [
  ...[
    "metric",
    "p",
    "w",
    "sigma",
    "vinv",
    "cost",
    "quantization",
    "nNeighbors",
    "algorithm",
    "preset",
    "m",
    "efConstruction",
  ],
  ...["ef", "maxCandidates", "nIters", "nTrees", "graphRecall", "seed", "threads", "ids", "nextId", ...CALL_KEYS],
];
const QUERY_KEYS = ["k", "epsilon", "ef", "filter", "profile", ...EFFORT_KEYS, ...CALL_KEYS];
const ALGORITHMS: readonly Algorithm[] = ["auto", "exact", "hnsw"];
const QUANTIZATIONS: readonly Quantization[] = ["binary", "uint8", "uint4", "int8"];

const MAX_K = 2 ** 24;
const MAX_SEED = 2n ** 64n - 1n;

/** Build options with everything filled in that does not depend on the rows. */
export interface CheckedBuild {
  readonly call: CallOptions;
  /** The form that the rows must take; as they come where the metric leaves it open. */
  readonly form: Form | undefined;
  /** What the addon takes for `rows` rows of `dim` columns that come in `form`. */
  readonly native: (size: { rows: number; dim: number; form: Form }) => NativeOptions;
}

/** What of an index the core only carries: it belongs to this API. */
export interface Carried {
  readonly nTrees: number;
  readonly ef?: number;
}

/** Checks build options. Throws `ERR_INVALID_ARGUMENT`; metric names are checked by the core. */
export function checkedBuild(input: BuildOptions | undefined): CheckedBuild {
  const given = checkedCall(checkedKeys("options", input, BUILD_KEYS));
  const metric = checkedMetric(given);
  const quantization = oneOf("quantization", given.quantization, QUANTIZATIONS, undefined);
  const common = {
    algorithm: oneOf("algorithm", given.algorithm, ALGORITHMS, "auto"),
    nNeighbors: integerOr("nNeighbors", given.nNeighbors, 1, MAX_K, 30),
    graphRecall: realBetween("graphRecall", given.graphRecall, 0.5, 1) ?? 0.99,
    seed: seedOf(given.seed),
    threads: threadsOf(given.threads),
    ...(quantization === undefined ? {} : { quantization }),
  };
  const preset =
    given.preset === undefined ? undefined : PRESETS[oneOf("preset", given.preset, PRESET_NAMES, "balanced")];
  const effort = effortOf(given, preset);
  const ef = integerOr("ef", given.ef, 1, MAX_K, preset?.ef);
  const names = namesOf(given);
  return {
    call: given,
    form: metric.form,
    native: ({ rows, dim, form }) => {
      metric.checkForm(form);
      const { nTrees, ...parameters } = parametersFor(rows, effort);
      const carried: Carried = ef === undefined ? { nTrees } : { nTrees, ef };
      return { ...metric.native(dim), ...common, ...parameters, ...names, carried: JSON.stringify(carried) };
    },
  };
}

/** Checks the options of an import. Ids without effect would make results that name other rows than the caller thinks. */
export function checkedImport(input: ImportOptions | undefined): CheckedBuild {
  const { ids, nextId } = checkedKeys<BuildOptions>("options", input, BUILD_KEYS);
  for (const [name, value] of Object.entries({ ids, nextId }))
    if (value !== undefined) throw invalid(name, value, "none: rows get the ids 0 to n - 1, and their labels are told");
  return checkedBuild(input);
}

function namesOf({ ids, nextId }: BuildOptions): { ids?: Uint32Array; nextId?: number } {
  if (ids === undefined) {
    if (nextId !== undefined) throw invalid("nextId", nextId, "given with ids only");
    return {};
  }
  const known = knownIds(idsOf("ids", ids));
  return { ids: known, nextId: integerOr("nextId", nextId, 1, 2 ** 31 - 1, (known.at(-1) ?? 0) + 1) };
}

function effortOf(given: BuildOptions, preset: PresetParameters | undefined) {
  return {
    m: integerOr("m", given.m, 2, 512, preset?.m),
    efConstruction: integerOr("efConstruction", given.efConstruction, 1, MAX_K, preset?.efConstruction),
    maxCandidates: integerOr("maxCandidates", given.maxCandidates, 1, 4096, undefined),
    nIters: integerOr("nIters", given.nIters, 0, 10_000, undefined),
    nTrees: integerOr("nTrees", given.nTrees, 1, 2 ** 20, undefined),
  };
}

/** What queries are asked of. */
export interface Asked {
  readonly parameters: { readonly ef: number | undefined };
  readonly metric: MetricName;
}

/** A query with its pool width decided. */
export interface CheckedQuery {
  readonly call: CallOptions;
  readonly k: number;
  readonly ef: number;
  readonly filter: Filter | undefined;
  /** What is asked for beyond a width, if anything. */
  readonly asked: NativeAsk | undefined;
}

/** Checks query options. */
export function checkedQuery(input: QueryOptions | undefined, { parameters, metric }: Asked): CheckedQuery {
  const given = checkedCall(checkedKeys("options", input, QUERY_KEYS));
  const k = integerOr("k", given.k, 0, MAX_K, 10);
  const epsilon = realNumber("epsilon", given.epsilon) ?? 0.1;
  const ef = integerOr("ef", given.ef, 1, MAX_K, parameters.ef) ?? Math.max(MIN_SEARCH_WIDTH, searchWidth(k, epsilon));
  const effort = checkedEffort(given, metric);
  const profile = booleanOr("profile", given.profile, false);
  const asked = profile || effort !== undefined ? { k, profile, ...(effort ?? { ef }) } : undefined;
  return { call: given, k, ef, filter: given.filter, asked };
}

/** Checks how the search index is to be built anew. */
export function checkedRebuild(input: RebuildOptions | undefined) {
  const given = checkedCall(checkedKeys("options", input, ["m", "efConstruction", ...CALL_KEYS]));
  const m = integerOr("m", given.m, 2, 512, undefined);
  return {
    call: given as CallOptions,
    m,
    efConstruction: integerOr("efConstruction", given.efConstruction, 1, MAX_K, undefined),
  };
}

/** How an index is to be written down. */
export interface CheckedDump {
  readonly call: CallOptions;
  readonly rows: boolean;
  readonly attachment: Uint8Array;
}

/** Checks how an index is to be written down. */
export function checkedDump(input: DumpOptions | undefined): CheckedDump {
  const given = checkedCall(checkedKeys("options", input, ["rows", "attachment", ...CALL_KEYS]));
  const { attachment = new Uint8Array(0) } = given;
  if (!(attachment instanceof Uint8Array)) throw invalid("attachment", attachment, "a Uint8Array");
  return { call: given, rows: booleanOr("rows", given.rows, true), attachment };
}

/** Checks how a dump is to be taken. */
export function checkedRestore(input: RestoreOptions | undefined): { readonly call: CallOptions; threads: number } {
  const given = checkedCall(checkedKeys("options", input, ["threads", ...CALL_KEYS]));
  return { call: given, threads: threadsOf(given.threads) };
}

/** Checks `signal` and `onProgress` where a call takes nothing else. */
export function checkedCallOptions(input: CallOptions | undefined): CallOptions {
  return checkedCall(checkedKeys("options", input, CALL_KEYS));
}

/** Threads of each call. */
export function threadsOf(threads: number | undefined): number {
  return integerOr("threads", threads, 1, 4096, availableParallelism());
}

function seedOf(seed: number | bigint | undefined): bigint {
  if (seed === undefined) return 42n;
  const whole = typeof seed === "bigint" || Number.isSafeInteger(seed);
  if (!whole || seed < 0 || seed > MAX_SEED) {
    throw invalid("seed", seed, "an integer from 0 to 2^64 - 1 (beyond 2^53 as a bigint)");
  }
  return BigInt(seed);
}
