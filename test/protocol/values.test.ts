/** Values put beside calls: used once, bounded, and gone with their session. */
import { describe, expect, test } from "vitest";
import { fixedFrames, randomMatrix } from "./support/arrow.ts";
import type { ErrorAnswer, RawClient } from "./support/client.ts";
import { denseRows, numberRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const { start, connect, raw } = useServers();
const matrix = randomMatrix(60, 6, 91);
const numbers = numberRows(
  Float32Array.from({ length: 6 }, (_, i) => i + 1),
  6,
);
const integers = numberRows(Int32Array.of(3, 1, 2), 3);
const bytes = numberRows(new Uint8Array(1000), 1);

async function valueStats(client: RawClient) {
  const { server } = await client.call("stats");
  const { values, valueBytes } = server as { values: number; valueBytes: number };
  return { values, valueBytes };
}

const none = { values: 0, valueBytes: 0 };

describe("a value", () => {
  test.each([
    { name: "float32", rows: numbers, size: 24 },
    { name: "int32", rows: integers, size: 12 },
    { name: "uint8", rows: bytes, size: 1000 },
  ])("of $name arrives_inline_and_streamed", async ({ rows, size }) => {
    const client = await connect(await start());
    expect(await client.inline("put", {}, rows)).toMatchObject({ type: "reply", value: "v1" });
    expect((await client.stream("put", {}, rows, 100)).header).toMatchObject({ value: "v2" });
    expect(await valueStats(client)).toEqual({ values: 2, valueBytes: 2 * size });
    expect(await client.call("stats")).toMatchObject({ session: { values: ["v1", "v2"] } });
  });

  test("of_no_rows_is_one_too", async () => {
    const client = await connect(await start());
    expect(await client.call("put", { rows: 0, dim: 6, dtype: "float32" })).toMatchObject({ value: "v1" });
    expect(await valueStats(client)).toEqual({ values: 1, valueBytes: 0 });
  });

  test("is_counted_as_bytes_copied_once", async () => {
    const client = await connect(await start());
    await client.stream("put", {}, bytes, 100);
    expect((await client.call("stats")).server).toMatchObject({ bytesCopied: 1000 });
  });

  test("is_freed_by_close", async () => {
    const client = await connect(await start());
    await client.inline("put", {}, numbers);
    expect(await client.call("close", { value: "v1" })).toMatchObject({ type: "reply" });
    expect(await valueStats(client)).toEqual(none);
    await expect(client.call("close", { value: "v1" })).rejects.toMatchObject({ code: "ERR_UNKNOWN_ID" });
    await expect(client.call("close", { value: "v1", index: "1" })).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    await expect(client.call("close", { value: 1 })).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  });

  test("belongs_to_all_connections_of_its_session_and_to_no_other_session", async () => {
    const server = await start();
    const client = raw(server);
    const { session } = await client.hello();
    await client.inline("put", {}, numbers);
    const stranger = await connect(server);
    await expect(stranger.call("close", { value: "v1" })).rejects.toMatchObject({ code: "ERR_UNKNOWN_ID" });
    const sibling = await connect(server, { session });
    await expect(sibling.call("close", { value: "v1" })).resolves.toBeDefined();
  });

  test("ends_with_its_session", async () => {
    const server = await start();
    const client = await connect(server);
    const witness = await connect(server);
    await client.inline("put", {}, numbers);
    expect(await valueStats(witness)).toEqual({ values: 1, valueBytes: 24 });
    await client.call("goodbye");
    expect(await valueStats(witness)).toEqual(none);
  });

  test("on_its_way_up_when_the_session_ends_is_freed", async () => {
    const server = await start();
    const client = await connect(server);
    const witness = await connect(server);
    await client.send({ op: "put", id: 1, ...bytes.shape });
    await client.when(({ header }) => header.type === "credit");
    await client.call("goodbye");
    await expect.poll(() => valueStats(witness)).toEqual(none);
    expect((await witness.call("stats")).server).toMatchObject({ callsInFlight: 1 });
  });
});

describe("room for values", () => {
  test("is_bounded_in_number_and_bytes_for_each_session", async () => {
    const server = await start({ limits: { maxValues: 3, valueBytes: 2000 } });
    const client = await connect(server);
    const full = { code: "ERR_OUT_OF_MEMORY" };
    await expect(client.call("put", { rows: 2001, dim: 1, dtype: "uint8" })).rejects.toMatchObject(full);
    await client.inline("put", {}, bytes);
    await client.send({ op: "put", id: 1, ...bytes.shape });
    await client.when(() => client.credits(1) > 0);
    // What is still on its way counts already.
    await expect(client.inline("put", {}, numbers)).rejects.toMatchObject(full);
    await client.call("cancel", { target: 1 });
    await expect(client.answer(1)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    for (const value of ["v2", "v3"]) expect(await client.inline("put", {}, numbers)).toMatchObject({ value });
    await expect(client.inline("put", {}, integers)).rejects.toMatchObject(full);
    await client.call("close", { value: "v1" });
    await expect(client.inline("put", {}, integers)).resolves.toBeDefined();
    const other = await connect(server);
    await expect(other.inline("put", {}, bytes)).resolves.toBeDefined();
  });

  test("is_given_back_by_every_failed_upload", async () => {
    const client = await connect(await start({ limits: { batchBytes: 500 } }));
    const bad = [
      { start: 1, count: 100, frames: bytes.frames(0, 100) },
      { start: 0, count: 501, frames: bytes.frames(0, 501) },
      { start: 0, count: 100, frames: bytes.frames(0, 99) },
      { start: 0, count: 100, frames: fixedFrames(new Int32Array(100), 1) },
      { start: 0, count: 100, frames: [] },
    ];
    for (const { frames, ...batch } of bad) {
      const id = client.nextId();
      await client.send({ op: "put", id, ...bytes.shape });
      await client.send({ op: "rows", id, ...batch }, frames);
      await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
      expect(await valueStats(client)).toEqual(none);
    }
    await expect(client.inline("put", { rows: 999 }, bytes)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    expect(await valueStats(client)).toEqual(none);
  });

  test.each([
    { name: "float64", fields: { dtype: "float64" }, code: "ERR_PROTOCOL" },
    { name: "uint32", fields: { dtype: "uint32" }, code: "ERR_PROTOCOL" },
    { name: "rows_minus_1", fields: { rows: -1 }, code: "ERR_INVALID_ARGUMENT" },
    { name: "dim_0", fields: { dim: 0 }, code: "ERR_INVALID_ARGUMENT" },
    { name: "too_wide_rows", fields: { dim: 2 ** 20 + 1 }, code: "ERR_INVALID_ARGUMENT" },
    { name: "more_than_fits", fields: { rows: 2 ** 31 - 1, dim: 2 ** 20 }, code: "ERR_OUT_OF_MEMORY" },
  ])("is_not_given_for_$name", async ({ fields, code }) => {
    const client = await connect(await start());
    await expect(client.call("put", { ...numbers.shape, ...fields })).rejects.toMatchObject({ code });
    expect(await valueStats(client)).toEqual(none);
  });
});

describe("a call that names a value", () => {
  const build = denseRows(matrix);
  const weighted = { metric: "seuclidean", n_neighbors: 5 };

  /** An answer, or the code it failed with. */
  const outcome = (answer: Promise<unknown>) => answer.catch((error: ErrorAnswer) => error.code);

  test("uses_it_up_and_frees_it_however_it_ends", async () => {
    const client = await connect(await start());
    for (const options of [
      { ...weighted, sigma: { value: "v1" } },
      { ...weighted, sigma: { value: "v2" }, n_neighbors: 0 },
      { metric: "euclidean", sigma: { value: "v3" } },
    ]) {
      await client.inline("put", {}, numbers);
      await outcome(client.inline("build", { options }, build));
      expect(await valueStats(client)).toEqual(none);
      const again = client.inline("build", { options }, build);
      await expect(again).rejects.toMatchObject({ code: "ERR_UNKNOWN_ID" });
    }
  });

  test("holds_it_while_it_waits_for_rows", async () => {
    const client = await connect(await start());
    await client.inline("put", {}, numbers);
    const options = { ...weighted, sigma: { value: "v1" } };
    await client.send({ op: "build", id: 1, ...build.shape, options });
    await client.when(() => client.credits(1) > 0);
    expect(await valueStats(client)).toEqual({ values: 1, valueBytes: 24 });
    expect(await client.call("stats")).toMatchObject({ session: { values: [] } });
    await client.call("cancel", { target: 1 });
    await expect(client.answer(1)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(await valueStats(client)).toEqual(none);
  });

  test.each([
    { name: "of_another_dtype", value: { value: "v2" }, code: "ERR_INVALID_ARGUMENT" },
    { name: "that_never_was", value: { value: "v9" }, code: "ERR_UNKNOWN_ID" },
    { name: "of_a_strange_name", value: { value: "__proto__" }, code: "ERR_UNKNOWN_ID" },
    { name: "of_a_numeric_name", value: { value: 1 }, code: "ERR_PROTOCOL" },
    { name: "without_a_name", value: {}, code: "ERR_PROTOCOL" },
    { name: "as_text", value: "v1", code: "ERR_PROTOCOL" },
    { name: "as_numbers_that_are_none", value: [1, "2", 3], code: "ERR_PROTOCOL" },
    { name: "as_numbers_that_JSON_cannot_hold", value: [1, null], code: "ERR_PROTOCOL" },
  ])("$name is $code", async ({ value, code }) => {
    const client = await connect(await start());
    await client.inline("put", {}, numbers);
    await client.inline("put", {}, integers);
    const answer = client.inline("build", { options: { ...weighted, sigma: value } }, build);
    await expect(answer).rejects.toMatchObject({ code });
  });

  test.each([
    { metric: "seuclidean", name: "sigma", list: [1, 2, 3, 4, 5, 6] },
    { metric: "weighted_minkowski", name: "w", list: [1, 2, 3, 4, 5, 6] },
    { metric: "mahalanobis", name: "vinv", list: Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 + i : 0.1)) },
    {
      metric: "kantorovich",
      name: "cost",
      list: Array.from({ length: 36 }, (_, i) => Math.abs((i % 6) - Math.floor(i / 6)) ** 0.5),
    },
  ])("gets $name of $metric as_it_would_from_the_header", async ({ metric, name, list }) => {
    const client = await connect(await start());
    await client.inline("put", {}, numberRows(Float32Array.from(list), list.length));
    const answers = [];
    for (const value of [list, { value: "v1" }]) {
      const options = { metric, n_neighbors: 5, [name]: value };
      const { index } = await client.inline("build", { options }, build);
      answers.push(await client.results("neighbor_graph", { index }));
    }
    expect(answers[1]).toEqual(answers[0]);
    const { index } = await client.inline("build", { options: { metric: "euclidean", n_neighbors: 5 } }, build);
    expect((await client.results("neighbor_graph", { index })).distances).not.toEqual(answers[0]?.distances);
  });

  test.each([5, 7])("gets_ERR_INVALID_ARGUMENT_for_%d_variances_of_6_columns", async (length) => {
    const client = await connect(await start());
    const options = { ...weighted, sigma: Array(length).fill(1) };
    await expect(client.inline("build", { options }, build)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});
