/** Efforts by their outcome, profiles, rebuilds, statistics by part, and filters of radius searches. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { HnswIndex, type Neighbors, PRESETS, type Preset } from "../../src/index.ts";
import { uniformRows } from "../support/random.ts";

const DIM = 12;
const ROWS = 6_000;

const { data } = uniformRows(ROWS, DIM, 1);
const asked = uniformRows(100, DIM, 2).data;
const rows = { data, shape: [ROWS, DIM] as [number, number] };
const queries = { data: asked, shape: [100, DIM] as [number, number] };
const build = (algorithm: "hnsw" | "exact") => HnswIndex.build(rows, { algorithm, m: 8, seed: 7 });

function recall(found: Neighbors, truth: Neighbors): number {
  const [count = 0, k = 0] = truth.indices.shape;
  let hits = 0;
  for (let q = 0; q < count; q++)
    for (let i = 0; i < k; i++) hits += found.distances.get(q, i) <= truth.distances.get(q, k - 1) ? 1 : 0;
  return hits / (count * k);
}

it("keeps the recall that is asked for, and compares all rows for all of it", async () => {
  using index = await build("hnsw");
  using exact = await build("exact");
  const truth = await exact.query(queries, { k: 10 });
  let before = 0;
  for (const minRecall of [0.8, 0.95, 0.99]) {
    const { profile, ...found } = await index.query(queries, { k: 10, minRecall, profile: true });
    expect(recall(found, truth)).toBeGreaterThanOrEqual(minRecall);
    const work = profile?.distances.reduce((a, b) => a + b, 0) ?? 0;
    expect(work).toBeGreaterThanOrEqual(before);
    before = work;
  }
  const all = index.querySync(queries, { k: 10, minRecall: 1, profile: true });
  expect(all.distances.data).toEqual(truth.distances.data);
  expect(all.profile).toMatchObject({ way: "exact", levels: 0 });
  expect(all.profile?.visited).toEqual(new Uint32Array(100).fill(ROWS));
});

it("tries widths until the best row is near enough", async () => {
  using index = await build("hnsw");
  const far = { data: new Float32Array(2 * DIM).fill(9), shape: [2, DIM] as [number, number] };
  const { efUsed } = await index.query(rows, { k: 3, efSteps: [16, 64], untilDistance: 0.5 });
  expect(efUsed?.filter((ef) => ef === 16).length).toBeGreaterThan(0.99 * ROWS);
  expect(index.querySync(far, { k: 3, efSteps: [16, 64], untilDistance: 0.5 }).efUsed).toEqual(Uint32Array.of(64, 64));
  using cosine = await HnswIndex.build(rows, { metric: "cosine", algorithm: "hnsw" });
  const like = await cosine.query(queries, { k: 3, efSteps: [16, 32], untilSimilarity: 0.5 });
  expect(like.efUsed).toEqual(new Uint32Array(100).fill(16));
});

it("refuses efforts that say nothing or two things", async () => {
  using index = await build("hnsw");
  for (const [options, message] of [
    [{ minRecall: 1.5 }, "minRecall"],
    [{ minRecall: 0.9, ef: 10 }, "ef is 10, allowed: without minRecall only"],
    [{ efSteps: [] }, "efSteps"],
    [{ efSteps: [32, 16], untilDistance: 1 }, "ascending"],
    [{ efSteps: [32] }, "untilDistance and untilSimilarity"],
    [{ efSteps: [32], untilDistance: 1, untilSimilarity: 1 }, "untilDistance and untilSimilarity"],
    [{ untilDistance: 1 }, "with efSteps only"],
    [{ efSteps: [32], untilSimilarity: 0.9 }, "under euclidean only untilDistance"],
  ] as const) {
    const refused = index.query(queries, options);
    await expect(refused).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await expect(refused).rejects.toThrow(message);
  }
});

it("tells the work of queries and changes no answer", async () => {
  using index = await build("hnsw");
  const plain = await index.query(queries, { k: 5, ef: 40 });
  const before = index.stats();
  const { profile, ...told } = await index.query(queries, { k: 5, ef: 40, profile: true });
  const after = index.stats();
  expect(told.indices.data).toEqual(plain.indices.data);
  expect(profile).toMatchObject({ way: "hnsw", codes: "f32" });
  expect(profile?.distances.reduce((a, b) => a + b, 0)).toBe(after.distances - before.distances);
  expect(profile?.hops.reduce((a, b) => a + b, 0)).toBe(after.hops - before.hops);
  expect(profile?.ms.search).toBeGreaterThan(0);
});

it("builds the search index anew with other links, and tells sizes by part", async () => {
  using index = await build("hnsw");
  using wide = await HnswIndex.build(rows, {
    algorithm: "hnsw",
    m: 20,
    seed: 7,
    efConstruction: index.parameters.efConstruction,
  });
  await index.prepare();
  await index.delete([1, 2, 3]);
  await index.update({ fresh: { data: data.subarray(DIM, 4 * DIM), shape: [3, DIM] } });
  const phases = new Set<string>();
  await index.rebuild({ m: 20, onProgress: ({ phase }) => phases.add(phase) });
  expect(phases).toContain("link");
  expect(index.parameters.m).toBe(20);
  expect(index.ids().at(-1)).toBe(ROWS + 2);
  const stats = index.stats();
  await wide.prepare();
  expect(stats).toMatchObject({ m: 20, insertsSinceBuild: 0, searchBuilds: 2, rebuildAdvised: false, unreachable: 0 });
  expect(stats.degrees).toHaveLength(41);
  expect(stats.degrees.reduce((a, b) => a + b, 0)).toBe(ROWS);
  expect(stats.levelRows[0]).toBe(ROWS);
  expect(stats.formulaBytes).toBe(4 * ROWS * DIM + 8 * 20 * stats.levelRows.reduce((a, b) => a + b, 0));
  expect(stats.upperBytes).toBeLessThan(stats.linksBytes);
  using again = await HnswIndex.restore(await index.dump());
  expect(again.parameters.m).toBe(20);
  await expect(index.rebuild({ m: 1 })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  const stop = AbortSignal.abort();
  await expect(index.rebuild({ m: 9, signal: stop })).rejects.toMatchObject({ code: "ERR_CANCELLED" });
  expect(index.parameters.m).toBe(20);
});

it("finds only rows that match within a radius, for a target, and in counts", async () => {
  using index = await build("hnsw");
  const filter = (id: number) => id % 5 === 0;
  const all = await index.radiusSearch(queries, 0.7, { exact: true });
  const some = await index.radiusSearch(queries, 0.7, { filter, exact: true });
  expect([...some.indices]).toEqual([...all.indices].filter(filter));
  const walked = await index.radiusSearch(queries, 0.7, { filter });
  expect([...walked.indices].every(filter)).toBe(true);
  expect(walked.indices.length).toBeGreaterThanOrEqual(0.95 * some.indices.length);
  const byId = index.radiusSearchByIdSync([5, 6], 0.0, { filter });
  expect([...byId.offsets]).toEqual([0, 1, 1]);
  const target = await index.searchWithTargetCount(asked.subarray(0, DIM), 30, { filter });
  expect([...target.indices].every(filter)).toBe(true);
  expect(Math.abs(target.count - 30)).toBeLessThanOrEqual(6);
  const counted = await index.estimateCount(queries, 0.7, { filter, sample: ROWS });
  expect([...counted.counts]).toEqual([...some.offsets].slice(1).map((end, i) => end - (some.offsets[i] ?? 0)));
});

it("measures every preset in the tuning suite", () => {
  const suite = JSON.parse(readFileSync(new URL("../../bench/suites/tuning.json", import.meta.url), "utf8"));
  for (const [preset, { ef }] of Object.entries(PRESETS)) {
    const measured = suite.engines.find((engine: { name: string }) => engine.name === preset);
    expect(measured).toMatchObject({ options: { preset }, settings: { ef: [ef] } });
  }
});

it("takes links and width from a preset, unless they are given", async () => {
  for (const [preset, { m, efConstruction, ef }] of Object.entries(PRESETS)) {
    using index = await HnswIndex.build(rows, { preset: preset as Preset });
    expect(index.parameters).toMatchObject({ m, efConstruction, ef });
    using other = await HnswIndex.build(rows, { preset: preset as Preset, m: 9, ef: undefined });
    expect(other.parameters).toMatchObject({ m: 9, efConstruction, ef });
  }
  const wrong = HnswIndex.build(rows, { preset: "best" as Preset });
  await expect(wrong).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  await expect(wrong).rejects.toThrow('"latency", "balanced", "throughput", "recall"');
});
