import ndarray from "ndarray";
import { beforeAll, describe, expect, it } from "vitest";
import { ERROR_CODES, type ErrorCode, HnswError, HnswIndex } from "../../src/index.ts";
import { uniformRows } from "../support/random.ts";

/** What is passed in spite of the types. */
// biome-ignore lint/suspicious/noExplicitAny: these tests hand over what TypeScript forbids.
type Anything = any;

interface Case {
  readonly title: string;
  readonly code: ErrorCode;
  /** A part of the message: the name of what is wrong, or the value seen. */
  readonly says: string;
}

const good = uniformRows(20, 3);

async function failureOf(call: () => Promise<unknown>): Promise<HnswError> {
  const promise = call();
  const error = await promise.then(
    () => expect.fail("it was accepted"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HnswError);
  return error as HnswError;
}

function thrownBy(call: () => unknown): HnswError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(HnswError);
    return error as HnswError;
  }
  return expect.fail("it was accepted");
}

function checkError(error: HnswError, { code, says }: Case): void {
  expect(error.message).toContain(says);
  expect(error.code).toBe(code);
  expect(error.name).toBe("HnswError");
}

describe("build rows", () => {
  const inf = Number.POSITIVE_INFINITY;
  const rows: (Case & { rows: Anything })[] = [
    { title: "0 rows in a list", rows: [], code: "ERR_EMPTY_INDEX", says: "0 rows" },
    {
      title: "0 rows in an array",
      rows: ndarray(new Float32Array(0), [0, 3]),
      code: "ERR_EMPTY_INDEX",
      says: "0 rows",
    },
    { title: "0 columns", rows: [[], []], code: "ERR_INVALID_ARGUMENT", says: "columns of rows is 0" },
    { title: "a flat list", rows: [1, 2, 3], code: "ERR_DIMENSION_MISMATCH", says: "flat array of 3" },
    { title: "a flat typed array", rows: new Float32Array(6), code: "ERR_DIMENSION_MISMATCH", says: "flat array" },
    { title: "a 1-D ndarray", rows: ndarray(new Float32Array(6)), code: "ERR_DIMENSION_MISMATCH", says: "[6]" },
    {
      title: "a 3-D ndarray",
      rows: ndarray(new Float32Array(8), [2, 2, 2]),
      code: "ERR_DIMENSION_MISMATCH",
      says: "[2, 2, 2]",
    },
    { title: "ragged rows", rows: [[1, 2], [3]], code: "ERR_DIMENSION_MISMATCH", says: "rows[1] has 1 columns" },
    { title: "a row too long", rows: [[1], [2, 3]], code: "ERR_DIMENSION_MISMATCH", says: "rows[1] has 2 columns" },
    {
      title: "too few values for the shape",
      rows: { data: new Float32Array(5), shape: [2, 3] },
      code: "ERR_DIMENSION_MISMATCH",
      says: "needs 6",
    },
    {
      title: "strides beyond the data",
      rows: { data: new Float32Array(6), shape: [2, 3], stride: [4, 1] },
      code: "ERR_INVALID_ARGUMENT",
      says: "0 to 6",
    },
    {
      title: "strides before the data",
      rows: { data: new Float32Array(6), shape: [2, 3], stride: [-3, 1] },
      code: "ERR_INVALID_ARGUMENT",
      says: "-3 to 2",
    },
    {
      title: "a negative shape",
      rows: { data: new Float32Array(6), shape: [-2, -3] },
      code: "ERR_INVALID_ARGUMENT",
      says: "shape",
    },
    {
      title: "a fractional shape",
      rows: { data: new Float32Array(6), shape: [1.5, 4] },
      code: "ERR_INVALID_ARGUMENT",
      says: "shape",
    },
    { title: "NaN", rows: [[1], [Number.NaN]], code: "ERR_NON_FINITE", says: "NaN in row 1, column 0" },
    { title: "infinity", rows: [[1, -inf]], code: "ERR_NON_FINITE", says: "-Infinity in row 0, column 1" },
    {
      title: "NaN in floats",
      rows: { data: Float32Array.of(0, 0, 0, Number.NaN), shape: [2, 2] },
      code: "ERR_NON_FINITE",
      says: "row 1, column 1",
    },
    {
      title: "a double beyond float32",
      rows: { data: Float64Array.of(1, 1e300), shape: [1, 2] },
      code: "ERR_NON_FINITE",
      says: "1e+300 in row 0, column 1",
    },
    { title: "a text", rows: [["1"]], code: "ERR_INVALID_ARGUMENT", says: '"1"' },
    { title: "a hole", rows: [[1, undefined]], code: "ERR_INVALID_ARGUMENT", says: "rows[0][1]" },
    { title: "a missing row", rows: [[1], null], code: "ERR_INVALID_ARGUMENT", says: "rows[1] is null" },
    { title: "null", rows: null, code: "ERR_INVALID_ARGUMENT", says: "rows is null" },
    { title: "a number", rows: 5, code: "ERR_INVALID_ARGUMENT", says: "rows is 5" },
    { title: "a text for rows", rows: "rows", code: "ERR_INVALID_ARGUMENT", says: '"rows"' },
    { title: "text as data", rows: { data: "abc", shape: [1, 3] }, code: "ERR_INVALID_ARGUMENT", says: "rows.data" },
  ];

  it.each(rows)("refuses $title with $code", async ({ rows, ...expected }) => {
    checkError(await failureOf(() => HnswIndex.build(rows)), expected);
    checkError(
      thrownBy(() => HnswIndex.buildSync(rows)),
      expected,
    );
  });
});

