import { describe, expect, it } from "vitest";
import { type Algorithm, HnswError, HnswIndex, type MetricName, type RadiusResult } from "../../src/index.ts";
import { describeWith, load } from "../support/data.ts";
import { cosine, type Distance, euclidean, nearestDistances, spread } from "../support/oracle.ts";
import { clusteredRows, type FloatMatrix, uniformRows } from "../support/random.ts";

const QUERIES = 200;
/** Rows in the middle ball of the queries. */
const HITS = [0, 10, 100, 1000];
/** Of so many balls one may have lost more than is promised. */
const ONE_IN = 200;

interface Split {
  readonly rows: FloatMatrix;
  readonly queries: FloatMatrix;
}

/** Takes `QUERIES` rows out of all, to ask for them. */
function split(data: ArrayLike<number>, n: number, dim: number): Split {
  const asked = new Set(spread(n, QUERIES));
  const take = (ids: readonly number[]): FloatMatrix => ({
    data: Float32Array.from(ids.flatMap((id) => Array.from({ length: dim }, (_, j) => data[id * dim + j] as number))),
    shape: [ids.length, dim],
  });
  const all = Array.from({ length: n }, (_, id) => id);
  return { rows: take(all.filter((id) => !asked.has(id))), queries: take([...asked]) };
}

function hitsOf({ offsets, indices }: Pick<RadiusResult, "offsets" | "indices">, query: number): Int32Array {
  return indices.subarray(offsets[query], offsets[query + 1]);
}

/** The radius that holds so many rows around the middle one of the queries. */
function radiusFor({ rows, queries }: Split, hits: number, distance: Distance): number {
  const of = (query: number) => nearestDistances(rows, queries, query, Math.max(1, hits), distance).at(-1) ?? 0;
  const all = spread(queries.shape[0], 60)
    .map(of)
    .sort((a, b) => a - b);
  return hits === 0 ? (all[0] ?? 0) / 2 : (all[all.length >> 1] ?? 0);
}

const files = [
  { name: "sift5k", file: "sift5k.npz", metric: "euclidean", distance: euclidean },
  { name: "letter", file: "letter.npz", metric: "euclidean", distance: euclidean },
  { name: "pbmc3k", file: "pbmc3k_pca.npz", metric: "cosine", distance: cosine },
  { name: "mammoth", file: "mammoth_10k.npz", metric: "euclidean", distance: euclidean },
] as const;

for (const { name, file, metric, distance } of files) {
  describeWith(file, `${name}, ${metric}`, () => {
    const { x } = load(file, "x");
    keepsItsPromise(split(x.data, x.shape[0] as number, x.shape[1] as number), metric, distance);
  });
}

describe("10 000 x 16 uniform rows", () => {
  const { data } = uniformRows(10_000, 16, 3);
  keepsItsPromise(split(data, 10_000, 16), "euclidean", euclidean);
});

function keepsItsPromise(data: Split, metric: MetricName, distance: Distance): void {
  it.each(["hnsw", "auto"] as const)("finds 0.95 of every ball with algorithm %s", async (algorithm: Algorithm) => {
    using index = await HnswIndex.build(data.rows, { metric, algorithm });
    await index.prepare({ radius: true });
    let before: RadiusResult | undefined;
    for (const hits of HITS) {
      const radius = radiusFor(data, hits, distance);
      const found = await index.radiusSearch(data.queries, radius);
      const truth = await index.radiusSearch(data.queries, radius, { exact: true, maxResults: data.rows.shape[0] });
      let short = 0;
      for (let query = 0; query < QUERIES; query++) {
        const expected = new Set(hitsOf(truth, query));
        const seen = hitsOf(found, query);
        expect(found.truncated[query] === 1).toBe(expected.size > 1000);
        expect(seen.every((id) => expected.has(id))).toBe(true);
        if (expected.size <= 1000 && seen.length < 0.95 * expected.size) short++;
      }
      expect(short, `balls of ${hits} that lost too much`).toBeLessThanOrEqual(QUERIES / ONE_IN);
      if (before !== undefined) expect(lost(before, found)).toBeLessThanOrEqual(0.01);
      before = found;
    }
  });

  it("compares all rows like a plain loop", async () => {
    using index = await HnswIndex.build(data.rows, { metric });
    const radius = radiusFor(data, 10, distance);
    const found = await index.radiusSearch(data.queries, radius, { exact: true });
    for (const query of spread(QUERIES, 40)) {
      const near = nearestDistances(data.rows, data.queries, query, 1000, distance);
      const within = (slack: number) => near.filter((at) => at <= radius * (1 + slack)).length;
      const seen = hitsOf(found, query).length;
      expect(seen).toBeGreaterThanOrEqual(Math.min(1000, within(-1e-5)));
      expect(seen).toBeLessThanOrEqual(Math.min(1000, within(1e-5)));
    }
  });
}

