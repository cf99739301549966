import { describe, expect, it } from "vitest";
import { HnswIndex, type Neighbors } from "../../src/index.ts";
import { describeWith, load } from "../support/data.ts";
import { goldenCases } from "../support/golden.ts";
import { cosine, hellinger, quality, spread } from "../support/oracle.ts";
import { type Csr, denseOf, nearestCosine, sparseRows, topicRows } from "../support/sparse.ts";

describe("every metric for sparse rows", () => {
  const rows = sparseRows(150, 40, 9, 3);
  const queries = sparseRows(20, 40, 9, 4);
  const TOLERANCE = 1e-5;

  /** Those for which PyNNDescent's own values do not depend on the form. */
  const cases = goldenCases().flatMap(({ entry, form }) => {
    const random = entry.ours.random ?? entry.core?.random ?? entry.values.random;
    const agree = (entry.sparse?.random as number[] | undefined)?.every((value, i) => {
      return Math.abs(value - ((random as number[])[i] as number)) < TOLERANCE * Math.max(1, value);
    });
    return form === "sparse" && (agree || entry.name === "cosine") ? [{ name: entry.name, params: entry.params }] : [];
  });

  it("is checked but for those whose values depend on the form", () => {
    const names = new Set(cases.map(({ name }) => name));
    const all = new Set(goldenCases().flatMap(({ entry, form }) => (form === "sparse" ? [entry.name] : [])));
    const excepted = ["jensen-shannon", "symmetric-kl"];
    expect([...all].filter((name) => !names.has(name)).filter((name) => !excepted.includes(name))).toEqual([]);
  });

  const fits = cases.map(({ name, params }) => {
    const cost = Array.from({ length: 40 }, (_, i) => Array.from({ length: 40 }, (_, j) => Math.abs(i - j)));
    return {
      name,
      options: params !== null && "cost" in params ? { cost } : (params ?? {}),
      given: Object.keys(params ?? {}),
    };
  });
  it.each(fits)("$name ($given): sparse equals dense to 1e-5", ({ name, options }) => {
    for (const algorithm of ["exact", "hnsw"] as const) {
      const [sparse, dense] = [rows, denseOf(rows)].map((input) => {
        const index = HnswIndex.buildSync(input, { metric: name, ...options, algorithm, nNeighbors: 8 });
        const graph = index.neighborGraphSync();
        return [graph, index.querySync(input === rows ? queries : denseOf(queries), { k: 8, ef: 150 })];
      }) as [Neighbors[], Neighbors[]];
      sparse.forEach((found, i) => {
        const other = dense[i]?.distances.data as Float32Array;
        const wrong = [...found.distances.data].filter((value, at) => {
          const expected = other[at] as number;
          return value !== expected && !(Math.abs(value - expected) <= TOLERANCE * Math.max(1, Math.abs(expected)));
        });
        expect(wrong).toEqual([]);
      });
    }
  });
});

describe("wide rows", () => {
  const rows = topicRows(1000, 1_000_000, 40, 5);
  const K = 10;
  const sample = spread(1000, 60);

  function recallOf({ distances }: Neighbors): number {
    const hits = sample.map((query) => {
      const limit = (nearestCosine(rows, rows, query, K)[K - 1] as number) + 1e-5;
      return distances.data.subarray(query * K, (query + 1) * K).filter((distance) => distance <= limit).length;
    });
    return hits.reduce((sum, count) => sum + count) / (sample.length * K);
  }

  it.each([
    ["exact", 1],
    ["hnsw", 0.98],
  ] as const)("of 10^6 columns: %s has recall >= %d", async (algorithm, recall) => {
    const index = await HnswIndex.build(rows, { metric: "cosine", algorithm, nNeighbors: K });
    await index.prepare();
    expect(recallOf(await index.neighborGraph())).toBeGreaterThanOrEqual(recall);
    expect(recallOf(await index.query(rows, { k: K, epsilon: 0.2 }))).toBeGreaterThanOrEqual(recall);
    expect(index.stats().unreachable).toBe(0);
  });

  it("take at most 1.5 times the memory of the CSR", () => {
    const bytes = rows.indptr.byteLength + rows.indices.byteLength + rows.data.byteLength;
    expect(HnswIndex.buildSync(rows, { metric: "cosine" }).stats().rowsBytes).toBeLessThanOrEqual(1.5 * bytes);
  });
});

for (const [file, title, metric, distance] of [
  ["newsgroups_pcmac.npz", "word counts (pcmac)", "hellinger", hellinger],
  ["newsgroups_basehock.npz", "word counts (basehock)", "cosine", cosine],
] as const) {
  describeWith(file, title, () => {
    const { data, indices, indptr, shape, y } = load(file, "data", "indices", "indptr", "shape", "y");
    const rows: Csr = {
      data: Float32Array.from(data.data),
      indices: Int32Array.from(indices.data),
      indptr: Int32Array.from(indptr.data),
      shape: [shape.data[0] as number, shape.data[1] as number],
    };
    const dense = denseOf(rows);
    /** Share of the neighbours that are as near as the last true one. */
    const recallOf = ({ distances: { data } }: Neighbors, { distances: { data: truth } }: Neighbors) => {
      const near = data.filter((distance, at) => distance <= (truth[at - (at % 15) + 14] as number) + 1e-5);
      return near.length / data.length;
    };
    const oneNearest = ({ indices: { data: ids } }: Neighbors, k: number) => {
      const right = spread(rows.shape[0], rows.shape[0]).filter((row) => {
        const other = ids[row * k] === row ? (ids[row * k + 1] as number) : (ids[row * k] as number);
        return y.data[other] === y.data[row];
      });
      return right.length / rows.shape[0];
    };

    it(`${metric}: recall >= 0.98, leave-one-out 1-NN within 0.005 of exact`, async () => {
      const exact = await HnswIndex.build(rows, { metric, nNeighbors: 15, algorithm: "exact" });
      const walked = await HnswIndex.build(rows, { metric, nNeighbors: 15, algorithm: "hnsw", seed: 5 });
      await walked.prepare();
      const truth = await exact.neighborGraph();
      expect(quality(truth, dense, spread(rows.shape[0], 20), { distance }).recall).toBe(1);
      for (const found of [await walked.neighborGraph(), await walked.query(rows, { k: 15, epsilon: 0.12 })]) {
        expect(recallOf(found, truth)).toBeGreaterThanOrEqual(0.98);
        expect(Math.abs(oneNearest(found, 15) - oneNearest(truth, 15))).toBeLessThanOrEqual(0.005);
      }
    });
  });
}
