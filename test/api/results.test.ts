import { describe, expect, it } from "vitest";
import { HnswIndex, type Neighbors } from "../../src/index.ts";
import { clusteredRows, type FloatMatrix, reordered, sortedOrder, uniformRows } from "../support/random.ts";

function rowsOf({ indices, distances }: Neighbors) {
  const [rows, k] = indices.shape as [number, number];
  return Array.from({ length: rows }, (_, row) => ({
    ids: [...indices.data.subarray(row * k, (row + 1) * k)],
    distances: [...distances.data.subarray(row * k, (row + 1) * k)],
  }));
}

function expectOrdered(found: Neighbors): void {
  for (const { ids, distances } of rowsOf(found)) {
    const present = ids.filter((id) => id >= 0);
    expect(new Set(present).size).toBe(present.length);
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
    expect(distances.every((distance) => distance >= 0)).toBe(true);
  }
}

describe("shapes and types", () => {
  const rows = uniformRows(200, 4);
  const index = HnswIndex.buildSync(rows, { nNeighbors: 7 });

  it("the neighbour graph is n x nNeighbors, int32 and float32, row-major", async () => {
    const { indices, distances } = await index.neighborGraph();
    expect(indices.data).toBeInstanceOf(Int32Array);
    expect(distances.data).toBeInstanceOf(Float32Array);
    for (const { shape, stride, offset } of [indices, distances]) {
      expect({ shape, stride, offset }).toEqual({ shape: [200, 7], stride: [7, 1], offset: 0 });
    }
  });

  it("the row itself comes first, at distance 0", async () => {
    const graph = rowsOf(await index.neighborGraph());
    graph.forEach(({ ids, distances }, row) => {
      expect([ids[0], distances[0]]).toEqual([row, 0]);
    });
  });

  it("neighbours ascend and are distinct", async () => {
    expectOrdered(await index.neighborGraph());
    expectOrdered(await index.query(rows, { k: 12 }));
  });

  it.each([1, 1000])(
    "%i queries get arrays of their own from each call, the same as from the other twin",
    async (q) => {
      const one = uniformRows(q, 4, 31);
      const first = index.querySync(one, { k: 5 });
      const kept = rowsOf(first);
      const other = index.querySync(uniformRows(q, 4, 32), { k: 5 });
      expect(rowsOf(first)).toEqual(kept);
      expect(rowsOf(other)).not.toEqual(kept);
      expect(rowsOf(await index.query(one, { k: 5 }))).toEqual(kept);
      expect(other.indices.data.buffer).not.toBe(first.indices.data.buffer);
    },
  );

  it("results are copies of the caller's own", async () => {
    const first = await index.neighborGraph();
    first.indices.data.fill(-7);
    first.distances.data.fill(-7);
    expect((await index.neighborGraph()).indices.data).not.toContain(-7);
    expect(index.neighborGraphSync().distances.data).not.toContain(-7);
  });

  it("results outlive their index", async () => {
    const own = HnswIndex.buildSync(rows, { nNeighbors: 7 });
    const graph = await own.neighborGraph();
    own.close();
    expect(graph.indices.data).toEqual((await index.neighborGraph()).indices.data);
  });
});

describe("k", () => {
  const rows = uniformRows(20, 3);

  it.each(["exact", "hnsw"] as const)("0 gives an empty result (%s)", async (algorithm) => {
    const index = HnswIndex.buildSync(rows, { algorithm });
    for (const found of [await index.query(rows, { k: 0 }), index.querySync(rows, { k: 0 })]) {
      expect([found.indices.shape, found.distances.shape]).toEqual([
        [20, 0],
        [20, 0],
      ]);
      expect([found.indices.data.length, found.distances.data.length]).toEqual([0, 0]);
    }
  });

  it.each(["exact", "hnsw"] as const)("beyond the rows is padded with -1 and Infinity (%s)", async (algorithm) => {
    const index = HnswIndex.buildSync(rows, { algorithm, nNeighbors: 23 });
    for (const found of [await index.query(rows, { k: 23 }), await index.neighborGraph()]) {
      for (const { ids, distances } of rowsOf(found)) {
        expect(ids.slice(0, 20).sort((a, b) => a - b)).toEqual([...Array(20).keys()]);
        expect(ids.slice(20)).toEqual([-1, -1, -1]);
        expect(distances.slice(20)).toEqual(Array(3).fill(Number.POSITIVE_INFINITY));
      }
      expectOrdered(found);
    }
  });

  it("of the rows gives every row once", async () => {
    const big = uniformRows(2000, 6);
    const index = HnswIndex.buildSync(big, { algorithm: "hnsw" });
    await index.prepare();
    const { indices } = await index.query(uniformRows(3, 6, 9), { k: 600 });
    for (let query = 0; query < 3; query++) {
      const ids = indices.data.subarray(query * 600, (query + 1) * 600);
      expect(new Set(ids).size).toBe(600);
      expect(ids).not.toContain(-1);
    }
  });

  it("is 10 by default", () => {
    expect(HnswIndex.buildSync(rows).querySync(rows).indices.shape).toEqual([20, 10]);
  });

  it("0 queries give an empty result", async () => {
    const index = HnswIndex.buildSync(rows);
    expect((await index.query([], { k: 4 })).indices.shape).toEqual([0, 4]);
    expect((await index.query({ data: new Float32Array(0), shape: [0, 3] }, { k: 4 })).distances.shape).toEqual([0, 4]);
  });
});