describe("build options", () => {
  const invalid = "ERR_INVALID_ARGUMENT";
  const options: (Case & { options: Anything })[] = [
    { title: "an unknown key", options: { nTree: 3 }, code: invalid, says: "nTree: 3" },
    { title: "options that are no object", options: 7, code: invalid, says: "options is 7" },
    { title: "an unknown metric", options: { metric: "euclid" }, code: "ERR_UNKNOWN_METRIC", says: '"euclid"' },
    { title: "a metric that is no text", options: { metric: null }, code: invalid, says: "metric is null" },
    { title: "p without minkowski", options: { p: 3 }, code: invalid, says: "p is 3" },
    { title: "p = 0", options: { metric: "minkowski", p: 0 }, code: invalid, says: "p is 0" },
    { title: "p = NaN", options: { metric: "minkowski", p: Number.NaN }, code: invalid, says: "p is NaN" },
    { title: "w without a metric that takes it", options: { w: [1, 1, 1] }, code: invalid, says: "w is an array of 3" },
    {
      title: "w too short",
      options: { metric: "weighted_minkowski", w: [1, 1] },
      code: invalid,
      says: "1 x 2 numbers",
    },
    { title: "w as text", options: { metric: "weighted_minkowski", w: "111" }, code: invalid, says: 'w is "111"' },
    { title: "w = null", options: { metric: "weighted_minkowski", w: null }, code: invalid, says: "w is null" },
    {
      title: "NaN in w",
      options: { metric: "weighted_minkowski", w: [1, Number.NaN, 1] },
      code: invalid,
      says: "w[1]",
    },
    { title: "a negative weight", options: { metric: "weighted_minkowski", w: [1, 1, -2] }, code: invalid, says: "-2" },
    { title: "a text in w", options: { metric: "weighted_minkowski", w: [1, "1", 1] }, code: invalid, says: '"1"' },
    { title: "sigma of 0", options: { metric: "seuclidean", sigma: [1, 0, 1] }, code: invalid, says: "sigma" },
    {
      title: "sigma too long",
      options: { metric: "seuclidean", sigma: [1, 1, 1, 1] },
      code: invalid,
      says: "1 x 4 numbers",
    },
    {
      title: "sigma in two dimensions",
      options: { metric: "seuclidean", sigma: [[1], [1], [1]] },
      code: invalid,
      says: "3 x 1",
    },
    {
      title: "vinv too small",
      options: { metric: "mahalanobis", vinv: [1, 0, 0, 1] },
      code: invalid,
      says: "1 x 4 numbers",
    },
    {
      title: "vinv that is ragged",
      options: { metric: "mahalanobis", vinv: [[1, 0, 0], [0], [0, 0, 1]] },
      code: "ERR_DIMENSION_MISMATCH",
      says: "vinv[1]",
    },
    {
      title: "vinv with a negative eigenvalue",
      options: { metric: "mahalanobis", vinv: [1, 0, 0, 0, -1, 0, 0, 0, 1] },
      code: invalid,
      says: "vinv",
    },
    {
      title: "a double beyond float32 in vinv",
      options: { metric: "mahalanobis", vinv: [1e300, 0, 0, 0, 1, 0, 0, 0, 1] },
      code: invalid,
      says: "vinv[0] is 1e+300",
    },
    {
      title: "a negative cost",
      options: { metric: "kantorovich", cost: [0, -1, 1, 1, 0, 1, 1, 1, 0] },
      code: invalid,
      says: "cost",
    },
    { title: "an unknown quantization", options: { quantization: "uint2" }, code: invalid, says: '"uint8"' },
    { title: "nNeighbors = 0", options: { nNeighbors: 0 }, code: invalid, says: "nNeighbors is 0" },
    { title: "nNeighbors = -1", options: { nNeighbors: -1 }, code: invalid, says: "nNeighbors is -1" },
    { title: "nNeighbors = 1.5", options: { nNeighbors: 1.5 }, code: invalid, says: "nNeighbors is 1.5" },
    { title: "nNeighbors beyond 2^24", options: { nNeighbors: 2 ** 32 + 1 }, code: invalid, says: "4294967297" },
    { title: "nNeighbors as text", options: { nNeighbors: "5" }, code: invalid, says: 'nNeighbors is "5"' },
    { title: "an unknown algorithm", options: { algorithm: "best" }, code: invalid, says: '"hnsw"' },
    { title: "m = 1", options: { m: 1 }, code: invalid, says: "m is 1" },
    { title: "efConstruction = 0", options: { efConstruction: 0 }, code: invalid, says: "efConstruction is 0" },
    { title: "ef = 0", options: { ef: 0 }, code: invalid, says: "ef is 0" },
    { title: "maxCandidates = 0", options: { maxCandidates: 0 }, code: invalid, says: "maxCandidates is 0" },
    { title: "nIters = -1", options: { nIters: -1 }, code: invalid, says: "nIters is -1" },
    { title: "nTrees = 0", options: { nTrees: 0 }, code: invalid, says: "nTrees is 0" },
    { title: "graphRecall = 0.4", options: { graphRecall: 0.4 }, code: invalid, says: "graphRecall is 0.4" },
    { title: "graphRecall = 1.1", options: { graphRecall: 1.1 }, code: invalid, says: "from 0.5 to 1" },
    { title: "graphRecall = NaN", options: { graphRecall: Number.NaN }, code: invalid, says: "graphRecall is NaN" },
    { title: "seed = -1", options: { seed: -1 }, code: invalid, says: "seed is -1" },
    { title: "seed = 2^53", options: { seed: 2 ** 53 }, code: invalid, says: "seed is 9007199254740992" },
    { title: "seed = 2^64", options: { seed: 2n ** 64n }, code: invalid, says: "seed is 18446744073709551616n" },
    { title: "threads = 0", options: { threads: 0 }, code: invalid, says: "threads is 0" },
    { title: "a signal that is none", options: { signal: {} }, code: invalid, says: "signal is an object" },
    { title: "progress that is no function", options: { onProgress: 1 }, code: invalid, says: "onProgress is 1" },
  ];

  it.each(options)("refuses $title with $code", async ({ options, ...expected }) => {
    checkError(await failureOf(() => HnswIndex.build(good, options)), expected);
    checkError(
      thrownBy(() => HnswIndex.buildSync(good, options)),
      expected,
    );
  });

  it.each([
    "metric",
    "p",
    "w",
    "sigma",
    "vinv",
    "cost",
    "quantization",
    "nNeighbors",
    "m",
    "ef",
    "graphRecall",
    "seed",
    "threads",
    "signal",
    "onProgress",
  ])("takes undefined for %s as not given", (key) => {
    expect(HnswIndex.buildSync(good, { [key]: undefined }).size).toBe(20);
  });

  it("lists the allowed metrics when refusing one", () => {
    const { message } = thrownBy(() => HnswIndex.buildSync(good, { metric: "nope" as Anything }));
    for (const name of ["euclidean", "l2", "cosine", "minkowski", "hamming"]) expect(message).toContain(name);
  });
});

