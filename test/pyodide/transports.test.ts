/** The same program in Pyodide and over ZeroMQ: one engine, two ways there, equal answers. */
import type { PyodideAPI } from "pyodide";
import { beforeAll, describe, expect, test } from "vitest";
import {
  hasPython,
  packages,
  python,
  pythonWithNumpy,
  type Report,
  reportInPyodide,
  reportOverZeroMQ,
  runPython,
} from "./python.ts";

const TOPICS = ["query", "neighbor_graph", "metrics", "update", "prepare", "batches", "bad_input", "pickling"];

if (!hasPython) console.warn("skipped: the other transport, for there is no .venv (npm run setup makes it)");
if (packages === undefined)
  console.warn("skipped: numpy in Pyodide, for PYODIDE_PACKAGES names no folder with its wheel");

describe.skipIf(!hasPython)("without numpy", () => {
  let pyodide: PyodideAPI;
  let here: Report;
  let there: Report;

  beforeAll(async () => {
    const overZeroMQ = reportOverZeroMQ();
    pyodide = await python();
    here = reportInPyodide(pyodide);
    there = await overZeroMQ;
  });

  test("one side was answered by a server, the other in this process", () => {
    expect(there.server.pid).toBeGreaterThan(0);
    expect(here.server.pid).toBeUndefined();
    for (const { calls } of [here.server, there.server]) expect(calls.query).toBeGreaterThan(10);
    expect(pyodide.runPython("import sys; 'numpy' in sys.modules or 'zmq' in sys.modules")).toBe(false);
  });

  test("the program has no other topics than those compared below", () => {
    expect(Object.keys(there.answers)).toEqual(TOPICS);
  });

  test.for(TOPICS)("%s: equal answers", (topic) => {
    expect(here.answers[topic]).toEqual(there.answers[topic]);
  });

  test("every bad input is refused by an error that has its class", () => {
    const { after, ...refused } = here.answers.bad_input ?? {};
    expect(after).toBeDefined();
    for (const [name, kind] of Object.values(refused) as [string, unknown][]) {
      expect(name).toMatch(/^[A-Z][A-Za-z]+$/);
      if (!/^(TypeError|ValueError|IndexError)$/.test(name)) expect(kind).toMatch(/^ERR_/);
    }
  });

  test("a pickle made in Pyodide is loaded with numpy and a server, and answers alike", async () => {
    const [pickle, expected] = pyodide
      .runPython(`
        import base64, json, pickle
        from hnsw_bridge import HnswIndexWrapper
        index = HnswIndexWrapper([[i % 7, i % 11, i / 100] for i in range(300)], n_neighbors=4, random_state=3)
        found = [part.tolist() for part in (*index.neighbor_graph, *index.query([[1, 2, 3]]))]
        (base64.b64encode(pickle.dumps(index)).decode(), json.dumps(found))
      `)
      .toJs();
    const load = `
import base64, json, pickle, sys
index = pickle.loads(base64.b64decode(sys.stdin.read()))
assert index._products
print(json.dumps([part.tolist() for part in (*index.neighbor_graph, *index.query([[1, 2, 3]]))]))
assert index._raw_data.dtype == "float32" and index._raw_data.flags.writeable
`;
    expect(JSON.parse(await runPython(["-c", load], pickle))).toEqual(JSON.parse(expected));
  });
});

describe.skipIf(!hasPython || packages === undefined)("with numpy", () => {
  test("equal answers", async () => {
    const overZeroMQ = reportOverZeroMQ();
    const here = reportInPyodide(await pythonWithNumpy(packages ?? ""));
    expect(here.answers).toEqual((await overZeroMQ).answers);
  });
});
