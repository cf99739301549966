// The products of an index whose walks run on sketches, with their directions: `node test/files/sketch/make.mjs`. Made once.
// The rows are left out, for they would be half a megabyte: whoever loads the products makes them again.
import { writeFileSync } from "node:fs";
import { HnswIndex } from "hnsw-bridge";

/** The numbers of ../make.mjs. */
const numbers = (length, seed) =>
  Float32Array.from({ length }, (_, i) => (Math.imul(i + 1, 2654435761 + 2 * seed) >>> 24) / 64);
/** The fewest rows, and the narrowest, that sketches are made of. */
const [ROWS, DIM] = [4096, 17];
const rows = (count, seed) => ({ data: numbers(DIM * count, seed), shape: [count, DIM] });

const effort = { m: 2, efConstruction: 40, maxCandidates: 20, nIters: 5, graphRecall: 0.9 };
const index = HnswIndex.buildSync(rows(ROWS, 1), { algorithm: "hnsw", nNeighbors: 4, seed: 7, ef: 30, ...effort });
index.prepareSync();
const { indices, distances } = index.querySync(rows(6, 3), { k: 5 });
const beside = (name) => new URL(name, import.meta.url);
writeFileSync(beside("products.hnsw"), index.dumpSync({ rows: false }));
writeFileSync(beside("found.json"), JSON.stringify({ indices: [...indices.data], distances: [...distances.data] }));
