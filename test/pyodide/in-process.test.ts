/** The engine inside the process of Pyodide: how it is found, whose memory is whose, what numpy is needed for. */
import { loadPyodide, type PyodideAPI } from "pyodide";
import { beforeAll, expect, test } from "vitest";
import { engineModule, MODULE_NAME, mountPackage } from "../../bridge/pyodide.ts";
import { HnswIndex, type MatrixInput } from "../../src/index.ts";

let pyodide: PyodideAPI;
let beforeRegistering: string;

/** Runs Python; the value of its last line, which is to be plain. */
function run(code: string): unknown {
  const value = pyodide.runPython(code);
  return value?.toJs?.() ?? value;
}

/** The class, code and message of what an expression raises. */
function raised(expression: string): unknown {
  return run(`
def caught():
    try:
        return repr(${expression})
    except Exception as error:
        return f"{type(error).__name__} {getattr(error, 'code', None)}: {error}"
caught()`);
}

beforeAll(async () => {
  pyodide = await loadPyodide();
  mountPackage(pyodide);
  run("from hnsw_bridge import HnswIndexWrapper");
  beforeRegistering = String(raised("HnswIndexWrapper([[1.0], [2.0]])"));
  pyodide.registerJsModule(MODULE_NAME, engineModule());
  run(`
import gc, hnsw_bridge
from array import array
rows = [[i % 13, i % 17, i / 50] for i in range(400)]
index = HnswIndexWrapper(rows, n_neighbors=5, random_state=1)`);
});

test("without the registered module there is no engine, and the error says how to get one", () => {
  expect(beforeRegistering).toMatch(
    /^EngineUnavailable ERR_SERVER_DIED: no module hnsw_bridge_js: .*install\(pyodide\)/,
  );
});

test("results are Python's own memory: writable, of their types, and not the engine's", () => {
  const seen = run(`
indices, distances = index.neighbor_graph
before = indices.tolist(), distances.tolist()
indices[3, 1], distances[3, 1] = -7, 9.5
again = index.neighbor_graph
[[part.shape, part.format, part.readonly] for part in (indices, distances)] + [
    indices[3, 1], distances[3, 1], (again[0].tolist(), again[1].tolist()) == before]`);
  expect(seen).toEqual([[[400, 5], "i", false], [[400, 5], "f", false], -7, 9.5, true]);
});

test("rows are copied: what the caller does to them later changes nothing", () => {
  const seen = run(`
mine = memoryview(array("f", [x for row in rows for x in row])).cast("B").cast("f", (400, 3))
of_mine = HnswIndexWrapper(mine, n_neighbors=5, random_state=1)
mine[0, 0] = 1000
of_mine.query(rows[:9])[1].tolist() == index.query(rows[:9])[1].tolist()`);
  expect(seen).toBe(true);
});

test("a heap that grows between calls does no harm", () => {
  const seen = run(`
def answers():
    return [part.tolist() for part in index.query(rows[:50], k=3)]
before = answers()
sizes = []
for mib in (16, 64, 128):
    ballast = bytearray(mib << 20)
    sizes.append(answers() == before)
sizes`);
  expect(seen).toEqual([true, true, true]);
});

test("no neighbours asked for are empty results", () => {
  expect(run("[(part.format, part.tolist()) for part in index.query(rows[:4], k=0)]")).toEqual([
    ["i", []],
    ["f", []],
  ]);
});

test("what the engine refuses is raised by the same code, with its message", () => {
  expect(raised("HnswIndexWrapper([[1.0, 2.0], [3.0, float('nan')]])")).toBe(
    "NonFinite ERR_NON_FINITE: value NaN in row 1, column 1; allowed: finite float32",
  );
  expect(raised("HnswIndexWrapper(rows, n_neighbors=10**6)")).toBe(
    "InvalidArgument ERR_INVALID_ARGUMENT: n_neighbors is 1000000, allowed: integer 1 to 65536",
  );
});