describe("an index", () => {
  let index: HnswIndex;
  beforeAll(() => {
    index = HnswIndex.buildSync(good);
  });

  const calls: (Case & { call: (index: Anything) => Promise<unknown>; sync: (index: Anything) => unknown })[] = [
    {
      title: "queries of another width",
      call: (index) => index.query([[1, 2]]),
      sync: (index) => index.querySync([[1, 2]]),
      code: "ERR_DIMENSION_MISMATCH",
      says: "2 columns, the index has 3",
    },
    {
      title: "a 1-D query",
      call: (index) => index.query([1, 2, 3]),
      sync: (index) => index.querySync([1, 2, 3]),
      code: "ERR_DIMENSION_MISMATCH",
      says: "queries is a flat array",
    },
    {
      title: "a NaN query",
      call: (index) => index.query([[1, 2, Number.NaN]]),
      sync: (index) => index.querySync([[1, 2, Number.NaN]]),
      code: "ERR_NON_FINITE",
      says: "row 0, column 2",
    },
    {
      title: "k = -1",
      call: (index) => index.query(good, { k: -1 }),
      sync: (index) => index.querySync(good, { k: -1 }),
      code: "ERR_INVALID_ARGUMENT",
      says: "k is -1",
    },
    {
      title: "k = 2.5",
      call: (index) => index.query(good, { k: 2.5 }),
      sync: (index) => index.querySync(good, { k: 2.5 }),
      code: "ERR_INVALID_ARGUMENT",
      says: "k is 2.5",
    },
    {
      title: "epsilon = NaN",
      call: (index) => index.query(good, { epsilon: Number.NaN }),
      sync: (index) => index.querySync(good, { epsilon: Number.NaN }),
      code: "ERR_INVALID_ARGUMENT",
      says: "epsilon is NaN",
    },
    {
      title: "an unknown query option",
      call: (index) => index.query(good, { count: 3 }),
      sync: (index) => index.querySync(good, { count: 3 }),
      code: "ERR_INVALID_ARGUMENT",
      says: "count: 3",
    },
    {
      title: "an update without rows",
      call: (index) => index.update({ fresh: [] }),
      sync: (index) => index.updateSync({ fresh: [] }),
      code: "ERR_EMPTY_INDEX",
      says: "0 rows",
    },
    {
      title: "an update of another width",
      call: (index) => index.update({ fresh: [[1]] }),
      sync: (index) => index.updateSync({ fresh: [[1]] }),
      code: "ERR_DIMENSION_MISMATCH",
      says: "fresh rows have 1 columns",
    },
    {
      title: "an update with NaN behind good rows",
      call: (index) => index.update({ fresh: [...Array(9).fill([1, 2, 3]), [1, 2, Number.NaN]] }),
      sync: (index) => index.updateSync({ fresh: [...Array(9).fill([1, 2, 3]), [1, 2, Number.NaN]] }),
      code: "ERR_NON_FINITE",
      says: "row 9, column 2",
    },
    {
      title: "an unknown change",
      call: (index) => index.update({ stale: [[1, 2, 3]] }),
      sync: (index) => index.updateSync({ stale: [[1, 2, 3]] }),
      code: "ERR_INVALID_ARGUMENT",
      says: "stale",
    },
  ];

  it.each(calls)("refuses $title with $code and stays as it was", async ({ call, sync, ...expected }) => {
    const before = index.neighborGraphSync();
    checkError(await failureOf(() => call(index)), expected);
    checkError(
      thrownBy(() => sync(index)),
      expected,
    );
    expect(index.size).toBe(20);
    expect(index.neighborGraphSync()).toEqual(before);
  });

  it("refuses results that no address space holds", async () => {
    const queries = { data: new Float32Array(3), shape: [2 ** 21, 3], stride: [0, 1] };
    expect((await failureOf(() => index.query(queries, { k: 2 ** 24 }))).code).toBe("ERR_OUT_OF_MEMORY");
  });
});

