/** Sparse rows on the wire: they arrive as they were sent, or the call ends and nothing is left. */
import { describe, expect, test, vi } from "vitest";
import { HnswIndex, SparseBuffer } from "../../src/index.ts";
import { type Csr, csrFrames, csrShape, csrSlice, randomCsr, randomMatrix } from "./support/arrow.ts";
import type { RawClient } from "./support/client.ts";
import { denseRows, numberRows, sparseRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const csr = randomCsr(100, 3000, 20, 81);
const rows = sparseRows(csr);
const options = { n_neighbors: 5 };

async function serverStats(client: RawClient) {
  return (await client.call("stats")).server as Record<string, unknown> & { bytesCopied: number };
}

async function graphOf(client: RawClient, index: unknown) {
  const { indices, distances } = await client.results("neighbor_graph", { index });
  return { indices, distances };
}

/** The graph that the API makes of the same rows in this process. */
async function graphHere({ indptr, indices, data, rows, dim }: Csr) {
  using index = await HnswIndex.build(
    { indptr, indices: Int32Array.from(indices), data, shape: [rows, dim] },
    { nNeighbors: 5 },
  );
  const graph = await index.neighborGraph();
  return { indices: graph.indices.data, distances: graph.distances.data };
}

describe("sparse rows arrive", () => {
  test("inline_and_streamed_alike", async () => {
    const client = await connect(await start());
    const inline = await client.inline("build", { options }, rows);
    expect(inline).toMatchObject({ index: "1", rows: 100, dim: 3000, form: "sparse", n_neighbors: 5 });
    const streamed = await client.stream("build", { options }, rows, 13);
    expect(streamed.header).toMatchObject({ index: "2", rows: 100, dim: 3000, form: "sparse" });
    const expected = await graphHere(csr);
    expect(await graphOf(client, "1")).toEqual(expected);
    expect(await graphOf(client, "2")).toEqual(expected);
  });

  test("with_the_body_cut_anywhere", async () => {
    const client = await connect(await start());
    const expected = await graphHere(csr);
    const [schema, batch, body] = csrFrames(csr);
    for (const cuts of [[1], [403, 407], [408], [5, 6, 7, 2000], [0, 0, 100], [body.length]]) {
      const ends = [...cuts, body.length];
      const parts = ends.map((end, i) => body.subarray(ends[i - 1] ?? 0, end));
      const reply = await client.call("build", { ...rows.shape, inline: true, options }, [schema, batch, ...parts]);
      expect(await graphOf(client, reply.index), `cut at ${cuts}`).toEqual(expected);
    }
  });

  test("with_one_copy_each", async () => {
    const client = await connect(await start());
    await client.stream("build", { options }, rows, 10);
    expect((await serverStats(client)).bytesCopied).toBe(8 * csr.data.length);
  });

  test("in_any_order_of_columns_summed_and_without_zeros", async () => {
    const client = await connect(await start());
    const untidy: Csr = {
      ...{ rows: 3, dim: 9, indptr: Int32Array.of(0, 4, 4, 7) },
      ...{ indices: Uint32Array.of(5, 2, 5, 1, 8, 0, 8), data: Float32Array.of(1, 2, 3, 0, 1, 4, -1) },
    };
    await client.inline("build", { options }, sparseRows(untidy));
    const tidy = randomMatrix(3, 9, 1).data.fill(0);
    for (const [at, value] of [
      [2, 2],
      [5, 4],
      [18, 4],
    ] as const)
      tidy[at] = value;
    await client.inline("build", { options }, denseRows({ data: tidy, rows: 3, dim: 9 }));
    expect(await graphOf(client, "1")).toEqual(await graphOf(client, "2"));
  });

  test("of_two_thousand_million_columns", async () => {
    const client = await connect(await start());
    const wide = { ...csr, dim: 2 ** 31 - 2 };
    const index = (await client.inline("build", { options }, sparseRows(wide))).index;
    expect(await graphOf(client, index)).toEqual(await graphHere(csr));
  });

  test("as_one_row_that_is_larger_than_a_batch", async () => {
    const client = await connect(await start({ limits: { batchBytes: 4096, maxRowEntries: 2000 } }));
    const large = (entries: number): Csr => ({
      ...{ rows: 2, dim: 5000, indptr: Int32Array.of(0, 1, 1 + entries) },
      ...{
        indices: Uint32Array.from({ length: 1 + entries }, (_, i) => i),
        data: new Float32Array(1 + entries).fill(1),
      },
    });
    const fits = await client.stream("build", { options }, sparseRows(large(2000)), 1);
    expect(await graphOf(client, fits.header.index)).toEqual(await graphHere(large(2000)));
    for (const [entries, batchRows] of [
      [2001, 1],
      [2000, 2],
    ] as const) {
      const answer = client.stream("build", { options }, sparseRows(large(entries)), batchRows);
      await expect(answer, `${entries} entries`).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    }
  });

  test("as_queries_and_updates_too", async () => {
    const client = await connect(await start());
    const [base, more] = [csrSlice(csr, 0, 70), csrSlice(csr, 70, 30)];
    const { index } = await client.inline("build", { options }, sparseRows(base));
    const fresh = sparseRows(more);
    expect((await client.stream("update", { index, fresh: fresh.shape }, fresh, 8)).header.rows).toBe(100);
    const hits = await client.query(String(index), fresh, 1);
    expect([...hits.distances]).toEqual(Array(30).fill(0));
    expect(await graphOf(client, index)).toEqual(await graphHere(csr));
  });
});

describe("a promise of sparse rows is refused before they come", () => {
  const { nnz } = csrShape(csr);
  test.each([
    { name: "without_nnz", fields: { nnz: undefined }, code: "ERR_PROTOCOL" },
    { name: "with_nnz_as_text", fields: { nnz: "9" }, code: "ERR_PROTOCOL" },
    { name: "with_negative_nnz", fields: { nnz: -1 }, code: "ERR_INVALID_ARGUMENT" },
    { name: "with_fractional_nnz", fields: { nnz: 1.5 }, code: "ERR_INVALID_ARGUMENT" },
    { name: "with_nnz_beyond_memory", fields: { nnz: 2 ** 45 }, code: "ERR_OUT_OF_MEMORY" },
    { name: "with_nnz_beyond_exact_numbers", fields: { nnz: 2 ** 60 }, code: "ERR_INVALID_ARGUMENT" },
    { name: "with_entries_but_no_rows", fields: { rows: 0, nnz }, code: "ERR_INVALID_ARGUMENT" },
    { name: "without_rows", fields: { rows: 0, nnz: 0 }, code: "ERR_EMPTY_INDEX" },
    { name: "with_0_columns", fields: { dim: 0 }, code: "ERR_INVALID_ARGUMENT" },
    { name: "with_too_many_columns", fields: { dim: 2 ** 31 - 1 }, code: "ERR_INVALID_ARGUMENT" },
    { name: "in_an_unknown_layout", fields: { layout: "csc" }, code: "ERR_PROTOCOL" },
    { name: "in_a_numeric_layout", fields: { layout: 1 }, code: "ERR_PROTOCOL" },
    { name: "of_bytes", fields: { dtype: "uint8" }, code: "ERR_PROTOCOL" },
    { name: "of_float64", fields: { dtype: "float64" }, code: "ERR_PROTOCOL" },
  ])("$name", async ({ fields, code }) => {
    const client = await connect(await start());
    await expect(client.call("build", { ...rows.shape, ...fields })).rejects.toMatchObject({ code });
    expect(client.received.filter(({ header }) => header.type === "credit")).toEqual([]);
  });

  test("inline_with_more_bytes_than_allowed", async () => {
    const client = await connect(await start({ limits: { inlineBytes: 1024 } }));
    await expect(client.inline("build", { options }, rows)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  });

  test("for_an_index_of_another_form", async () => {
    const client = await connect(await start());
    const matrix = randomMatrix(20, 3000, 1);
    const dense = String((await client.inline("build", { options }, denseRows(matrix))).index);
    const sparse = String((await client.inline("build", { options }, rows)).index);
    const bits = numberRows(new Uint8Array(3000), 3000);
    for (const [index, wrong] of [
      [dense, rows],
      [sparse, denseRows(matrix)],
      [dense, bits],
      [sparse, bits],
    ] as const) {
      const query = client.call("query", { index, k: 1, ...wrong.shape });
      await expect(query).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
      for (const part of ["fresh", "updated"]) {
        const update = client.call("update", { index, [part]: { ...wrong.shape, indices: [0] } });
        await expect(update).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
      }
    }
    expect(client.received.filter(({ header }) => header.type === "credit")).toEqual([]);
  });
});

describe("a broken upload of sparse rows", () => {
  const part = (from: number, count: number) => csrFrames(csrSlice(csr, from, count));
  const offsets = (frames: Buffer[], at: number, value: number): Buffer[] => {
    const [schema = frames[0], batch = frames[1], body = frames[2]] = frames.map((frame) => Buffer.from(frame));
    body?.writeInt32LE(value, 4 * at);
    return [schema, batch, body] as Buffer[];
  };
  const header = { start: 10, count: 10 };
  const entries = csrSlice(csr, 10, 10).data.length;
  const cases = [
    { name: "offsets_that_begin_above_0", header, frames: offsets(part(10, 10), 0, 1) },
    { name: "offsets_that_fall", header, frames: offsets(part(10, 10), 5, -1) },
    { name: "offsets_beyond_the_entries", header, frames: offsets(part(10, 10), 5, entries + 1) },
    { name: "offsets_that_end_early", header, frames: offsets(part(10, 10), 10, entries - 1) },
    { name: "a_gap", header: { start: 20, count: 10 }, frames: part(20, 10) },
    { name: "more_rows_than_promised", header: { start: 10, count: 91 }, frames: part(0, 91) },
    { name: "count_unlike_the_batch", header: { start: 10, count: 9 }, frames: part(10, 10) },
    { name: "no_frames", header, frames: [] },
    { name: "dense_frames", header, frames: denseRows(randomMatrix(10, 3000, 1)).frames(0, 10) },
    { name: "other_field_names", header, frames: csrFrames(csrSlice(csr, 10, 10), ["column", "value"]) },
  ];

  test.each(cases)("with $name ends_with_ERR_PROTOCOL_and_leaves_nothing", async ({ header, frames }) => {
    const dispose = vi.spyOn(SparseBuffer.prototype, "dispose");
    const client = await connect(await start());
    const id = client.nextId();
    await client.send({ op: "build", id, ...rows.shape, options });
    await client.uploadRows(id, sparseRows(csrSlice(csr, 0, 10)), 10);
    await client.send({ op: "rows", id, ...header }, frames);
    await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    expect(dispose).toHaveBeenCalled();
    dispose.mockRestore();
    expect(await serverStats(client)).toMatchObject({ indexes: 0, callsInFlight: 1, errors: { ERR_PROTOCOL: 1 } });
    await expect(client.inline("build", { options }, rows)).resolves.toMatchObject({ index: "1" });
  });

  test.each([-1, 1])("with_nnz_off_by_%d_ends_with_ERR_PROTOCOL", async (off) => {
    const client = await connect(await start());
    const fields = { options, nnz: csr.data.length + off };
    await expect(client.stream("build", fields, rows, 30)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    await expect(client.inline("build", fields, rows)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  });

  test.each([3000, 2 ** 31 - 1, 2 ** 32 - 1])("with_column_%d_of_3000_is_ERR_INVALID_ARGUMENT", async (column) => {
    const client = await connect(await start());
    const indices = csr.indices.slice();
    indices[500] = column;
    const answer = client.stream("build", { options }, sparseRows({ ...csr, indices }), 10);
    await expect(answer).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    expect(await serverStats(client)).toMatchObject({ indexes: 0, callsInFlight: 1 });
  });

  test.each([Number.NaN, Number.NEGATIVE_INFINITY])("with_the_value_%d_is_ERR_NON_FINITE", async (value) => {
    const client = await connect(await start());
    const data = csr.data.slice();
    const row = csr.indptr.findIndex((offset) => offset > 500) - 1;
    data[500] = value;
    const answer = client.stream("build", { options }, sparseRows({ ...csr, data }), 10);
    await expect(answer).rejects.toMatchObject({ code: "ERR_NON_FINITE", message: new RegExp(`row ${row}\\b`) });
  });

  test("leaves_an_index_as_it_was_when_it_was_an_update", async () => {
    const client = await connect(await start());
    const { index } = await client.inline("build", { options }, rows);
    const before = await graphOf(client, index);
    const data = csr.data.slice();
    data[data.length - 1] = Number.NaN;
    const fresh = sparseRows({ ...csr, data });
    const answer = client.stream("update", { index, fresh: fresh.shape }, fresh, 30);
    await expect(answer).rejects.toMatchObject({ code: "ERR_NON_FINITE" });
    expect(await graphOf(client, index)).toEqual(before);
    expect(await client.call("stats", { index })).toMatchObject({ index: { rows: 100 } });
  });
});
