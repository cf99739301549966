/**
 * Radius search: what it is asked for, and the shape of what it finds.
 */
import { HnswError } from "./errors.ts";
import { type Filter, type FilteredRows, filterBits } from "./filter.ts";
import type { CallOptions } from "./job.ts";
import { numbersOf, type VectorInput } from "./lists.ts";
import type { DenseInput, MatrixInput } from "./matrix.ts";
import type { NativeBalls, NativeEstimates, NativeTargeted, NativeWithin } from "./native.ts";
import { booleanOr, checkedCall, checkedKeys, integerOr, invalid, realBetween, realNumber } from "./validate.ts";

/** How a radius search is answered. Every field is optional. */
export interface RadiusOptions extends CallOptions {
  /** Most rows for a query, 1 to 2^24; of more the nearest are kept, and `truncated` tells. @default 1000 */
  readonly maxResults?: number | undefined;
  /**
   * Least share of the rows within the radius that a search finds for a query, 0 to 1. The effort that this takes is
   * measured on sampled rows of the index; where no walk takes less than a comparison with all rows, all rows are
   * compared. 1 always compares all rows. @default 0.95
   */
  readonly minRecall?: number | undefined;
  /** Nearest first, ties by id; otherwise by id. @default true */
  readonly sort?: boolean | undefined;
  /**
   * Slack of a walk, 1 to 100: rows up to so many times the radius may be walked through. Where distances may be
   * negative, slack is added instead: the part above 1 of the radius' size, or of a usual distance where that is more.
   * @default 1.2
   */
  readonly expansionFactor?: number | undefined;
  /** Least width of a walk, 1 to 2^24; what `minRecall` takes is used where that is more. */
  readonly efSearch?: number | undefined;
  /** Compares all rows, whatever that takes. @default false */
  readonly exact?: boolean | undefined;
  /** Rows that may be returned. @default all */
  readonly filter?: Filter | undefined;
}

/**
 * The rows within a distance of each query, one query after another: those of query `i` are
 * `indices.subarray(offsets[i], offsets[i + 1])`, and `distances` alike. The other arrays have a value for each query.
 */
export interface RadiusResult {
  /** One more than queries, from 0. */
  readonly offsets: Int32Array;
  readonly indices: Int32Array;
  readonly distances: Float32Array;
  /** Rows compared. */
  readonly visited: Int32Array;
  /** Rows met within the radius and the slack of the walk; where all were compared, those within the radius, counted to one more than `maxResults`. */
  readonly candidates: Int32Array;
  /** Distance of the farthest row of the result; NaN where it has none. */
  readonly largestDistance: Float32Array;
  /** 1 where more rows than `maxResults` are within the radius. */
  readonly truncated: Uint8Array;
  /** 1 where all rows were compared. */
  readonly exact: Uint8Array;
  /** Milliseconds; queries answered together share theirs. */
  readonly ms: Float32Array;
}

/** How the radius for a number of rows is looked for. Every field is optional. */
export interface TargetOptions extends Omit<RadiusOptions, "maxResults"> {
  /** By which share of the target the number of rows may be off, 0 to 1. @default 0.2 */
  readonly tolerance?: number | undefined;
  /** A radius that is tried first. @default none: the distance of the row that is the target-th nearest */
  readonly startRadius?: number | undefined;
}

/** The radius that holds about as many rows as wanted, and these rows. */
export interface TargetResult extends RadiusResult {
  readonly radius: number;
  /** Rows within it. */
  readonly count: number;
  /** False where rows at equal distances leave no radius with a number of rows that is as near the target. */
  readonly reached: boolean;
  /** Searches that it took. */
  readonly searches: number;
}

/** How rows within a radius are counted. Every field is optional. */
export interface EstimateOptions extends CallOptions {
  /** Rows that are counted. @default all */
  readonly filter?: Filter | undefined;
  /** Rows drawn, without putting back, 1 to 2^31 - 1; with as many as there are rows the count is exact. @default 1000 */
  readonly sample?: number | undefined;
}

