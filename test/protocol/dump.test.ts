/** Indices as bytes: down under credits, up as values, and back again; whatever the bytes are, the server lives. */
import { describe, expect, test } from "vitest";
import { type Matrix, random, randomCsr, randomMatrix, slice } from "./support/arrow.ts";
import { ErrorAnswer, RawClient } from "./support/client.ts";
import { useProcesses } from "./support/process.ts";
import { denseRows, numberRows, type Rows, sparseRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const processes = useProcesses();
const matrix = randomMatrix(600, 8, 121);
const queries = slice(randomMatrix(50, 8, 122), 0, 50);
const options = { n_neighbors: 7, algorithm: "hnsw", metric: "manhattan", seed: "5", n_trees: 9, ef: 33, threads: 1 };

async function answers(client: RawClient, index: string, rows: Matrix | Rows = queries) {
  const graph = await client.results("neighbor_graph", { index });
  const hits = await client.query(index, rows, 5);
  return [graph.indices, graph.distances, hits.indices, hits.distances];
}

/** An index with both products made. */
async function prepared(client: RawClient, rows: Rows = denseRows(matrix), fields: object = options) {
  const index = String((await client.inline("build", { options: fields }, rows)).index);
  await client.results("neighbor_graph", { index });
  await client.call("prepare", { index });
  return index;
}

async function put(client: RawClient, bytes: Uint8Array): Promise<object> {
  const { header } = await client.stream("put", {}, numberRows(bytes, 1), 1 << 20);
  return { value: header.value };
}

async function load(client: RawClient, bytes: Uint8Array, fields: object = {}) {
  return client.call("load", { bytes: await put(client, bytes), ...fields });
}

describe("a dump", () => {
  test.each([
    { name: "dense", rows: denseRows(matrix), asked: denseRows(queries) as Rows, fields: options as object },
    {
      name: "sparse",
      rows: sparseRows(randomCsr(300, 2000, 15, 123)),
      asked: sparseRows(randomCsr(20, 2000, 15, 124)),
      fields: { n_neighbors: 5, metric: "euclidean", threads: 1 },
    },
  ])("of $name rows becomes_an_index_that_answers_alike", async ({ rows, asked, fields }) => {
    const client = await connect(await start());
    const index = await prepared(client, rows, fields);
    const described = await client.inline("build", { options: fields }, rows);
    const loaded = await load(client, await client.bytes("dump", { index }), { threads: 1 });
    const { index: _, id: __, plan: ___, ...same } = described;
    expect(loaded).toMatchObject({ ...same, index: "3" });
    expect(await answers(client, "3", asked)).toEqual(await answers(client, index, asked));
    expect(await client.call("stats", { index: "3" })).toMatchObject({
      index: { graphReady: true, searchReady: true },
    });
    expect(await client.call("stats")).toMatchObject({ server: { values: 0, valueBytes: 0 } });
  });

  test("is_loaded_by_another_server_after_the_first_one_died", async () => {
    const first = processes.start(["serve", "--ipc", "auto", "--json", "--parent-stdin"]);
    const client = await RawClient.connect((await first.ready()).endpoint);
    const index = await prepared(client);
    const expected = await answers(client, index);
    const bytes = await client.bytes("dump", { index, rows: true });
    client.close();
    first.process.kill("SIGKILL");
    await first.ended;
    const second = await connect(await start());
    expect(await answers(second, String((await load(second, bytes)).index))).toEqual(expected);
  });

  test("comes_in_batches_under_credits", async () => {
    const client = await connect(await start({ limits: { batchBytes: 4000 } }));
    const index = String((await client.stream("build", { options }, denseRows(matrix), 100)).header.index);
    const id = client.nextId();
    const batches = () => client.received.filter(({ header }) => header.id === id && header.type === "bytes");
    await client.send({ op: "dump", id, index, credits: 2 });
    await client.when(() => batches().length === 2, "two batches");
    await client.call("ping");
    expect(batches()).toHaveLength(2);
    await client.send({ op: "credit", id, credits: 60 });
    await client.answer(id);
    const total = Number(batches()[0]?.header.total);
    expect(batches()).toHaveLength(Math.ceil(total / 4000));
    expect(total).toBeGreaterThan(matrix.data.byteLength);
    const bytes = client.collectedBytes(id);
    const loaded = (await client.stream("put", {}, numberRows(bytes, 1), 4000)).header.value;
    await expect(client.call("load", { bytes: { value: loaded } })).resolves.toMatchObject({ rows: 600 });
  });

  test("in_a_value_of_any_shape_is_the_same", async () => {
    const client = await connect(await start());
    const bytes = await client.bytes("dump", { index: await prepared(client) });
    await client.inline("put", {}, numberRows(bytes, bytes.length));
    await expect(client.call("load", { bytes: { value: "v1" }, threads: 1 })).resolves.toMatchObject({ rows: 600 });
  });

  test("can_be_cancelled_and_leaves_the_index_as_it_was", async () => {
    const client = await connect(await start());
    const index = await prepared(client);
    const expected = await answers(client, index);
    const id = client.nextId();
    await client.send({ op: "dump", id, index, credits: 0 });
    await client.call("cancel", { target: id });
    await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(await answers(client, index)).toEqual(expected);
  });

  test("taken_while_updates_run_is_of_a_moment_between_them", async () => {
    const client = await connect(await start());
    const index = await client.build(matrix, options);
    const updates = Array.from({ length: 4 }, () => {
      return client.inline("update", { index, fresh: denseRows(queries).shape }, denseRows(queries));
    });
    const dumps = await Promise.all(Array.from({ length: 4 }, () => client.bytes("dump", { index })));
    await Promise.all(updates);
    for (const bytes of dumps) {
      const loaded = await load(client, bytes);
      expect([600, 650, 700, 750, 800]).toContain(loaded.rows);
      const { indices } = await client.query(String(loaded.index), slice(matrix, 0, 600), 1, { ef: 600 });
      expect([...indices]).toEqual([...Array(600).keys()]);
    }
  });

  test.each([
    { fields: {}, code: "ERR_PROTOCOL" },
    { fields: { index: "77" }, code: "ERR_UNKNOWN_ID" },
    { fields: { index: "1", rows: 1 }, code: "ERR_PROTOCOL" },
    { fields: { index: "1", credits: -1 }, code: "ERR_PROTOCOL" },
  ])("with $fields is $code", async ({ fields, code }) => {
    const client = await connect(await start());
    await prepared(client);
    await expect(client.call("dump", fields)).rejects.toMatchObject({ code });
  });
});

describe("a dump without rows", () => {
  test("gives_its_products_to_an_index_of_the_same_rows", async () => {
    const client = await connect(await start());
    const index = await prepared(client);
    const products = await client.bytes("dump", { index, rows: false });
    const whole = await client.bytes("dump", { index, rows: true });
    expect(products.length).toBeLessThan(whole.length - matrix.data.byteLength / 2);
    for (const bytes of [products, whole]) {
      const twin = await client.build(matrix, options);
      const reply = await client.call("attach", { index: twin, bytes: await put(client, bytes) });
      expect(reply).toMatchObject({ type: "reply" });
      const stats = { graphReady: true, searchReady: true, graphBuilds: 0, searchBuilds: 0 };
      expect(await client.call("stats", { index: twin })).toMatchObject({ index: stats });
      expect(await answers(client, twin)).toEqual(await answers(client, index));
    }
  });

  test("fits_no_index_of_other_rows_or_options", async () => {
    const client = await connect(await start());
    const products = await client.bytes("dump", { index: await prepared(client), rows: false });
    const data = matrix.data.slice();
    data[4000] = 0.5;
    for (const [rows, fields] of [
      [{ ...matrix, data }, options],
      [slice(matrix, 0, 599), options],
      [matrix, { ...options, metric: "euclidean" }],
      [matrix, { ...options, n_neighbors: 8 }],
    ] as const) {
      const index = await client.build(rows, fields);
      const answer = client.call("attach", { index, bytes: await put(client, products) });
      await expect(answer).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
      expect(await client.call("stats", { index })).toMatchObject({ index: { graphReady: false, searchReady: false } });
    }
  });

  test("is_no_index", async () => {
    const client = await connect(await start());
    const products = await client.bytes("dump", { index: await prepared(client), rows: false });
    await expect(load(client, products)).rejects.toMatchObject({ code: "ERR_CORRUPT_FILE" });
  });
});

describe("bytes that are no whole dump", () => {
  const refused = /^ERR_(CORRUPT_FILE|UNSUPPORTED_VERSION|INVALID_ARGUMENT)$/;

  test("are_refused_however_they_were_changed", async () => {
    const client = await connect(await start());
    const small = { rows: denseRows(slice(matrix, 0, 40)), options: { ...options, n_neighbors: 3 } };
    const index = await prepared(client, small.rows, small.options);
    const whole = await client.bytes("dump", { index });
    const next = random(125);
    const below = (n: number) => Math.floor(next() * n);
    const broken = Array.from({ length: 75 }, (_, i) => {
      if (i % 3 === 0) return whole.slice(0, below(whole.length));
      const copy = whole.slice();
      // Half of the changes where the header is.
      for (let n = below(3); n >= 0; n--) {
        const at = below(i % 3 === 1 ? 64 : copy.length);
        copy[at] = (copy[at] ?? 0) ^ (1 + below(255));
      }
      return copy;
    });
    broken.push(new Uint8Array(), new Uint8Array(1), new Uint8Array(100_000).fill(255), whole.slice(1));
    broken.push(Uint8Array.from([...whole, 0]));
    for (const [i, bytes] of broken.entries()) {
      for (const fields of [{ op: "load" }, { op: "attach", index }] as const) {
        const { op, ...more } = fields;
        const error = await client.call(op, { bytes: await put(client, bytes), ...more }).catch((thrown) => thrown);
        expect(error, `${op} of ${i}`).toBeInstanceOf(ErrorAnswer);
        expect(error.code, `${op} of ${i}`).toMatch(refused);
      }
    }
    expect(await client.call("stats")).toMatchObject({ server: { indexes: 1, values: 0, valueBytes: 0 } });
  });

  test.each([
    { name: "no_bytes", fields: {}, code: "ERR_PROTOCOL" },
    { name: "bytes_in_the_header", fields: { bytes: [1, 2, 3] }, code: "ERR_PROTOCOL" },
    { name: "an_unknown_value", fields: { bytes: { value: "v9" } }, code: "ERR_UNKNOWN_ID" },
    { name: "floats", fields: { bytes: { value: "v1" } }, code: "ERR_INVALID_ARGUMENT" },
  ])("with $name are $code", async ({ fields, code }) => {
    const client = await connect(await start());
    const index = await prepared(client);
    for (const op of ["load", "attach"]) {
      await client.inline("put", {}, numberRows(new Float32Array(9), 9));
      await expect(client.call(op, { index, ...fields })).rejects.toMatchObject({ code });
      fields = code === "ERR_INVALID_ARGUMENT" ? { bytes: { value: "v2" } } : fields;
    }
  });

  test.each([0, -1, 1.5, 5000])("for %d threads are ERR_INVALID_ARGUMENT", async (threads) => {
    const client = await connect(await start());
    const bytes = await client.bytes("dump", { index: await prepared(client) });
    await expect(load(client, bytes, { threads })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});