/** Share of the rows of smaller balls that larger ones do not hold, where both are whole. */
function lost(small: RadiusResult, large: RadiusResult): number {
  let [gone, all] = [0, 0];
  for (let query = 0; query < QUERIES; query++) {
    if (small.truncated[query] === 1 || large.truncated[query] === 1) continue;
    const there = new Set(hitsOf(large, query));
    const before = hitsOf(small, query);
    all += before.length;
    gone += before.filter((id) => !there.has(id)).length;
  }
  return all === 0 ? 0 : gone / all;
}

describe("a radius search", () => {
  const rows = clusteredRows(3000, 8, 5);
  const some: FloatMatrix = { data: rows.data.slice(0, 40 * 8), shape: [40, 8] };

  it("gives the same on this thread, beside it, by id and with a radius for each", async () => {
    using index = await HnswIndex.build(rows, { algorithm: "hnsw" });
    const radius = 0.15;
    const one = timeless(await index.radiusSearch(some, radius));
    expect(timeless(index.radiusSearchSync(some, radius))).toEqual(one);
    const each = new Array(40).fill(radius);
    expect(timeless(await index.radiusSearchBatch(some, each))).toEqual(one);
    expect(timeless(index.radiusSearchBatchSync(some, Float64Array.from(each)))).toEqual(one);
    const ids = Int32Array.from({ length: 40 }, (_, id) => id);
    expect(timeless(await index.radiusSearchById(ids, radius))).toEqual(one);
    expect(timeless(index.radiusSearchByIdSync([...ids], each))).toEqual(one);
    expect(one.offsets.length).toBe(41);
    expect(one.indices.length).toBeGreaterThan(400);
    for (let query = 0; query < 40; query++) {
      const distances = one.distances.subarray(one.offsets[query], one.offsets[query + 1]);
      expect(hitsOf(one, query)[0]).toBe(query);
      expect(distances.every((at, i) => i === 0 || at >= (distances[i - 1] as number))).toBe(true);
      expect(one.largestDistance[query]).toBe(distances.at(-1));
    }
  });

  it("takes a radius of its own for each query", async () => {
    using index = await HnswIndex.build(rows, {});
    const radii = Float32Array.from({ length: 40 }, (_, query) => query / 100);
    const found = await index.radiusSearchBatch(some, radii, { exact: true });
    for (let query = 0; query < 40; query++) {
      const alone = await index.radiusSearch(
        { data: some.data.subarray(query * 8, query * 8 + 8), shape: [1, 8] },
        radii[query] as number,
        { exact: true },
      );
      expect(alone.indices).toEqual(hitsOf(found, query));
    }
  });

  it("finds a radius for a number of rows, and says when there are not so many", async () => {
    using index = await HnswIndex.build(rows, { algorithm: "hnsw" });
    const query = rows.data.slice(0, 8);
    for (const startRadius of [1e-3, 50]) {
      const found = await index.searchWithTargetCount(query, 60, { startRadius });
      expect(found.reached).toBe(true);
      expect(Math.abs(found.count - 60)).toBeLessThanOrEqual(12);
      expect(found.largestDistance[0]).toBeLessThanOrEqual(found.radius);
    }
    expect(index.searchWithTargetCountSync([...query], 1)).toMatchObject({ count: 1, reached: true });
    await expect(index.searchWithTargetCount(query, 3001)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });

  it("estimates counts between bounds", async () => {
    using index = await HnswIndex.build(rows, {});
    const whole = await index.radiusSearch(some, 4, { exact: true, maxResults: 3000 });
    const { counts, low, high } = await index.estimateCount(some, 4, { sample: 500 });
    let inside = 0;
    for (let query = 0; query < 40; query++) {
      const truth = hitsOf(whole, query).length;
      expect(counts[query]).toBeGreaterThanOrEqual(low[query] as number);
      expect(counts[query]).toBeLessThanOrEqual(high[query] as number);
      if (truth >= (low[query] as number) && truth <= (high[query] as number)) inside++;
    }
    // One sample serves all queries, and rows of a cluster are near each other.
    expect(inside).toBeGreaterThanOrEqual(30);
    const all = index.estimateCountSync(some, 4, { sample: 3000 });
    expect([...all.counts]).toEqual(Array.from({ length: 40 }, (_, query) => hitsOf(whole, query).length));
    expect(all.low).toEqual(all.high);
  });

  it("of 0 queries gives an empty result", async () => {
    using index = await HnswIndex.build(rows, {});
    const none = await index.radiusSearch([], 1);
    expect([...none.offsets]).toEqual([0]);
    expect(none.indices.length + none.visited.length).toBe(0);
  });

  it("stops by its signal", async () => {
    using index = await HnswIndex.build(uniformRows(30_000, 32), { algorithm: "hnsw" });
    const stop = new AbortController();
    const search = index.radiusSearch(uniformRows(100, 32, 2), 1, { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(search).rejects.toMatchObject({ code: "ERR_CANCELLED" });
  });

  it.each([
    ["a radius that is no number", (index: HnswIndex) => index.radiusSearch(some, Number.NaN), "radius"],
    ["a radius below 0", (index: HnswIndex) => index.radiusSearch(some, -1), "radius is -1"],
    ["no radius", (index: HnswIndex) => index.radiusSearch(some, undefined as never), "radius is undefined"],
    ["too few radii", (index: HnswIndex) => index.radiusSearchBatch(some, [1, 2]), "radii has 2 numbers"],
    ["no results", (index: HnswIndex) => index.radiusSearch(some, 1, { maxResults: 0 }), "maxResults is 0"],
    ["more recall than all", (index: HnswIndex) => index.radiusSearch(some, 1, { minRecall: 2 }), "minRecall is 2"],
    ["slack below 1", (index: HnswIndex) => index.radiusSearch(some, 1, { expansionFactor: 0.5 }), "expansionFactor"],
    ["an unknown option", (index: HnswIndex) => index.radiusSearch(some, 1, { ef: 9 } as never), "unknown key, ef"],
    ["an unknown id", (index: HnswIndex) => index.radiusSearchById([3000], 1), "the id 3000"],
    ["no target", (index: HnswIndex) => index.searchWithTargetCount(some, undefined as never), "target"],
    ["two queries for a target", (index: HnswIndex) => index.searchWithTargetCount(some, 5), "number of queries is 40"],
    ["a sample of nothing", (index: HnswIndex) => index.estimateCount(some, 1, { sample: 0 }), "sample is 0"],
  ])("refuses %s", async (_, call, says) => {
    using index = await HnswIndex.build(rows, {});
    const error = await call(index).then(
      () => expect.fail("it was accepted"),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(HnswError);
    expect((error as HnswError).message).toContain(says);
  });

  it("is refused by a closed index", async () => {
    const index = await HnswIndex.build(rows, {});
    index.close();
    const closed = { code: "ERR_CLOSED" };
    await expect(index.radiusSearch(some, 1)).rejects.toMatchObject(closed);
    await expect(index.radiusSearchById([0], 1)).rejects.toMatchObject(closed);
    await expect(index.searchWithTargetCount(some, 1)).rejects.toMatchObject(closed);
    await expect(index.estimateCount(some, 1)).rejects.toMatchObject(closed);
  });
});

/** Without what the clock says. */
function timeless({ ms, ...found }: RadiusResult): Omit<RadiusResult, "ms"> {
  expect(ms.length).toBe(found.visited.length);
  return found;
}
