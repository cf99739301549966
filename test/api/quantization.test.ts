import { describe, expect, it } from "vitest";
import { type BuildOptions, HnswIndex, metrics, type Neighbors, type Quantization } from "../../src/index.ts";
import { describeWith, load } from "../support/data.ts";
import { cosine, type Distance, euclidean, quality, spread } from "../support/oracle.ts";
import { clusteredRows, uniformRows } from "../support/random.ts";
import { sparseRows } from "../support/sparse.ts";

const K = 10;

/** Every pair of metric and quantization in the table. */
const pairs = metrics().flatMap(({ name, quantizations }) =>
  quantizations.map((quantization) => ({ metric: name, quantization })),
);

describe("every quantization of every metric", () => {
  const rows = clusteredRows(1500, 24, 3);
  const queries = uniformRows(50, 24, 4);

  it.each(pairs)(
    "$metric, $quantization: distances are those of the rows themselves",
    async ({ metric, quantization }) => {
      const build = (options: BuildOptions) => HnswIndex.build(rows, { metric, nNeighbors: K, seed: 2, ...options });
      const exact = await build({ algorithm: "exact" });
      const index = await build({ algorithm: "hnsw", quantization });
      expect(index.parameters.quantization).toBe(quantization);
      await index.prepare();
      const all = await exact.query(queries, { k: 1500 });
      const distanceOf = all.indices.data.reduce(
        (known, id, at) => known.set(`${Math.floor(at / 1500)} ${id}`, all.distances.data[at] as number),
        new Map<string, number>(),
      );
      for (const found of [await index.query(queries, { k: K }), index.querySync(queries, { k: K })]) {
        found.indices.data.forEach((id, at) => {
          expect(found.distances.data[at]).toBeCloseTo(distanceOf.get(`${Math.floor(at / K)} ${id}`) as number, 4);
        });
      }
      const [own] = [await index.neighborGraph()];
      expect(own.indices.data.filter((id, at) => at % K === 0 && id !== at / K)).toHaveLength(0);
    },
  );
});

/** With the pool of a usual query, and with one of 300: signs alone tell little of 50 columns. */
const RECALL: Readonly<Record<Quantization, readonly [usual: number, wide: number]>> = {
  uint8: [0.98, 0.99],
  int8: [0.98, 0.99],
  uint4: [0.97, 0.99],
  binary: [0.4, 0.7],
};

describeWith("pbmc3k_pca.npz", "real rows (pbmc3k)", () => {
  const { x } = load("pbmc3k_pca.npz", "x");
  const sample = spread(x.shape[0] as number, 120);
  const cases = (["euclidean", "cosine"] as const).flatMap((metric) => {
    const distance: Distance = metric === "cosine" ? cosine : euclidean;
    const known = metrics().find(({ name }) => name === metric)?.quantizations ?? [];
    return known.map((quantization) => {
      const [usual, wide] = RECALL[quantization];
      return { metric, distance, quantization, usual, wide };
    });
  });

  it.each(cases)("$metric, $quantization: recall >= $usual, and >= $wide of a wide pool", async (given) => {
    const { metric, distance, quantization, usual, wide } = given;
    const index = await HnswIndex.build(x, { metric, quantization, nNeighbors: 15, algorithm: "hnsw", seed: 1 });
    await index.prepare();
    const recallOf = (found: Neighbors) => quality(found, x, sample, { distance }).recall;
    expect(recallOf(await index.query(x, { k: 15, epsilon: 0.12 }))).toBeGreaterThanOrEqual(usual);
    expect(recallOf(await index.query(x, { k: 15, ef: 300 }))).toBeGreaterThanOrEqual(wide);
    expect(index.plan.query.codes).toBe(quantization);
    expect(index.stats().codesBytes).toBeGreaterThan(0);
  });
});

describe("a quantization that does not fit", () => {
  const refused = (says: string) => ({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(says) });

  it("of a metric that has none, or another one, is refused naming it", async () => {
    const rows = uniformRows(20, 4);
    for (const [metric, quantization] of [
      ["manhattan", "uint8"],
      ["euclidean", "int8"],
      ["canberra", "binary"],
    ] as const) {
      await expect(HnswIndex.build(rows, { metric, quantization })).rejects.toMatchObject(refused(quantization));
      expect(() => HnswIndex.buildSync(rows, { metric, quantization })).toThrow(
        expect.objectContaining(refused(metric)),
      );
    }
  });

  it.each(["float16", "", 8, true, null])("%s is refused naming those there are", async (quantization) => {
    const options = { quantization } as unknown as BuildOptions;
    await expect(HnswIndex.build(uniformRows(20, 4), options)).rejects.toMatchObject(refused('"uint8"'));
  });

  it("of sparse rows or bits is refused", () => {
    const sparse = () => HnswIndex.buildSync(sparseRows(20, 9, 3), { metric: "cosine", quantization: "uint8" });
    const bits = () => HnswIndex.buildSync([[1], [2]], { metric: "bit_hamming", quantization: "binary" });
    for (const call of [sparse, bits]) expect(call).toThrow(expect.objectContaining(refused("quantization")));
  });

  it("undefined is none", () => {
    const index = HnswIndex.buildSync(uniformRows(20, 4), { quantization: undefined });
    expect(index.parameters.quantization).toBeUndefined();
  });
});
