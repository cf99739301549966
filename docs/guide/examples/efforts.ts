import { HnswIndex } from "hnsw-bridge";

const dim = 16;
const rows = { data: Float32Array.from({ length: 5000 * dim }, Math.random), shape: [5000, dim] };
const queries = { data: rows.data.subarray(0, 10 * dim), shape: [10, dim] };

const index = await HnswIndex.build(rows, { nNeighbors: 10, algorithm: "hnsw", seed: 7 });
await index.query(queries, { k: 10, ef: 200 }); // a width
await index.query(queries, { k: 10, minRecall: 0.98 }); // an outcome: easy queries end early, hard ones go on
const { efUsed } = await index.query(queries, { k: 10, efSteps: [32, 64, 128], untilDistance: 0.2 }); // until one is near enough
const { profile } = await index.query(queries, { k: 10, profile: true }); // rows met, distances, hops, milliseconds

await index.rebuild({ m: 24 }); // other links; ids stay, queries go on meanwhile
const { m, degrees } = index.stats();
console.log(`${profile?.way}, ${efUsed?.length} widths, ${m}: ${degrees.length - 1} links of a row at most`);
index.close();
