/** Replaced and fresh rows in one stream: all of it happens, or nothing. */
import { describe, expect, test } from "vitest";
import { type Matrix, randomCsr, randomMatrix, slice } from "./support/arrow.ts";
import type { RawClient } from "./support/client.ts";
import { denseRows, inOrder, numberRows, type Rows, sparseRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const matrix = randomMatrix(200, 8, 101);
const updated = randomMatrix(3, 8, 102);
const fresh = randomMatrix(20, 8, 103);
const indices = [17, 4, 199];
const options = { n_neighbors: 5 };
const both = inOrder(denseRows(updated), denseRows(fresh));
const parts = { updated: { ...denseRows(updated).shape, indices }, fresh: denseRows(fresh).shape };

/** What an update must give: rows replaced one after the other, then the others behind. */
function changed(base: Matrix, ids: readonly number[], replaced: Matrix, appended?: Matrix): Matrix {
  const data = new Float32Array([...base.data, ...(appended?.data ?? [])]);
  for (const [i, id] of ids.entries()) data.set(slice(replaced, i, 1).data, id * base.dim);
  return { data, rows: data.length / base.dim, dim: base.dim };
}

async function graphOf(client: RawClient, index: unknown) {
  const { indices, distances } = await client.results("neighbor_graph", { index });
  return { indices, distances };
}

async function expectRows(client: RawClient, index: unknown, rows: Rows): Promise<void> {
  const built = await client.inline("build", { options }, rows);
  expect(await graphOf(client, index)).toEqual(await graphOf(client, built.index));
}

describe("an update", () => {
  test.each([1, 2, 5, 100])("replaces_and_appends_in_one_stream_of_batches_of_%d", async (batchRows) => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    const { header } = await client.stream("update", { index, ...parts }, both, batchRows, updated.rows);
    expect(header).toMatchObject({ type: "reply", rows: 220 });
    await expectRows(client, index, denseRows(changed(matrix, indices, updated, fresh)));
  });

  test("replaces_alone_inline_and_streamed", async () => {
    const client = await connect(await start());
    for (const way of ["inline", "streamed"]) {
      const index = await client.build(matrix, options);
      const fields = { index, updated: parts.updated };
      const rows = denseRows(updated);
      const header = way === "inline" ? await client.inline("update", fields, rows) : undefined;
      const reply = header ?? (await client.stream("update", fields, rows, 2)).header;
      expect(reply).toMatchObject({ rows: 200 });
      await expectRows(client, index, denseRows(changed(matrix, indices, updated)));
    }
  });

  test("takes_the_ids_from_a_value", async () => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    await client.inline("put", {}, numberRows(Int32Array.from(indices), 1));
    const fields = { index, ...parts, updated: { ...parts.updated, indices: { value: "v1" } } };
    await client.stream("update", fields, both, 7, updated.rows);
    await expectRows(client, index, denseRows(changed(matrix, indices, updated, fresh)));
    expect(await client.call("stats")).toMatchObject({ server: { values: 0 } });
  });

  test("of_an_id_that_comes_twice_keeps_the_last_row", async () => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    await client.inline("update", { index, updated: { ...parts.updated, indices: [9, 4, 9] } }, denseRows(updated));
    await expectRows(client, index, denseRows(changed(matrix, [9, 4, 9], updated)));
  });

  test("of_sparse_rows_works_alike", async () => {
    const client = await connect(await start());
    const [base, replaced, appended] = [100, 2, 30].map((rows, i) => sparseRows(randomCsr(rows, 500, 9, 110 + i)));
    if (base === undefined || replaced === undefined || appended === undefined) throw new Error("three matrices");
    const { index } = await client.inline("build", { options }, base);
    const header = { index, updated: { ...replaced.shape, indices: [5, 0] }, fresh: appended.shape };
    const answer = await client.stream("update", header, inOrder(replaced, appended), 4, 2);
    expect(answer.header).toMatchObject({ rows: 130 });
    const hits = await client.query(String(index), replaced, 1);
    expect({ indices: [...hits.indices], distances: [...hits.distances] }).toEqual({
      indices: [5, 0],
      distances: [0, 0],
    });
  });
});

