/**
 * What the engine does for seeded rows, in figures that no clock makes: recall, distances computed, rows expanded.
 * Every search is forced through the graph, one query at a time, so that no cost model of the machine has a say.
 */
import { expect } from "vitest";
import { type BuildOptions, HnswIndex } from "../../src/index.ts";
import { cosine, type Distance, euclidean, nearestDistances, quality, spread } from "../support/oracle.ts";
import type { FloatMatrix } from "../support/random.ts";
import { mixtureRows, noiseRows, part, wholeRows } from "./rows.ts";

/** One search width. `distances` and `hops` are means over the queries. */
export interface SearchFigures {
  readonly recall: number;
  readonly distances: number;
  readonly hops: number;
}

/** One case. `graph` is the recall of the approximate neighbour graph. */
export interface Figures {
  readonly graph: number;
  readonly search: { readonly [width: string]: SearchFigures };
  /** The same after a tenth of the rows came later and a twentieth was replaced. */
  readonly updated: SearchFigures;
}

type Maker = (rows: number, dim: number, inner: number, seed: number) => FloatMatrix;

interface Case {
  readonly make: Maker;
  readonly rows: number;
  readonly dim: number;
  readonly options: BuildOptions;
  readonly distance: Distance;
}

const K = 10;
const QUERIES = 200;
const WIDTHS = [10, 24, 60];
const UPDATED_WIDTH = 24;
const INNER = 16;
const SEED = 11;

const manhattan: Distance = (a, aStart, b, bStart, dim) => {
  let sum = 0;
  for (let i = 0; i < dim; i++) sum += Math.abs((a[aStart + i] as number) - (b[bStart + i] as number));
  return sum;
};

/** By name: each takes another way through the engine. */
export const cases: Readonly<Record<string, Case>> = {
  "euclidean, mixture": {
    ...{ make: mixtureRows, rows: 8_000, dim: 64, distance: euclidean },
    options: { metric: "euclidean" },
  },
  "euclidean, whole numbers": {
    ...{ make: wholeRows, rows: 6_000, dim: 96, distance: euclidean },
    options: { metric: "euclidean" },
  },
  "euclidean, noise": {
    ...{ make: noiseRows, rows: 6_000, dim: 16, distance: euclidean },
    options: { metric: "euclidean" },
  },
  "euclidean, mixture, uint8 codes": {
    ...{ make: mixtureRows, rows: 5_000, dim: 64, distance: euclidean },
    options: { metric: "euclidean", quantization: "uint8" },
  },
  "cosine, mixture": {
    ...{ make: mixtureRows, rows: 5_000, dim: 96, distance: cosine },
    options: { metric: "cosine" },
  },
  "manhattan, mixture": {
    ...{ make: mixtureRows, rows: 4_000, dim: 24, distance: manhattan },
    options: { metric: "manhattan" },
  },
};

/** Builds the case's index and counts what its products cost and how good they are. */
export async function measure({ make, rows: count, dim, options, distance }: Case): Promise<Figures> {
  const all = make(count + QUERIES, dim, INNER, SEED);
  const [rows, queries] = [part(all, 0, count), part(all, count, count + QUERIES)];
  const truth = Array.from({ length: QUERIES }, (_, query) => nearestDistances(rows, queries, query, K, distance));
  const build = (own: FloatMatrix) => HnswIndex.build(own, { nNeighbors: 15, seed: 5, algorithm: "hnsw", ...options });

  using index = await build(rows);
  const graph = quality(await index.neighborGraph(), rows, spread(count, QUERIES), { distance }).recall;
  const search = Object.fromEntries(WIDTHS.map((width) => [width, searched(index, queries, width, truth)]));

  const [late, replaced] = [Math.floor(count / 10), Math.floor(count / 20)];
  using grown = await build(part(reversed(rows, replaced), 0, count - late));
  await grown.prepare();
  const updatedIndices = Array.from({ length: replaced }, (_, id) => id);
  await grown.update({ fresh: part(rows, count - late, count), updated: part(rows, 0, replaced), updatedIndices });
  const updated = searched(grown, queries, UPDATED_WIDTH, truth);
  return { graph: rounded(graph, 5), search, updated };
}

/** The rows with the first `count` of them in reverse order, for an update to put right. */
function reversed({ data, shape }: FloatMatrix, count: number): FloatMatrix {
  const dim = shape[1];
  const out = data.slice();
  for (let row = 0; row < count; row++) {
    out.set(data.subarray((count - 1 - row) * dim, (count - row) * dim), row * dim);
  }
  return { data: out, shape };
}

/** Asks one query at a time. A neighbour as near as the last true one counts. */
function searched(index: HnswIndex, queries: FloatMatrix, width: number, truth: readonly number[][]): SearchFigures {
  const before = index.stats();
  const hits = truth.map((expected, query) => {
    const { distances } = index.querySync(part(queries, query, query + 1), { k: K, ef: width });
    const limit = (expected[K - 1] as number) * (1 + 1e-5);
    return distances.data.filter((distance) => distance <= limit).length;
  });
  expect(index.plan.query.algorithm).toBe("hnsw");
  const after = index.stats();
  return {
    recall: rounded(hits.reduce((sum, some) => sum + some) / (QUERIES * K), 5),
    distances: rounded((after.distances - before.distances) / QUERIES, 2),
    hops: rounded((after.hops - before.hops) / QUERIES, 2),
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
