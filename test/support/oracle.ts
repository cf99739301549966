/**
 * Brute force in double precision, and how close results come to it.
 */
import type { Neighbors } from "../../src/index.ts";

interface Matrix {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

export type Distance = (
  a: ArrayLike<number>,
  aStart: number,
  b: ArrayLike<number>,
  bStart: number,
  dim: number,
) => number;

export const euclidean: Distance = (a, aStart, b, bStart, dim) => {
  let sum = 0;
  for (let i = 0; i < dim; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number);
    sum += difference * difference;
  }
  return Math.sqrt(sum);
};

/** 1 - cos, 0 to 2; 1 if one of them is all zeros. */
export const cosine: Distance = (a, aStart, b, bStart, dim) => {
  let [product, aa, bb] = [0, 0, 0];
  for (let i = 0; i < dim; i++) {
    const [x, y] = [a[aStart + i] as number, b[bStart + i] as number];
    product += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 1 : 1 - product / Math.sqrt(aa * bb);
};

/** The `k` smallest distances of query row `query` to all of `rows`, ascending. */
export function nearestDistances(
  rows: Matrix,
  queries: Matrix,
  query: number,
  k: number,
  distance: Distance,
): number[] {
  const [count, dim] = rows.shape as [number, number];
  const all = new Float64Array(count);
  for (let row = 0; row < count; row++) all[row] = distance(queries.data, query * dim, rows.data, row * dim, dim);
  return Array.from(all.sort().subarray(0, k));
}

export interface Quality {
  /** Share of the true neighbours found; a neighbour as near as the last true one counts (ties). */
  readonly recall: number;
  /** Mean of how much farther the found ones are than the true ones. */
  readonly distanceError: number;
}

/** Quality of some rows of `found`, measured against brute force. */
export function quality(
  found: Neighbors,
  rows: Matrix,
  sample: readonly number[],
  { distance = euclidean, queries = rows }: { distance?: Distance; queries?: Matrix } = {},
): Quality {
  const k = found.indices.shape[1] as number;
  let [hits, extra, compared] = [0, 0, 0];
  for (const query of sample) {
    const truth = nearestDistances(rows, queries, query, k, distance);
    const seen = Array.from(found.distances.data.subarray(query * k, (query + 1) * k));
    const limit = (truth[k - 1] as number) * (1 + 1e-5) + 1e-6;
    hits += new Set(
      found.indices.data.subarray(query * k, (query + 1) * k).filter((_, i) => (seen[i] as number) <= limit),
    ).size;
    for (const [i, expected] of truth.entries()) {
      if (expected < 1e-6) continue;
      extra += ((seen[i] as number) - expected) / expected;
      compared++;
    }
  }
  return { recall: hits / (sample.length * k), distanceError: compared === 0 ? 0 : extra / compared };
}

/** `count` row numbers spread evenly over `rows`. */
export function spread(rows: number, count: number): number[] {
  return Array.from({ length: Math.min(rows, count) }, (_, i) => Math.floor((i * rows) / Math.min(rows, count)));
}

/** Of rows taken as histograms; 1 if one of them is all zeros, 0 if both are. */
export const hellinger: Distance = (a, aStart, b, bStart, dim) => {
  let [root, aSum, bSum] = [0, 0, 0];
  for (let i = 0; i < dim; i++) {
    const [x, y] = [a[aStart + i] as number, b[bStart + i] as number];
    root += Math.sqrt(x * y);
    aSum += x;
    bSum += y;
  }
  if (aSum === 0 || bSum === 0) return aSum === bSum ? 0 : 1;
  return Math.sqrt(Math.max(0, 1 - root / Math.sqrt(aSum * bSum)));
};
