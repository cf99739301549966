import { describe, expect, it } from "vitest";
import { type BuildOptions, HnswError, HnswIndex, type MetricInfo, type MetricName, metrics } from "../../src/index.ts";
import { describeWith, load } from "../support/data.ts";
import { type Expected, golden, goldenCases, rowsIn } from "../support/golden.ts";

const TOLERANCE = 1e-5;

/** What the engine says of a pair: the distance, or the code with which it refuses the rows. */
function answerOf(call: () => number): number | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof HnswError && error.code !== "ERR_INTERNAL") return error.code;
    throw error;
  }
}

function differences(pairs: Expected[], answer: (pair: Expected) => number | string): object[] {
  return pairs.flatMap((pair) => {
    const seen = answer(pair);
    return agree(seen, pair.distance) ? [] : [{ pair: pair.pair, expected: pair.distance, seen }];
  });
}

function agree(seen: number | string, expected: number | string): boolean {
  if (typeof seen === "string" || typeof expected === "string" || !Number.isFinite(expected)) return seen === expected;
  return Math.abs(seen - expected) <= TOLERANCE * Math.max(1, Math.abs(expected));
}

describe("values of PyNNDescent (or ours, where they are better)", () => {
  const cases = goldenCases().flatMap(({ entry, form, pairs }) => {
    const given = Object.entries(entry.params ?? {}).map(([name, value]) =>
      Array.isArray(value) ? name : `${name}=${value}`,
    );
    const title = given.length === 0 ? form : `${given.join(", ")}; ${form}`;
    return [entry.name, ...entry.aliases].map((name) => ({ name, title, form, pairs }));
  });

  it.each(cases)("$name ($title), of queries", ({ name, form, pairs }) => {
    for (const algorithm of ["exact", "hnsw"] as const) {
      const wrong = differences(pairs, ({ x, y, params }) =>
        answerOf(() => {
          const index = HnswIndex.buildSync(rowsIn(form, [x]), { metric: name, ...params, algorithm });
          index.prepareSync();
          return index.querySync(rowsIn(form, [y]), { k: 1 }).distances.data[0] as number;
        }),
      );
      expect(wrong).toEqual([]);
    }
  });

  it.each(cases.filter(({ name }) => golden.metrics.some((entry) => entry.name === name)))(
    "$name ($title), of neighbour graphs",
    ({ name, form, pairs }) => {
      for (const algorithm of ["exact", "hnsw"] as const) {
        const wrong = differences(pairs, ({ x, y, params }) =>
          answerOf(() => {
            const index = HnswIndex.buildSync(rowsIn(form, [x, y]), {
              metric: name,
              ...params,
              algorithm,
              nNeighbors: 2,
            });
            const [own, one, otherOwn, other] = index.neighborGraphSync().distances.data;
            expect([own, otherOwn, other]).toEqual([0, 0, one]);
            return one as number;
          }),
        );
        expect(wrong).toEqual([]);
      }
    },
  );

  it.each(Object.entries(golden.rejected))("%s is refused: %s", (metric) => {
    const call = () => HnswIndex.buildSync([[1, 2]], { metric: metric as MetricName });
    expect(call).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining("sinkhorn") }),
    );
  });

  it("hammingCount is hamming times the columns", () => {
    const rows = [
      [1, 2, 0, 3],
      [2, 0, 0, 4],
    ];
    const index = HnswIndex.buildSync(rows, { metric: "hammingCount", nNeighbors: 2 });
    expect([...index.neighborGraphSync().distances.data]).toEqual([0, 3, 0, 3]);
  });
});