test.for([
  ["metric parameters per column", "HnswIndexWrapper(rows, 'seuclidean', metric_kwds={'sigma': [1, 2, 3]})"],
  ["packed bits", "HnswIndexWrapper([[1, 2], [3, 4]], 'bit_hamming')"],
] as const)("%s need numpy, and the error says so", ([, expression]) => {
  expect(raised(expression)).toMatch(/^InvalidArgument ERR_INVALID_ARGUMENT: numpy is needed for this/);
});

/** The neighbour graph of an index that is made below the wrapper, where numpy is not asked for. */
function graphOf(rows: string, options: string): unknown {
  return run(`
from hnsw_bridge._engine import engine
made = engine().build(${rows}, {"n_neighbors": 4, "seed": "1", **${options}}, None)
[part.tolist() for part in made.neighbor_graph(None)]`);
}

function expected(rows: MatrixInput, options: object): unknown {
  const { indices, distances } = HnswIndex.buildSync(rows, { nNeighbors: 4, seed: 1, ...options }).neighborGraphSync();
  const inRows = (flat: ArrayLike<number>) =>
    Array.from({ length: flat.length / 4 }, (_, i) => Array.from(flat).slice(4 * i, 4 * i + 4));
  return [inRows(indices.data), inRows(distances.data)];
}

test("packed bits pass as bytes", () => {
  const data = Uint8Array.from({ length: 96 }, (_, i) => (i * 37) % 256);
  const found = graphOf(
    'memoryview(bytes(i * 37 % 256 for i in range(96))).cast("B", (32, 3))',
    '{"metric": "bit_hamming"}',
  );
  expect(found).toEqual(expected({ data, shape: [32, 3] }, { metric: "bit_hamming" }));
});

test("parameters per column pass as lists of any length", () => {
  const data = Float32Array.from({ length: 90 }, (_, i) => (i * i) % 31);
  const found = graphOf(
    'memoryview(array("f", [i * i % 31 for i in range(90)])).cast("B").cast("f", (30, 3))',
    '{"metric": "seuclidean", "sigma": memoryview(array("f", [1, 4, 0.5]))}',
  );
  expect(found).toEqual(expected({ data, shape: [30, 3] }, { metric: "seuclidean", sigma: [1, 4, 0.5] }));
});

test("sparse rows are not taken, and the error says so", () => {
  run("class Sparse: shape, nnz, tocsr = (2, 2), 0, None");
  expect(raised("HnswIndexWrapper(Sparse())")).toMatch(
    /^InvalidArgument ERR_INVALID_ARGUMENT: .* without rows\.sparse/,
  );
});

test("files of hnswlib are not imported, and the error says so", () => {
  expect(raised("hnsw_bridge.Index.import_hnswlib('any.bin')")).toMatch(
    /^InvalidArgument ERR_INVALID_ARGUMENT: .* cannot import files of hnswlib here/,
  );
});

test.each(["rebuild()", "recall()", "profile(rows)"])("%s is for servers, and the error says so", (call) => {
  expect(raised(`hnsw_bridge.Index(rows).${call}`)).toMatch(
    new RegExp(`^InvalidArgument ERR_INVALID_ARGUMENT: ${call.split("(")[0]} needs a server`),
  );
});

test("a generator of numpy's is not taken without numpy", () => {
  expect(raised("HnswIndexWrapper(rows, random_state=object())")).toMatch(
    /^InvalidArgument .* None or an int without numpy/,
  );
});

test("there is no other engine to connect to", () => {
  expect(raised("hnsw_bridge.connect('tcp://127.0.0.1:5555')")).toMatch(
    /^EngineUnavailable .*tcp:\/\/127\.0\.0\.1:5555/,
  );
});

test("indexes are freed when they are collected, closed, or shut down; the last are made again", () => {
  const seen = run(`
def there_are():
    gc.collect()
    return hnsw_bridge.stats()["session"]["indexes"]
before = there_are()
one, other = HnswIndexWrapper(rows), HnswIndexWrapper(rows)
counts = [there_are() - before]
del one
counts.append(there_are() - before)
other.close()
counts.append(there_are() - before)
expected = index.query(rows[:3])[0].tolist()
hnsw_bridge.shutdown()
counts.append(there_are())
counts + [index.query(rows[:3])[0].tolist() == expected, there_are()]`);
  expect(seen).toEqual([2, 1, 0, 0, true, 1]);
});
