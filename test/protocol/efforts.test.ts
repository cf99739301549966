/** Efforts by their outcome, the work told, and the search index built anew: over real sockets, as the API has them. */
import { expect, test } from "vitest";
import { HnswIndex } from "../../src/index.ts";
import { randomMatrix } from "./support/arrow.ts";
import { denseRows, numberRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const matrix = randomMatrix(3000, 8, 21);
const queries = randomMatrix(50, 8, 22);

test("efforts, profiles, rebuilds and filters of radii are those of the API", async () => {
  const client = await connect(await start());
  const options = { algorithm: "hnsw" as const, m: 8, threads: 1 };
  const index = await client.build(matrix, options);
  using here = await HnswIndex.build({ data: matrix.data, shape: [matrix.rows, matrix.dim] }, options);
  const asked = { data: queries.data, shape: [queries.rows, queries.dim] as [number, number] };
  const ask = async (op: string, fields: object): Promise<Record<string, unknown>> =>
    client.inline(op, { index, credits: 64, ...fields }, denseRows(queries));
  const stepped = await ask("query", { k: 4, ef_steps: [16, 32, 64], until_distance: 0.2, profile: true });
  const own = await here.query(asked, { k: 4, efSteps: [16, 32, 64], untilDistance: 0.2, profile: true });
  expect(stepped.ef_used).toEqual([...(own.efUsed ?? [])]);
  expect(stepped.profile).toMatchObject({
    way: "hnsw",
    codes: "f32",
    visited: [...(own.profile?.visited ?? [])],
    hops: [...(own.profile?.hops ?? [])],
  });
  expect((await ask("query", { k: 4, min_recall: 1, profile: true })).profile).toMatchObject({ way: "exact" });
  expect(await ask("query", { k: 4, ef: 16 })).not.toHaveProperty("profile");
  for (const fields of [{ min_recall: 2 }, { ef_steps: [] }, { ef_steps: [9], until_similarity: 1 }])
    await expect(ask("query", { k: 4, ...fields })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  const found = await ask("radius_search", { radius: 0.4, filter: { ids: [1, 2, 3] }, exact: true });
  const balls = await here.radiusSearch(asked, 0.4, { filter: [1, 2, 3], exact: true });
  expect(found.hits).toBe(balls.indices.length);
  const bytes = Uint8Array.of(
    ...[0x3a, 0x30, 0, 0, 1, 0, 0, 0],
    ...[0, 0, 2, 0],
    ...[16, 0, 0, 0],
    ...[1, 0, 2, 0, 3, 0],
  );
  const { value } = await client.inline("put", {}, numberRows(bytes, 1));
  const same = await ask("radius_search", { radius: 0.4, filter: { roaring: { value } }, exact: true });
  expect(same.hits).toBe(balls.indices.length);
  expect(await client.call("rebuild", { index, m: 12 })).toMatchObject({ parameters: { m: 12 } });
  expect(await client.call("stats", { index })).toMatchObject({ index: { m: 12, searchReady: true } });
  await expect(client.call("rebuild", { index, m: 1 })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
});