describe("the table", () => {
  const known = new Map<string, MetricInfo>(
    metrics().flatMap((metric) => [metric.name, ...metric.aliases].map((name) => [name, metric])),
  );

  it("has every name of PyNNDescent, each once", () => {
    const wanted = [...golden.names.dense, ...golden.names.sparse, ...golden.names.proxy];
    const missing = [...new Set(wanted)].filter((name) => !known.has(name) && golden.rejected[name] === undefined);
    expect(missing).toEqual([]);
    const all = metrics().flatMap((metric) => [metric.name, ...metric.aliases]);
    expect(new Set(all).size).toBe(all.length);
  });

  it("says what PyNNDescent calls angular, and which metrics it has for sparse rows", () => {
    for (const name of golden.names.dense.filter((name) => golden.rejected[name] === undefined)) {
      expect({ name, angular: known.get(name)?.angular }).toEqual({ name, angular: golden.angular.includes(name) });
    }
    for (const name of golden.names.sparse)
      expect({ name, forms: known.get(name)?.forms }).toMatchObject({ forms: expect.arrayContaining(["sparse"]) });
  });

  it("has the quantizations of PyNNDescent", () => {
    for (const [quantization, names] of Object.entries(golden.quantized)) {
      for (const name of names) {
        expect({ name, quantizations: known.get(name)?.quantizations }).toEqual({
          name,
          quantizations: expect.arrayContaining([quantization]),
        });
      }
    }
  });

  it.each(metrics().flatMap(({ name, aliases }) => aliases.map((alias) => ({ name, alias }))))(
    "$alias is $name",
    ({ name, alias }) => {
      expect(HnswIndex.buildSync([[1, 2]], { metric: alias }).metric).toBe(name);
    },
  );

  it.each(metrics())("$name is refused for rows of a form that it does not list", ({ name, forms, params }) => {
    const inputs = { dense: [[1, 2]], sparse: { indptr: [0, 1], indices: [1], data: [1], shape: [1, 2] } };
    const given: Record<string, BuildOptions> = {
      w: { w: [1, 1] },
      sigma: { sigma: [1, 1] },
      vinv: { vinv: [1, 0, 0, 1] },
    };
    const options = Object.assign({ metric: name }, ...params.map((param) => given[param] ?? {}));
    for (const form of ["dense", "sparse"] as const) {
      const call = () => HnswIndex.buildSync(inputs[form], options);
      // Numbers from 0 to 255 are packed bits to a bit metric.
      const taken = forms.includes(form) || (form === "dense" && forms.includes("bits"));
      if (taken) expect(call().metric).toBe(name);
      else expect(call).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    }
  });
});

describe("metric parameters", () => {
  const rows = [
    [1, 2, 0, 3],
    [2, 0, 0, 4],
    [0, 1, 5, 1],
  ];
  const graphOf = (options: BuildOptions) =>
    HnswIndex.buildSync(rows, { nNeighbors: 3, ...options }).neighborGraphSync();

  it("lists may be arrays, typed arrays or ndarrays", async () => {
    const { default: ndarray } = await import("ndarray");
    const w = [1, 2, 3, 4];
    const expected = graphOf({ metric: "weighted_minkowski", p: 3, w });
    const everySecond = ndarray(Float64Array.of(1, 9, 2, 9, 3, 9, 4, 9), [4], [2]);
    for (const same of [Float32Array.from(w), Float64Array.from(w), Uint8Array.from(w), ndarray(w), everySecond]) {
      expect(graphOf({ metric: "weighted_minkowski", p: 3, w: same })).toEqual(expected);
    }
  });

  it("squares may be rows, ndarrays, arrays with their shape, or all in a row", async () => {
    const { default: ndarray } = await import("ndarray");
    const vinv = [2, 1, 0, 0, 1, 3, 0, 0, 0, 0, 4, 1, 0, 0, 1, 5];
    const expected = graphOf({ metric: "mahalanobis", vinv });
    const nested = [0, 1, 2, 3].map((row) => vinv.slice(4 * row, 4 * row + 4));
    const transposed = ndarray(Float64Array.from(vinv), [4, 4]).transpose(1, 0);
    for (const same of [nested, transposed, Float64Array.from(vinv), { data: vinv, shape: [4, 4] }]) {
      expect(graphOf({ metric: "mahalanobis", vinv: same })).toEqual(expected);
    }
  });
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
