/**
 * An index measured on itself, as callers ask for it and see it.
 */
import type { CallOptions } from "./job.ts";
import type { NativeRecall } from "./native.ts";
import { type Asked, checkedQuery } from "./options.ts";
import { checkedKeys, integerOr } from "./validate.ts";

/** What is measured. Every field is optional. */
export interface RecallOptions extends CallOptions {
  /** Rows that are asked for, 1 to 2^24; all where there are no more. @default 1000 */
  readonly sample?: number | undefined;
  /** Neighbours of each, the row itself not counted; less than there are rows. @default 10 */
  readonly k?: number | undefined;
  /** Effort, as of a query. @default 0.1 */
  readonly epsilon?: number | undefined;
  /** Width of the search pool, 1 to 2^24; overrules `epsilon`. */
  readonly ef?: number | undefined;
}

/** What single queries at some effort find, measured on sampled rows against exact answers. */
export interface RecallReport {
  readonly sample: number;
  readonly k: number;
  /** Width of the search pool. */
  readonly ef: number;
  /** Whether such queries compare all rows: then the recall is 1. */
  readonly exact: boolean;
  /** Share of the `k` nearest other rows that is found; ties count. */
  readonly recall: number;
  /** Bounds of the recall of all rows, with 95 %. */
  readonly low: number;
  readonly high: number;
  /** Mean of (sum of distances found) / (sum of true ones) - 1; null under metrics that are no distances, or where all are 0. */
  readonly distanceError: number | null;
  /** Milliseconds a query, in a batch on all threads. */
  readonly ms: number;
}

interface CheckedRecall {
  readonly call: CallOptions;
  readonly sample: number;
  readonly k: number;
  readonly ef: number;
}

/** @internal */
export function checkedRecall(input: RecallOptions | undefined, of: Asked): CheckedRecall {
  const keys = ["sample", "k", "epsilon", "ef", "signal", "onProgress"] as const;
  const { sample, ...query } = checkedKeys("options", input, keys);
  const { call, k, ef } = checkedQuery(query, of);
  return { call, k, ef, sample: integerOr("sample", sample, 1, 2 ** 24, 1000) };
}

/** @internal */
export function recallOf({ distanceError, ...others }: NativeRecall): RecallReport {
  return { ...others, distanceError: distanceError ?? null };
}