describe("after close", () => {
  const closed = () => {
    const index = HnswIndex.buildSync(good);
    index.close();
    return index;
  };

  it.each<[string, (index: HnswIndex) => Promise<unknown>]>([
    ["neighborGraph", (index) => index.neighborGraph()],
    ["query", (index) => index.query(good)],
    ["update", (index) => index.update({ fresh: good })],
    ["prepare", (index) => index.prepare()],
  ])("%s rejects with ERR_CLOSED", async (_, call) => {
    expect((await failureOf(() => call(closed()))).code).toBe("ERR_CLOSED");
  });

  it.each<[string, (index: HnswIndex) => unknown]>([
    ["neighborGraphSync", (index) => index.neighborGraphSync()],
    ["querySync", (index) => index.querySync(good)],
    ["updateSync", (index) => index.updateSync({ fresh: good })],
    ["prepareSync", (index) => index.prepareSync()],
    ["stats", (index) => index.stats()],
    ["plan", (index) => index.plan],
  ])("%s throws ERR_CLOSED", (_, call) => {
    expect(thrownBy(() => call(closed())).code).toBe("ERR_CLOSED");
  });

  it("size, dim and metric are still told, and close may be called again", () => {
    const index = closed();
    index.close();
    index[Symbol.dispose]();
    expect(index).toMatchObject({ closed: true, size: 20, dim: 3, metric: "euclidean", nNeighbors: 30 });
  });
});

describe("ERROR_CODES", () => {
  it("has no doubles and only names of one form", () => {
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
    for (const code of ERROR_CODES) expect(code).toMatch(/^ERR_[A-Z_]+$/);
  });
});
