/** Packed bits on the wire. */
import { describe, expect, test, vi } from "vitest";
import { BitBuffer, HnswIndex } from "../../src/index.ts";
import { random, randomMatrix } from "./support/arrow.ts";
import type { RawClient } from "./support/client.ts";
import { denseRows, numberRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const next = random(131);
const dim = 13;
const data = Uint8Array.from({ length: 90 * dim }, () => Math.floor(256 * next()));
const rows = numberRows(data, dim);
const options = { metric: "bit_hamming", n_neighbors: 5 };

async function graphOf(client: RawClient, index: unknown) {
  const { indices, distances } = await client.results("neighbor_graph", { index });
  return { indices, distances };
}

describe("packed bits", () => {
  test("arrive_inline_and_streamed_alike", async () => {
    const client = await connect(await start());
    const inline = await client.inline("build", { options }, rows);
    expect(inline).toMatchObject({ index: "1", rows: 90, dim, form: "bits", metric: "bit_hamming" });
    await client.stream("build", { options }, rows, 7);
    using here = await HnswIndex.build({ data, shape: [90, dim] }, { metric: "bit_hamming", nNeighbors: 5 });
    const { indices, distances } = await here.neighborGraph();
    for (const index of ["1", "2"]) {
      expect(await graphOf(client, index)).toEqual({ indices: indices.data, distances: distances.data });
    }
    expect(await client.call("stats")).toMatchObject({ server: { bytesCopied: 2 * data.length } });
  });

  test("with_the_body_cut_anywhere", async () => {
    const client = await connect(await start());
    const [schema, batch, body] = rows.frames(0, 90) as [Buffer, Buffer, Buffer];
    for (const cuts of [[1], [12, 14], [13], [5, 6, 500], [0, 0, 100], [body.length]]) {
      const ends = [...cuts, body.length];
      const parts = ends.map((end, i) => body.subarray(ends[i - 1] ?? 0, end));
      await client.call("build", { ...rows.shape, inline: true, options }, [schema, batch, ...parts]);
    }
    const [first, ...others] = await Promise.all(["1", "2", "3", "4", "5", "6"].map((index) => graphOf(client, index)));
    for (const other of others) expect(other).toEqual(first);
  });

  test("are_queried_replaced_and_appended", async () => {
    const client = await connect(await start());
    const { index } = await client.inline("build", { options }, rows);
    const fresh = numberRows(
      Uint8Array.from({ length: 2 * dim }, (_, i) => 37 * i),
      dim,
    );
    const appended = await client.inline("update", { index, fresh: fresh.shape }, fresh);
    expect(appended).toMatchObject({ rows: 92 });
    const replaced = { updated: { ...fresh.shape, indices: [40, 3] } };
    await client.inline("update", { index, ...replaced }, fresh);
    const hits = await client.query(String(index), fresh, 2);
    expect([...hits.indices]).toEqual([40, 90, 3, 91]);
    expect([...hits.distances]).toEqual([0, 0, 0, 0]);
  });

  test("survive_a_dump", async () => {
    const client = await connect(await start());
    const { index } = await client.inline("build", { options }, rows);
    const bytes = await client.bytes("dump", { index });
    await client.inline("put", {}, numberRows(bytes, 1));
    const loaded = await client.call("load", { bytes: { value: "v1" } });
    expect(loaded).toMatchObject({ rows: 90, dim, form: "bits" });
    expect(await graphOf(client, loaded.index)).toEqual(await graphOf(client, index));
  });

  test.each([
    { name: "a_metric_of_floats", sent: rows, metric: "euclidean" },
    { name: "floats_for_a_metric_of_bits", sent: denseRows(randomMatrix(9, 5, 1)), metric: "bit_jaccard" },
  ])("and $name do not go together", async ({ sent, metric }) => {
    const client = await connect(await start());
    const answer = client.inline("build", { options: { metric } }, sent);
    await expect(answer).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });

  test("in_a_broken_upload_are_freed", async () => {
    const dispose = vi.spyOn(BitBuffer.prototype, "dispose");
    const client = await connect(await start());
    for (const frames of [denseRows(randomMatrix(10, dim, 1)).frames(0, 10), rows.frames(0, 9), []]) {
      dispose.mockClear();
      const id = client.nextId();
      await client.send({ op: "build", id, ...rows.shape, options });
      await client.send({ op: "rows", id, start: 0, count: 10 }, frames);
      await expect(client.answer(id)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
      expect(dispose).toHaveBeenCalled();
    }
    dispose.mockRestore();
  });
});