describe("an update that cannot be", () => {
  const shape = denseRows(updated).shape;
  const withIds = (indices: unknown) => ({ updated: { ...shape, indices } });
  const cases: { name: string; fields: object; code: string }[] = [
    { name: "of_nothing", fields: {}, code: "ERR_PROTOCOL" },
    { name: "of_null_and_null", fields: { updated: null, fresh: null }, code: "ERR_PROTOCOL" },
    { name: "of_an_array", fields: { updated: [shape] }, code: "ERR_PROTOCOL" },
    { name: "without_ids", fields: { updated: shape }, code: "ERR_PROTOCOL" },
    { name: "with_ids_as_text", fields: withIds("0,1,2"), code: "ERR_PROTOCOL" },
    { name: "with_text_among_the_ids", fields: withIds([0, "1", 2]), code: "ERR_PROTOCOL" },
    { name: "with_too_few_ids", fields: withIds([0, 1]), code: "ERR_DIMENSION_MISMATCH" },
    { name: "with_too_many_ids", fields: withIds([0, 1, 2, 3]), code: "ERR_DIMENSION_MISMATCH" },
    { name: "with_an_unknown_value", fields: withIds({ value: "v5" }), code: "ERR_UNKNOWN_ID" },
    { name: "with_ids_in_float32", fields: withIds({ value: "v1" }), code: "ERR_INVALID_ARGUMENT" },
    { name: "of_another_width", fields: { updated: { ...shape, dim: 7, indices } }, code: "ERR_DIMENSION_MISMATCH" },
    { name: "with_both_inline", fields: { ...parts, inline: true }, code: "ERR_PROTOCOL" },
  ];

  test.each(cases)("$name is $code before_any_row", async ({ fields, code }) => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    await client.inline("put", {}, numberRows(Float32Array.of(0, 1, 2), 3));
    await expect(client.call("update", { index, ...fields })).rejects.toMatchObject({ code });
    expect(client.received.filter(({ header }) => header.type === "credit")).toEqual([]);
    await expectRows(client, index, denseRows(matrix));
  });

  test.each([
    { name: "a_negative_id", ids: [0, -1, 2], code: "ERR_INVALID_ARGUMENT" },
    { name: "half_an_id", ids: [0, 1.5, 2], code: "ERR_INVALID_ARGUMENT" },
    { name: "an_id_beyond_the_rows", ids: [0, 200, 2], code: "ERR_UNKNOWN_ID" },
    { name: "an_id_of_a_fresh_row", ids: [0, 210, 2], code: "ERR_UNKNOWN_ID" },
    { name: "an_id_beyond_32_bits", ids: [0, 2 ** 40, 2], code: "ERR_UNKNOWN_ID" },
  ])("for $name is $code and_changes_nothing", async ({ ids, code }) => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    const fields = { index, ...parts, updated: { ...parts.updated, indices: ids } };
    const answer = client.stream("update", fields, both, 7, updated.rows);
    await expect(answer).rejects.toMatchObject({ code });
    await expectRows(client, index, denseRows(matrix));
  });

  test("of_0_rows_is_ERR_EMPTY_INDEX", async () => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    const nothing = { ...shape, rows: 0 };
    for (const fields of [{ updated: { ...nothing, indices: [] } }, { fresh: nothing }]) {
      await expect(client.call("update", { index, ...fields })).rejects.toMatchObject({ code: "ERR_EMPTY_INDEX" });
    }
  });

  test("because_a_batch_crosses_the_border_changes_nothing", async () => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    const id = client.nextId();
    await client.send({ op: "update", id, index, ...parts });
    await client.send({ op: "rows", id, start: 0, count: 4 }, denseRows(matrix).frames(0, 4));
    await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    await expectRows(client, index, denseRows(matrix));
  });

  test("because_the_fresh_rows_are_not_finite_replaces_nothing_either", async () => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    const bad = fresh.data.slice();
    bad[13 * 8 + 2] = Number.NaN;
    const rows = inOrder(denseRows(updated), denseRows({ ...fresh, data: bad }));
    const answer = client.stream("update", { index, ...parts }, rows, 7, updated.rows);
    await expect(answer).rejects.toMatchObject({ code: "ERR_NON_FINITE", message: /row 13, column 2/ });
    await expectRows(client, index, denseRows(matrix));
  });
});

describe("a deletion", () => {
  test.each(["in_the_header", "by_a_value"])("takes_rows_out_and_their_ids_are_not_given_again_%s", async (way) => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    if (way === "by_a_value") await client.inline("put", {}, numberRows(Int32Array.from([3, 17]), 1));
    const removed = way === "by_a_value" ? { value: "v1" } : [3, 17];
    expect(await client.call("update", { index, removed })).toMatchObject({ rows: 198 });
    const reply = await client.inline("update", { index, fresh: denseRows(fresh).shape }, denseRows(fresh));
    expect(reply).toMatchObject({ rows: 218, first_id: 200 });
    const graph = await graphOf(client, index);
    const own = Array.from({ length: 218 }, (_, row) => graph.indices[5 * row]);
    const ids = Array.from({ length: 220 }, (_, id) => id).filter((id) => id !== 3 && id !== 17);
    expect(own).toEqual(ids);
    await expect(client.call("update", { index, removed: [3] })).rejects.toMatchObject({ code: "ERR_UNKNOWN_ID" });
    await expect(client.call("update", { index, removed: ids })).rejects.toMatchObject({ code: "ERR_EMPTY_INDEX" });
    await expect(client.call("update", { index })).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  });

  test("rows_that_outlived_a_server_bring_their_ids", async () => {
    const client = await connect(await start());
    const named = { ...options, ids: Array.from({ length: 200 }, (_, i) => 2 * i), next_id: 1000 };
    const reply = await client.inline("build", { options: named }, denseRows(matrix));
    expect(reply).toMatchObject({ rows: 200, next_id: 1000 });
    const { indices: found } = await client.results("query", { index: reply.index, k: 1 }, denseRows(matrix));
    expect([...found]).toEqual(named.ids);
    const wrong = { options: { ...options, ids: [1, 0] } };
    await expect(client.inline("build", wrong, denseRows(slice(matrix, 0, 2)))).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });
});

describe("a filter", () => {
  test("names_the_rows_that_a_query_may_return", async () => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    await client.inline("put", {}, { ...numberRows(Uint8Array.from([0b1010, 1]), 1) });
    for (const filter of [{ ids: [1, 3, 8] }, { bits: { value: "v1" } }]) {
      const { indices: found } = await client.results("query", { index, k: 4, filter }, denseRows(matrix));
      for (let q = 0; q < 200; q++) {
        const row = [...found.subarray(4 * q, 4 * q + 4)];
        expect([row[3], ...row.slice(0, 3).sort((a, b) => a - b)]).toEqual([-1, 1, 3, 8]);
      }
    }
    for (const [filter, code] of [
      [{ ids: [200] }, "ERR_UNKNOWN_ID"],
      [{}, "ERR_PROTOCOL"],
      [{ bits: [1] }, "ERR_PROTOCOL"],
    ] as const) {
      const asked = client.results("query", { index, k: 4, filter }, denseRows(updated));
      await expect(asked).rejects.toMatchObject({ code });
    }
  });
});
