import { describe, expect, it } from "vitest";
import { HnswIndex, metrics } from "../../src/index.ts";
import { describeWith, load } from "../support/data.ts";

/** PyNNDescent's values (cosine unclipped, 0 to 2). */
const pairs = {
  a: [
    [1, 2, 0, 3],
    [2, 0, 0, 4],
  ],
  binary: [
    [1, 1, 0, 1],
    [1, 0, 0, 1],
  ],
  zero: [
    [1, 2, 0, 3],
    [0, 0, 0, 0],
  ],
  zeros: [
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ],
  negative: [
    [1, 2, 0, 3],
    [-1, -2, 0, -3],
  ],
  units: [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
  ],
};

const root2 = Math.SQRT2;
const golden = [
  { metric: "euclidean", a: 2.44949, binary: 1, zero: 3.741657, zeros: 0, negative: 7.483315, units: root2 },
  { metric: "sqeuclidean", a: 6, binary: 1, zero: 14, zeros: 0, negative: 56, units: 2 },
  { metric: "manhattan", a: 4, binary: 1, zero: 6, zeros: 0, negative: 12, units: 2 },
  { metric: "chebyshev", a: 2, binary: 1, zero: 3, zeros: 0, negative: 6, units: 1 },
  {
    metric: "minkowski",
    p: 3,
    a: 2.154435,
    binary: 1,
    zero: 3.301927,
    zeros: 0,
    negative: 6.603854,
    units: 2 ** (1 / 3),
  },
  { metric: "minkowski", p: 1, a: 4, binary: 1, zero: 6, zeros: 0, negative: 12, units: 2 },
  { metric: "minkowski", p: Infinity, a: 2, binary: 1, zero: 3, zeros: 0, negative: 6, units: 1 },
  { metric: "minkowski", a: 2.44949, binary: 1, zero: 3.741657, zeros: 0, negative: 7.483315, units: root2 },
  { metric: "cosine", a: 0.16334, binary: 0.183503, zero: 1, zeros: 1, negative: 2, units: 1 },
  { metric: "correlation", a: 0.3258, binary: 0.42265, zero: 1, zeros: 0, negative: 2, units: 1.333333 },
  { metric: "hamming", a: 0.75, binary: 0.25, zero: 0.75, zeros: 0, negative: 0.75, units: 0.5 },
];

describe("values", () => {
  const cases = golden.flatMap(({ metric, p, ...values }) =>
    Object.entries(values).map(([pair, distance]) => ({
      title: `${metric}${p === undefined ? "" : `(${p})`}`,
      pair: pair as keyof typeof pairs,
      distance,
      options: { metric, ...(p === undefined ? {} : { p }) },
    })),
  );

  it.each(cases)("$title of the pair $pair is $distance", ({ pair, distance, options }) => {
    const [x, y] = pairs[pair] as [number[], number[]];
    for (const algorithm of ["exact", "hnsw"] as const) {
      const index = HnswIndex.buildSync([x], { ...options, algorithm });
      index.prepareSync();
      expect(index.querySync([y], { k: 1 }).distances.data[0]).toBeCloseTo(distance, 5);
      const both = HnswIndex.buildSync([x, y], { ...options, algorithm, nNeighbors: 2 });
      expect([...both.neighborGraphSync().distances.data]).toEqual([
        0,
        expect.closeTo(distance, 5),
        0,
        expect.closeTo(distance, 5),
      ]);
    }
  });
});

describe("the table", () => {
  it("has the metrics and what PyNNDescent calls angular", () => {
    expect(metrics().map(({ name, angular }) => ({ name, angular }))).toEqual([
      { name: "euclidean", angular: false },
      { name: "sqeuclidean", angular: false },
      { name: "manhattan", angular: false },
      { name: "chebyshev", angular: false },
      { name: "minkowski", angular: false },
      { name: "cosine", angular: true },
      { name: "correlation", angular: true },
      { name: "hamming", angular: true },
    ]);
  });

  it.each(metrics().flatMap(({ name, aliases }) => aliases.map((alias) => ({ name, alias }))))(
    "$alias is $name",
    ({ name, alias }) => {
      const rows = [
        [1, 2, 3],
        [4, 0, 1],
        [2, 2, 2],
      ];
      const index = HnswIndex.buildSync(rows, { metric: alias });
      expect(index.metric).toBe(name);
      expect(index.neighborGraphSync()).toEqual(HnswIndex.buildSync(rows, { metric: name }).neighborGraphSync());
    },
  );
});

describeWith("cosine_duplicates.npz", "cosine with zero rows and duplicates", () => {
  it("gives no NaN, no negative distance, no repeated id", async () => {
    const { x } = load("cosine_duplicates.npz", "x");
    for (const algorithm of ["exact", "hnsw"] as const) {
      const index = await HnswIndex.build(x, { metric: "cosine", nNeighbors: 15, algorithm });
      const { indices, distances } = await index.neighborGraph();
      expect(distances.data.every((distance) => distance >= 0 && distance <= 2)).toBe(true);
      for (let row = 0; row < 4400; row++) {
        expect(new Set(indices.data.subarray(row * 15, (row + 1) * 15)).size).toBe(15);
      }
    }
  });
});

describeWith("cosine_near_duplicates.npz", "cosine of rows that are nearly equal", () => {
  it("stays within 0 and what float32 can tell", async () => {
    const { x } = load("cosine_near_duplicates.npz", "x");
    const index = await HnswIndex.build(x, { metric: "cosine", nNeighbors: 32 });
    const { distances } = await index.neighborGraph();
    expect(Math.min(...distances.data)).toBe(0);
    expect(Math.max(...distances.data)).toBeLessThan(1e-6);
  });
});
