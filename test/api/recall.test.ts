import { expect, it } from "vitest";
import { type BuildOptions, HnswIndex, type MetricName, type Neighbors } from "../../src/index.ts";
import { describeWith, load } from "../support/data.ts";
import { cosine, type Distance, euclidean, quality, spread } from "../support/oracle.ts";

const K = 15;
const SAMPLE = 300;
const MAX_DISTANCE_ERROR = 0.01;

const sets = [
  { name: "letter", file: "letter.npz", metric: "euclidean", distance: euclidean, recall: 0.99 },
  { name: "mammoth", file: "mammoth_10k.npz", metric: "euclidean", distance: euclidean, recall: 0.99 },
  { name: "sift5k", file: "sift5k.npz", metric: "euclidean", distance: euclidean, recall: 0.98 },
  { name: "pbmc3k", file: "pbmc3k_pca.npz", metric: "euclidean", distance: euclidean, recall: 0.98 },
  { name: "pbmc3k", file: "pbmc3k_pca.npz", metric: "cosine", distance: cosine, recall: 0.98 },
] as const satisfies { name: string; file: string; metric: MetricName; distance: Distance; recall: number }[];

for (const { name, file, metric, distance, recall } of sets) {
  describeWith(file, `${name}, ${metric}`, () => {
    const rows = load(file, "x").x;
    const n = rows.shape[0] as number;
    const sample = spread(n, SAMPLE);
    const build = (options: BuildOptions) => HnswIndex.build(rows, { metric, nNeighbors: K, seed: 7, ...options });
    const measure = (found: Neighbors) => quality(found, rows, sample, { distance });

    it("exact neighbour graph has recall 1 up to ties", async () => {
      const index = await build({ algorithm: "exact" });
      expect(measure(await index.neighborGraph()).recall).toBe(1);
      expect(index.plan.neighborGraph.algorithm).toBe("exact");
    });

    it(`approximate neighbour graph has recall >= ${recall}`, async () => {
      const index = await build({ algorithm: "hnsw" });
      const seen = measure(await index.neighborGraph());
      expect(seen.recall).toBeGreaterThanOrEqual(recall);
      expect(seen.distanceError).toBeLessThanOrEqual(MAX_DISTANCE_ERROR);
      expect(index.plan.neighborGraph.algorithm).toBe("approximate");
    });

    it(`search index has recall >= ${recall} at epsilon 0.12 and reaches every row`, async () => {
      const index = await build({ algorithm: "hnsw" });
      await index.prepare();
      const seen = measure(await index.query(rows, { k: K, epsilon: 0.12 }));
      expect(seen.recall).toBeGreaterThanOrEqual(recall);
      expect(seen.distanceError).toBeLessThanOrEqual(MAX_DISTANCE_ERROR);
      expect(index.stats()).toMatchObject({ searchReady: true, unreachable: 0 });
      expect(index.plan.query.algorithm).toBe("hnsw");
    });
  });
}

describeWith("sift5k_gt.npz", "sift5k, stored ground truth", () => {
  it("exact squared distances are the stored ones, to the last bit", async () => {
    const { x } = load("sift5k.npz", "x");
    const truth = load("sift5k_gt.npz", "d2").d2;
    const index = await HnswIndex.build(x, { metric: "sqeuclidean", nNeighbors: 101, algorithm: "exact" });
    const { distances } = await index.neighborGraph();
    for (const row of spread(5000, 500)) {
      const found = distances.data.subarray(row * 101 + 1, (row + 1) * 101);
      expect([...found]).toEqual([...truth.data.subarray(row * 100, (row + 1) * 100)]);
    }
  });
});