describe("sizes and orders", () => {
  const shuffledOrder = (rows: FloatMatrix) => {
    const order = [...Array(rows.shape[0]).keys()];
    const keys = uniformRows(order.length, 1, 5).data;
    return order.sort((a, b) => (keys[a] as number) - (keys[b] as number));
  };
  const orders = {
    random: (rows: FloatMatrix) => reordered(rows, shuffledOrder(rows)),
    sorted: (rows: FloatMatrix) => reordered(rows, sortedOrder(rows)),
    clustered: (rows: FloatMatrix) => rows,
  };
  const cases = [1, 2, 3, 100, 2000, 14_000].flatMap((n) =>
    (["random", "sorted", "clustered"] as const).map((order) => ({ n, order })),
  );

  it.each(cases)("$n rows in $order order: all reachable, each found by itself", async ({ n, order }) => {
    const rows = orders[order](clusteredRows(n, 6, n));
    const index = await HnswIndex.build(rows, { algorithm: "hnsw", nNeighbors: 5 });
    await index.prepare();
    expect(index.stats()).toMatchObject({ rows: n, searchReady: true, unreachable: 0 });
    const { indices, distances } = await index.query(rows, { k: 1, epsilon: 0.3 });
    const found = [...indices.data].filter((id, row) => id === row || distances.data[row] === 0).length;
    expect(found / n).toBeGreaterThanOrEqual(0.995);
    const graph = await index.neighborGraph();
    expect(rowsOf(graph).every(({ ids }, row) => ids[0] === row)).toBe(true);
    index.close();
  });

  it.each(["exact", "hnsw"] as const)("all rows equal: k distinct ids at distance 0 (%s)", async (algorithm) => {
    const rows = { data: new Float32Array(500 * 4).fill(3), shape: [500, 4] };
    const index = HnswIndex.buildSync(rows, { algorithm, nNeighbors: 8 });
    await index.prepare();
    for (const found of [await index.neighborGraph(), await index.query(rows, { k: 8 })]) {
      expectOrdered(found);
      expect(new Set(found.distances.data)).toEqual(new Set([0]));
    }
    expect(index.stats().unreachable).toBe(0);
  });
});

describe("determinism", () => {
  const rows = clusteredRows(3000, 12);
  const queries = uniformRows(300, 12, 8);

  async function everything(algorithm: "exact" | "hnsw", threads: number, seed: number | bigint) {
    const index = await HnswIndex.build(rows, { algorithm, threads, seed, nNeighbors: 10 });
    await index.prepare();
    const graph = await index.neighborGraph();
    const hits = await index.query(queries, { k: 10 });
    await index.update({ fresh: queries });
    return [graph, hits, await index.query(queries, { k: 10 }), await index.neighborGraph()];
  }

  it.each(["exact", "hnsw"] as const)(
    "the same seed gives the same bytes on 1, 2 and 5 threads (%s)",
    async (algorithm) => {
      const one = await everything(algorithm, 1, 7);
      expect(await everything(algorithm, 2, 7)).toEqual(one);
      expect(await everything(algorithm, 5, 7n)).toEqual(one);
    },
  );

  it("takes 64-bit seeds whole", async () => {
    const levelsOf = async (seed: bigint) => {
      const index = HnswIndex.buildSync(rows, { algorithm: "hnsw", seed });
      await index.prepare();
      return index.querySync(queries, { k: 3, ef: 3 });
    };
    expect(await levelsOf(2n ** 64n - 1n)).toEqual(await levelsOf(2n ** 64n - 1n));
    expect(await levelsOf(2n ** 63n)).not.toEqual(await levelsOf(0n));
  });
});

describe("sync and async", () => {
  it("give the same results", async () => {
    const [rows, queries, fresh] = [uniformRows(700, 9), uniformRows(50, 9, 2), uniformRows(40, 9, 3)];
    for (const metric of ["euclidean", "cosine", "manhattan"] as const) {
      const options = { metric, nNeighbors: 6, algorithm: "hnsw" } as const;
      const one = HnswIndex.buildSync(rows, options);
      const other = await HnswIndex.build(rows, options);
      one.prepareSync();
      await other.prepare();
      expect(await other.neighborGraph()).toEqual(one.neighborGraphSync());
      expect(await other.query(queries)).toEqual(one.querySync(queries));
      one.updateSync({ fresh });
      await other.update({ fresh });
      expect(other.size).toBe(one.size);
      expect(await other.query(queries)).toEqual(one.querySync(queries));
      expect(await other.neighborGraph()).toEqual(one.neighborGraphSync());
    }
  });
});

describe("update", () => {
  it.each(["exact", "hnsw"] as const)("appended rows get the next ids and are found (%s)", async (algorithm) => {
    const index = HnswIndex.buildSync(uniformRows(500, 8), { algorithm, nNeighbors: 5 });
    for (let round = 0; round < 5; round++) {
      if (round === 2) await index.prepare();
      const fresh = uniformRows(30, 8, 100 + round);
      const before = index.size;
      await index.update({ fresh });
      expect(index.size).toBe(before + 30);
      const { indices, distances } = await index.query(fresh, { k: 1, epsilon: 0.3 });
      expect([...indices.data]).toEqual(Array.from({ length: 30 }, (_, i) => before + i));
      expect(Math.max(...distances.data)).toBe(0);
    }
    const graph = await index.neighborGraph();
    expect(graph.indices.shape).toEqual([650, 5]);
    expect(index.stats()).toMatchObject({ rows: 650, unreachable: 0 });
  });
});