/** About how many rows are within a distance of each query. */
export interface CountEstimate {
  readonly counts: Float64Array;
  /** Bounds of the true number for 95 of 100 samples. */
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** What is made ready. Every field is optional. */
export interface PrepareOptions extends CallOptions {
  /** Also measures, on sampled rows, what radius searches need for their recall. @default false */
  readonly radius?: boolean | undefined;
}

/** One query: a list of numbers, or whatever rows are given as, with one row. */
export type QueryInput = MatrixInput | VectorInput;

const CALL_KEYS = ["signal", "onProgress"];
const WITHIN_KEYS = ["minRecall", "sort", "expansionFactor", "efSearch", "exact", "filter", ...CALL_KEYS];
const RADIUS_KEYS = ["maxResults", ...WITHIN_KEYS];
const TARGET_KEYS = ["tolerance", "startRadius", ...WITHIN_KEYS];
const MAX_COUNT = 2 ** 24;
const MAX_SAMPLE = 2 ** 31 - 1;
const MAX_TARGET = 2 ** 31 - 1;

/** A radius search whose options have been checked. */
export interface CheckedRadius {
  readonly call: CallOptions;
  readonly within: NativeWithin;
}

/** Throws `ERR_INVALID_ARGUMENT`. */
export function checkedRadius(input: RadiusOptions | undefined, rows: FilteredRows): CheckedRadius {
  return checkedWithin(checkedCall(checkedKeys("options", input, RADIUS_KEYS)), rows);
}

function checkedWithin(given: RadiusOptions, rows: FilteredRows): CheckedRadius {
  const within = {
    maxResults: integerOr("maxResults", given.maxResults, 1, MAX_COUNT, 1000),
    minRecall: realBetween("minRecall", given.minRecall, 0, 1) ?? 0.95,
    sort: booleanOr("sort", given.sort, true),
    expansionFactor: realBetween("expansionFactor", given.expansionFactor, 1, 100) ?? 1.2,
    ef: integerOr("efSearch", given.efSearch, 1, MAX_COUNT, 0),
    exact: booleanOr("exact", given.exact, false),
    ...(given.filter !== undefined && { filter: filterBits(given.filter, rows) }),
  };
  return { call: given, within };
}

/** A count whose options have been checked. */
export interface CheckedEstimate {
  readonly call: CallOptions;
  readonly sample: number;
  readonly bits: Uint8Array | undefined;
}

/** A search for a number of rows whose options have been checked. */
export interface CheckedTarget extends CheckedRadius {
  readonly target: number;
  readonly tolerance: number;
  readonly startRadius: number | undefined;
}

/** Throws `ERR_INVALID_ARGUMENT`; whether there are so many rows is for the core to say. */
export function checkedTarget(target: number, input: TargetOptions | undefined, rows: FilteredRows): CheckedTarget {
  const given = checkedCall(checkedKeys("options", input, TARGET_KEYS));
  return {
    ...checkedWithin(given, rows),
    target: countOf(target),
    tolerance: realBetween("tolerance", given.tolerance, 0, 1) ?? 0.2,
    startRadius: realNumber("startRadius", given.startRadius),
  };
}

/** Throws `ERR_INVALID_ARGUMENT`. */
export function checkedEstimate(input: EstimateOptions | undefined, rows: FilteredRows): CheckedEstimate {
  const given = checkedCall(checkedKeys("options", input, ["sample", "filter", ...CALL_KEYS]));
  const bits = given.filter === undefined ? undefined : filterBits(given.filter, rows);
  return { call: given, sample: integerOr("sample", given.sample, 1, MAX_SAMPLE, 1000), bits };
}

/** Throws `ERR_INVALID_ARGUMENT`. */
export function checkedPrepare(input: PrepareOptions | undefined): { call: CallOptions; radius: boolean } {
  const given = checkedCall(checkedKeys("options", input, ["radius", ...CALL_KEYS]));
  return { call: given, radius: booleanOr("radius", given.radius, false) };
}

/** The same radius for `count` queries. Throws `ERR_INVALID_ARGUMENT`; the sign is for the metric to say. */
export function radiusFor(radius: number, count: number): Float32Array {
  const value = realNumber("radius", radius);
  if (value === undefined) throw invalid("radius", radius, "a number");
  return new Float32Array(count).fill(value);
}

/** A radius for each of `count` queries. Throws `ERR_INVALID_ARGUMENT`, `ERR_DIMENSION_MISMATCH`. */
export function radiiFor(radii: VectorInput, count: number): Float32Array {
  const values = numbersOf("radii", radii);
  if (values.length !== count) {
    const message = `radii has ${values.length} numbers, allowed: ${count}, one for each query`;
    throw new HnswError("ERR_DIMENSION_MISMATCH", message);
  }
  const at = values.findIndex(Number.isNaN);
  if (at >= 0) throw invalid(`radii[${at}]`, values[at], "a number");
  return Float32Array.from(values);
}

/** One radius, or one for each of `count` queries. */
export function anyRadii(radius: number | VectorInput, count: number): Float32Array {
  return typeof radius === "object" ? radiiFor(radius, count) : radiusFor(radius, count);
}

/** The one query as rows. */
export function asRow(query: QueryInput): MatrixInput {
  const isList = ArrayBuffer.isView(query) || (Array.isArray(query) && typeof query[0] !== "object");
  return isList ? ([query] as DenseInput) : (query as MatrixInput);
}

/** @internal */
export function ballsOf({ largest, ...balls }: NativeBalls): RadiusResult {
  return { ...balls, largestDistance: largest };
}

/** @internal */
export function targetOf({ balls, ...found }: NativeTargeted): TargetResult {
  return { ...found, ...ballsOf(balls), count: balls.indices.length };
}

/** @internal */
export function estimateOf(estimates: NativeEstimates): CountEstimate {
  return estimates;
}

function countOf(target: number): number {
  const count = integerOr("target", target, 1, MAX_TARGET, undefined);
  if (count === undefined) throw invalid("target", target, `an integer from 1 to ${MAX_TARGET}`);
  return count;
}
