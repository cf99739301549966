import { describe, expect, test } from "vitest";
import { HnswIndex } from "../../src/index.ts";
import { randomMatrix, slice } from "./support/arrow.ts";
import { denseRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const matrix = randomMatrix(400, 8, 21);
const fresh = randomMatrix(60, 8, 22);
const QUANTIZED = { metric: "euclidean", algorithm: "hnsw", n_neighbors: 5 };
const shape = { rows: 60, dim: 8, dtype: "float32" };

describe("build", () => {
  test("passes_every_option_to_the_engine", async () => {
    const client = await connect(await start());
    const options = {
      metric: "minkowski",
      p: 3,
      n_neighbors: 7,
      algorithm: "exact",
      m: 12,
      ef_construction: 222,
      ef: 77,
      max_candidates: 50,
      n_iters: 9,
      n_trees: 6,
      graph_recall: 0.75,
      seed: "18446744073709551615",
      threads: 1,
    };
    const index = await client.build(matrix, options);
    const here = await HnswIndex.build(
      { data: matrix.data, shape: [400, 8] },
      {
        metric: "minkowski",
        p: 3,
        nNeighbors: 7,
        algorithm: "exact",
        m: 12,
        efConstruction: 222,
        ef: 77,
        maxCandidates: 50,
        nIters: 9,
        nTrees: 6,
        graphRecall: 0.75,
        seed: 18446744073709551615n,
        threads: 1,
      },
    );
    const graph = await here.neighborGraph();
    const there = await client.results("neighbor_graph", { index });
    expect(there.indices).toEqual(graph.indices.data);
    expect(there.distances).toEqual(graph.distances.data);
    here.close();
  });

  test("tells_plan_and_effective_parameters", async () => {
    const client = await connect(await start());
    const { header } = await client.callInline("build", { ...shape, options: { m: 11, n_neighbors: 4 } }, fresh);
    expect(header).toMatchObject({ rows: 60, dim: 8, metric: "euclidean", n_neighbors: 4, parameters: { m: 11 } });
    expect(header.plan).toMatchObject({ neighbor_graph: expect.anything(), query: expect.anything() });
  });

  test.each(["binary", "uint8", "uint4"])(
    "takes_the_quantization %s and hands_out_true_distances",
    async (quantization) => {
      const client = await connect(await start());
      const reply = await client.inline("build", { options: { ...QUANTIZED, quantization } }, denseRows(matrix));
      expect(reply).toMatchObject({ parameters: { quantization } });
      const { indices, distances } = await client.query(String(reply.index), fresh, 5);
      for (const [at, id] of indices.entries()) {
        const [one, other] = [slice(fresh, Math.floor(at / 5), 1), slice(matrix, id, 1)];
        expect(distances[at]).toBeCloseTo(Math.hypot(...one.data.map((value, i) => value - (other.data[i] ?? 0))), 4);
      }
    },
  );

  test("takes_null_for_an_option_that_is_not_given", async () => {
    const client = await connect(await start());
    const { header } = await client.callInline("build", { ...shape, options: { m: null, seed: null, p: null } }, fresh);
    expect(header).toMatchObject({ rows: 60 });
  });

  test("of_an_alias_answers_like_the_name", async () => {
    const client = await connect(await start());
    const ids = [await client.build(matrix, { metric: "l1" }), await client.build(matrix, { metric: "manhattan" })];
    const [alias, name] = await Promise.all(ids.map((index) => client.results("neighbor_graph", { index })));
    expect(alias).toEqual(name);
  });
});

describe("update", () => {
  test("appends_rows_under_new_ids", async () => {
    const client = await connect(await start());
    const index = await client.build(matrix, { n_neighbors: 5 });
    const { header } = await client.callInline("update", { index, fresh: shape }, fresh);
    expect(header).toMatchObject({ type: "reply", rows: 460 });
    const { indices, distances } = await client.query(index, fresh, 1);
    expect([...indices]).toEqual(Array.from({ length: 60 }, (_, i) => 400 + i));
    expect([...distances]).toEqual(Array(60).fill(0));
    expect(await client.results("neighbor_graph", { index })).toMatchObject({ rows: 460, k: 5 });
  });

  test("gives_the_same_index_streamed_as_inline", async () => {
    const client = await connect(await start());
    const graphs = [];
    for (const way of ["inline", "streamed"]) {
      const index = await client.build(matrix, { n_neighbors: 5 });
      if (way === "inline") await client.callInline("update", { index, fresh: shape }, fresh);
      else await client.callStreamed("update", { index, fresh: shape }, fresh, 11);
      graphs.push(await client.results("neighbor_graph", { index }));
    }
    expect(graphs[1]).toEqual(graphs[0]);
  });
});

test("prepare_makes_the_search_index_and_can_be_repeated", async () => {
  const client = await connect(await start());
  const index = await client.build(matrix, { algorithm: "hnsw" });
  expect(await client.call("prepare", { index })).toMatchObject({ plan: expect.anything() });
  expect(await client.call("prepare", { index })).toMatchObject({ plan: expect.anything() });
  expect((await client.query(index, slice(matrix, 3, 1), 1)).indices[0]).toBe(3);
});

describe("stats", () => {
  test("counts_calls_by_op", async () => {
    const server = await start();
    const client = await connect(server);
    const calls = async () => ((await client.call("stats")).server as { calls: Record<string, number> }).calls;
    expect(await calls()).toEqual({
      hello: 1,
      build: 0,
      query: 0,
      neighbor_graph: 0,
      radius_search: 0,
      radius_search_by_id: 0,
      search_with_target_count: 0,
      estimate_count: 0,
      update: 0,
      ids: 0,
      rebuild: 0,
      recall: 0,
      verify: 0,
      prepare: 0,
      put: 0,
      dump: 0,
      load: 0,
      import_hnswlib: 0,
      attach: 0,
      stats: 1,
      close: 0,
      ping: 0,
      plan: 0,
      cancel: 0,
      goodbye: 0,
    });
    const index = await client.build(matrix);
    await client.query(index, fresh, 2);
    await client.query(index, fresh, 3);
    await client.results("neighbor_graph", { index });
    await client.callInline("update", { index, fresh: shape }, fresh);
    await client.call("prepare", { index });
    await client.call("close", { index });
    const other = await connect(server);
    await other.call("ping");
    expect(await calls()).toMatchObject({
      hello: 2,
      build: 1,
      query: 2,
      neighbor_graph: 1,
      update: 1,
      prepare: 1,
      close: 1,
      ping: 1,
      stats: 2,
    });
  });

  test("tells_of_server_session_and_index", async () => {
    const client = await connect(await start());
    const index = await client.build(matrix);
    const reply = await client.call("stats", { index });
    expect(reply).toMatchObject({
      server: { pid: process.pid, protocol: 1, connections: 1, sessions: 1, indexes: 1, callsInFlight: 1, errors: {} },
      session: { connections: 1, indexes: [index] },
      index: { id: index, rows: 400, dim: 8, metric: "euclidean" },
    });
    const server = reply.server as { memory: { rss: number }; bytesReceived: number; bytesSent: number };
    expect(server.memory.rss).toBeGreaterThan(1e6);
    expect(server.bytesReceived).toBeGreaterThan(matrix.data.byteLength);
    expect(server.bytesSent).toBeGreaterThan(0);
  });

  test("counts_errors_by_code", async () => {
    const client = await connect(await start());
    await expect(client.call("nonsense")).rejects.toThrow();
    await expect(client.call("close", { index: "1" })).rejects.toThrow();
    expect(await client.call("stats")).toMatchObject({ server: { errors: { ERR_PROTOCOL: 1, ERR_UNKNOWN_ID: 1 } } });
  });
});

test("close_frees_the_index_and_its_id_stays_closed", async () => {
  const client = await connect(await start());
  const index = await client.build(matrix);
  expect(await client.call("close", { index })).toMatchObject({ type: "reply" });
  for (const op of ["close", "neighbor_graph", "prepare", "stats"]) {
    await expect(client.call(op, { index }), op).rejects.toMatchObject({ code: "ERR_CLOSED" });
  }
  expect(await client.build(matrix)).not.toBe(index);
});
