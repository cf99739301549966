/**
 * From PyNNDescent's parameters to HNSW's. Their defaults are what umap-learn passes; the results are the floor
 * of the effort. Whatever the caller sets explicitly wins. The formulas live here and nowhere else.
 */

/** PyNNDescent's own default in umap-learn's calls. */
export const DEFAULT_MAX_CANDIDATES = 60;

/** Bounds of the effort parameters of an index. */
export interface Parameters {
  /** Links per row on the upper levels; level 0 has twice as many. */
  readonly m: number;
  /** Candidates looked at before links are chosen. */
  readonly efConstruction: number;
  /** What PyNNDescent would show. */
  readonly nTrees: number;
  /** Descent rounds at most. */
  readonly nIters: number;
  /** Candidates per row and descent round. */
  readonly maxCandidates: number;
}

/** Those of {@link Parameters} that the caller has set. */
export type GivenParameters = { readonly [Name in keyof Parameters]?: number | undefined };

/** Nearest integer, halves to the even one (as Python's `round`). */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

/** Trees that umap-learn asks for with `n` rows. */
export function treesFor(n: number): number {
  return Math.min(64, 5 + roundHalfEven(Math.sqrt(n) / 20));
}

/** Descent rounds that umap-learn asks for with `n` rows (at least 1). */
export function roundsFor(n: number): number {
  return Math.max(5, roundHalfEven(Math.log2(n)));
}

/**
 * The effort parameters of an index over `n` rows.
 *
 * @example
 * ```ts
 * parametersFor(60_000); // { m: 17, efConstruction: 480, nTrees: 17, nIters: 16, maxCandidates: 60 }
 * parametersFor(60_000, { m: 32 }).m; // 32
 * ```
 */
export function parametersFor(n: number, given: GivenParameters = {}): Parameters {
  const nTrees = given.nTrees ?? treesFor(n);
  const nIters = given.nIters ?? roundsFor(n);
  const maxCandidates = given.maxCandidates ?? DEFAULT_MAX_CANDIDATES;
  return {
    m: given.m ?? clamp(nTrees, 8, 64),
    efConstruction: given.efConstruction ?? clamp(Math.floor((nIters * maxCandidates) / 2), 200, 800),
    nTrees,
    nIters,
    maxCandidates,
  };
}

/** Narrowest pool of a query that sets no `ef`: below it, one walk in ten misses a row's own copy (pbmc3k, k = 1). */
export const MIN_SEARCH_WIDTH = 32;

/**
 * Width of the search pool for `k` neighbours and PyNNDescent's `epsilon` (below 0 counts as 0).
 *
 * @example
 * ```ts
 * searchWidth(15, 0.12); // 69
 * ```
 */
export function searchWidth(k: number, epsilon: number): number {
  if (k === 0) return 0;
  // The order of the operations matters: 15 * (1 + 30 * 0.24) is just below 123.
  return Math.max(k, Math.min(500, Math.trunc(k * (1 + 30 * Math.max(0, epsilon)))));
}
