/** Index files of hnswlib over the wire: their bytes, or a path that the server may read; labels come in batches. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tableFromIPC } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HnswIndex } from "../../src/index.ts";
import { randomMatrix } from "./support/arrow.ts";
import type { RawClient } from "./support/client.ts";
import { numberRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const STORED = fileURLToPath(new URL("../files/hnswlib", import.meta.url));
const stored = (name: string) => join(STORED, `${name}.bin`);
const queries = randomMatrix(7, 6, 91);
const { start, connect } = useServers();
let base: string;
let allowed: string;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "hnsw-imports-"));
  allowed = join(base, "indexes");
  mkdirSync(allowed);
  copyFileSync(stored("l2"), join(allowed, "l2.bin"));
  copyFileSync(stored("l2"), join(base, "outside.bin"));
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

async function put(client: RawClient, bytes: Uint8Array): Promise<object> {
  const { header } = await client.stream("put", {}, numberRows(bytes, 1), 1 << 20);
  return { value: header.value };
}

/** What the batches tell, and the labels in them, checked for order. */
async function imported(client: RawClient, fields: object) {
  const id = client.nextId();
  await client.send({ op: "import_hnswlib", id, credits: 64, ...fields });
  const last = await client.answer(id);
  const batches = client.received.filter(({ header }) => header.id === id && header.type === "imported");
  const labels: bigint[] = [];
  for (const { header, frames } of batches) {
    expect(header).toMatchObject({ part: "labels", start: labels.length, index: last.header.index });
    const table = tableFromIPC(Buffer.concat(frames));
    expect(table.schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual(["labels Uint64"]);
    labels.push(...((table.getChild("labels")?.toArray() ?? []) as BigUint64Array));
  }
  return { told: last.header, labels };
}

const code = (name: string) => expect.objectContaining({ code: name });

describe("a file of hnswlib", () => {
  const options = { metric: "sqeuclidean", algorithm: "hnsw", n_neighbors: 5, threads: 1 };

  test.each(["as_bytes", "by_path"])("is_the_index_that_the_api_makes_of_it_%s", async (way) => {
    const client = await connect(await start({ allowPaths: [allowed] }));
    const source =
      way === "by_path" ? { path: join(allowed, "l2.bin") } : { bytes: await put(client, readFileSync(stored("l2"))) };
    const { told, labels } = await imported(client, { ...source, options });
    const own = HnswIndex.importHnswlibSync(stored("l2"), {
      metric: "sqeuclidean",
      algorithm: "hnsw",
      nNeighbors: 5,
      threads: 1,
    });
    expect(labels).toEqual([...own.labels]);
    expect(told).toMatchObject({ last: true, rows: 200, next_id: 200, dim: 6, n_neighbors: 5, metric: "sqeuclidean" });
    expect(told).toMatchObject({ parameters: { m: 5, ef_construction: 60 } });
    const index = String(told.index);
    const { indices, distances } = await client.query(index, queries, 4);
    const hits = own.index.querySync({ data: queries.data, shape: [7, 6] }, { k: 4 });
    expect([indices, distances]).toEqual([hits.indices.data, hits.distances.data]);
    const stats = await client.call("stats", { index });
    expect(stats).toMatchObject({ index: { searchReady: true, searchBuilds: 0 }, server: { values: 0, indexes: 1 } });
  });

  test("loses_the_rows_that_were_deleted", async () => {
    const client = await connect(await start());
    const bytes = await put(client, readFileSync(stored("deleted")));
    const { told, labels } = await imported(client, { bytes, options });
    expect([told.rows, labels.length, labels.includes(1003n)]).toEqual([198, 198, false]);
  });

  test("whose_labels_nobody_takes_is_freed_with_its_call", async () => {
    const client = await connect(await start());
    const id = client.nextId();
    const bytes = await put(client, readFileSync(stored("l2")));
    await client.send({ op: "import_hnswlib", id, credits: 0, bytes, options });
    await expect.poll(async () => (await client.call("stats")).server).toMatchObject({ indexes: 1 });
    expect(await client.call("cancel", { target: id })).toMatchObject({ found: true });
    await expect(client.answer(id)).rejects.toEqual(code("ERR_CANCELLED"));
    expect((await client.call("stats")).server).toMatchObject({ indexes: 0, values: 0, callsInFlight: 1 });
  });

  test("is_refused_for_what_is_wrong_with_it_or_with_its_options", async () => {
    const client = await connect(await start());
    const good = readFileSync(stored("l2"));
    const liar = Buffer.from(good);
    liar.writeBigUInt64LE(1n << 40n, 16);
    for (const bytes of [liar, good.subarray(0, 5000), Buffer.alloc(7), Buffer.alloc(0)]) {
      const asked = client.call("import_hnswlib", { bytes: await put(client, bytes), options });
      await expect(asked).rejects.toEqual(code("ERR_CORRUPT_FILE"));
    }
    for (const [wrong, name] of [
      [{ metric: "bit_hamming" }, "ERR_INVALID_ARGUMENT"],
      [{ metric: "nonsense" }, "ERR_UNKNOWN_METRIC"],
      [{ colour: "red" }, "ERR_INVALID_ARGUMENT"],
      [{ ids: [1, 2, 3] }, "ERR_INVALID_ARGUMENT"],
      [{ next_id: 900 }, "ERR_INVALID_ARGUMENT"],
    ] as const) {
      const asked = client.call("import_hnswlib", { bytes: await put(client, good), options: wrong });
      await expect(asked, JSON.stringify(wrong)).rejects.toEqual(code(name));
    }
    const named = client.call("import_hnswlib", { bytes: await put(client, good), options: { next_id: 900 } });
    await expect(named).rejects.toMatchObject({ message: expect.stringContaining("nextId is 900") });
    await expect(client.call("import_hnswlib", { options })).rejects.toEqual(code("ERR_PROTOCOL"));
    const unknown = client.call("import_hnswlib", { bytes: { value: "v99" } });
    await expect(unknown).rejects.toEqual(code("ERR_UNKNOWN_ID"));
    expect((await client.call("stats")).server).toMatchObject({ indexes: 0 });
  });

  test("is_read_by_path_only_where_the_server_may", async () => {
    const path = join(allowed, "l2.bin");
    const client = await connect(await start({ allowPaths: [allowed] }));
    for (const bad of [join(base, "outside.bin"), join(allowed, "missing"), allowed, "l2.bin"]) {
      const asked = client.call("import_hnswlib", { path: bad });
      await expect(asked, bad).rejects.toEqual(code("ERR_INVALID_ARGUMENT"));
    }
    await expect(client.call("import_hnswlib", { path, bytes: { value: "v1" } })).rejects.toEqual(code("ERR_PROTOCOL"));
    const other = await connect(await start());
    await expect(other.call("import_hnswlib", { path })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining("--allow-path"),
    });
  });
});
