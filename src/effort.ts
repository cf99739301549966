/**
 * How hard queries look: a width, an outcome, or one width after another; and the report of what they did.
 */
import type { MetricName } from "./metric-names.ts";
import type { NativeAnswer, NativeAsk, NativeProfile } from "./native.ts";
import { integerOr, invalid, realBetween, realNumber } from "./validate.ts";

/** Efforts by their outcome. At most one of `minRecall` and `efSteps`, in the place of `epsilon` and `ef`. */
export interface EffortOptions {
  /**
   * Least mean recall, 0 to 1: how far each query has to look is decided by what it has found, by a rule that has reached this
   * on sampled rows of the index (measured once for each `k`); where none does, all rows are compared. 1 always compares all.
   */
  readonly minRecall?: number | undefined;
  /** Widths that are tried one after the other, ascending, until the best row is near enough: see the two fields below. */
  readonly efSteps?: readonly number[] | undefined;
  /** Near enough: a best distance of at most this. With `efSteps`. */
  readonly untilDistance?: number | undefined;
  /**
   * Near enough: a best similarity of at least this, where the metric has one: 1 less the distance under cosine, correlation,
   * jaccard, dice and hamming; the product under inner_product; the result itself under true_angular. With `efSteps`.
   */
  readonly untilSimilarity?: number | undefined;
}

/** The work of a call. The arrays have a value for each query. */
export interface QueryProfile {
  /** `exact`, `hnsw`. */
  readonly way: string;
  /** What it ran on. */
  readonly codes: string;
  /** Levels that walks went through; 0 where all rows were compared. */
  readonly levels: number;
  /** Rows met. */
  readonly visited: Uint32Array;
  /** Distances computed, by codes or by rows. */
  readonly distances: Uint32Array;
  /** Rows expanded. */
  readonly hops: Uint32Array;
  /** Milliseconds for what was to be made ready first, for the queries, and for the search. */
  readonly ms: { readonly ready: number; readonly transform: number; readonly search: number };
}

export const EFFORT_KEYS = ["minRecall", "efSteps", "untilDistance", "untilSimilarity"];

const MAX_EF = 2 ** 24;
const COMPLEMENTS = new Set<MetricName>(["cosine", "correlation", "jaccard", "dice", "hamming"]);

/** An effort other than a width. */
export type Effort = Pick<NativeAsk, "minRecall"> | Pick<NativeAsk, "efSteps" | "until">;

/** The effort that is asked for, `undefined` where it is a width. Throws `ERR_INVALID_ARGUMENT`. */
export function checkedEffort(
  given: EffortOptions & { ef?: number | undefined },
  metric: MetricName,
): Effort | undefined {
  const { efSteps, untilDistance, untilSimilarity } = given;
  const minRecall = realBetween("minRecall", given.minRecall, 0, 1);
  if (efSteps === undefined) {
    for (const [name, value] of Object.entries({ untilDistance, untilSimilarity }))
      if (value !== undefined) throw invalid(name, value, "with efSteps only");
    if (minRecall !== undefined && given.ef !== undefined) throw invalid("ef", given.ef, "without minRecall only");
    return minRecall === undefined ? undefined : { minRecall };
  }
  for (const [name, value] of Object.entries({ minRecall, ef: given.ef }))
    if (value !== undefined) throw invalid(name, value, "without efSteps only");
  return { efSteps: widthsOf(efSteps), until: untilOf(untilDistance, untilSimilarity, metric) };
}

function widthsOf(steps: readonly number[]): Uint32Array {
  if (!Array.isArray(steps) || steps.length === 0) throw invalid("efSteps", steps, "a list of one width or more");
  for (const [i, step] of steps.entries()) integerOr(`efSteps[${i}]`, step, 1, MAX_EF, undefined);
  const ascend = steps.every((step, i) => step !== undefined && (i === 0 || step > (steps[i - 1] ?? 0)));
  if (!ascend) throw invalid("efSteps", steps, "ascending widths");
  return Uint32Array.from(steps);
}

function untilOf(distance: number | undefined, similarity: number | undefined, metric: MetricName): number {
  const [far, like] = [realNumber("untilDistance", distance), realNumber("untilSimilarity", similarity)];
  if ((far === undefined) === (like === undefined))
    throw invalid("untilDistance and untilSimilarity", [far, like], "one of them, with efSteps");
  if (like === undefined) return far ?? 0;
  if (metric === "true_angular") return like;
  if (metric === "inner_product" || metric === "proxy_inner_product") return -like;
  if (COMPLEMENTS.has(metric)) return 1 - like;
  throw invalid("untilSimilarity", like, `under ${metric} only untilDistance`);
}

/** @internal */
export function toldOf({ widths, profile }: NativeAnswer): { efUsed?: Uint32Array; profile?: QueryProfile } {
  return { ...(widths.length > 0 && { efUsed: widths }), ...(profile && { profile: profileOf(profile) }) };
}

function profileOf({ readyMs, transformMs, searchMs, ...profile }: NativeProfile): QueryProfile {
  return { ...profile, ms: { ready: readyMs, transform: transformMs, search: searchMs } };
}
