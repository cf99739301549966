// Writes the stored files of the format version that this checkout's addon writes: `node test/files/make.mjs <folder> [kind ...]`,
// all kinds where none is named. Run once for each version of the format, by the release that writes it first, and for kinds that
// came later; what it made is never made again.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HnswIndex } from "hnsw-bridge";

const [folder, ...named] = process.argv.slice(2);
if (folder === undefined) throw new Error("which folder?");

/** Numbers that need no library to be made again: multiples of 1/64 in [0, 4). */
const numbers = (length, seed) =>
  Float32Array.from({ length }, (_, i) => (Math.imul(i + 1, 2654435761 + 2 * seed) >>> 24) / 64);
const dense = (rows, seed) => ({ data: numbers(5 * rows, seed), shape: [rows, 5] });
const bits = (rows, seed) => ({ data: Uint8Array.from(numbers(3 * rows, seed), (v) => 64 * v), shape: [rows, 3] });
const sparse = (rows, seed) => {
  const at = numbers(2 * rows, seed);
  const indices = Int32Array.from(at, (v, i) => (i % 2 === 0 ? 0 : 300) + Math.floor(64 * v));
  const indptr = Int32Array.from({ length: rows + 1 }, (_, i) => 2 * i);
  return { data: at.map((v) => v + 1), indices, indptr, shape: [rows, 600] };
};

const kinds = [
  { name: "euclidean", of: dense, options: {} },
  { name: "cosine", of: dense, options: { metric: "cosine", quantization: "uint8" } },
  { name: "wminkowski", of: dense, options: { metric: "wminkowski", p: 3, w: [1, 2, 1, 2, 1] } },
  { name: "sparse", of: sparse, options: { metric: "cosine" } },
  { name: "bits", of: bits, options: { metric: "bit_hamming" } },
  { name: "deleted", of: dense, options: {}, after: deleted },
];

/** Ids with gaps at the front, in between and behind the last row: neither the ids nor the next one are those of the rows' number. */
function deleted(index) {
  index.updateSync({ removed: [0, 7, 40, 41, 79, 85], fresh: dense(8, 4) });
  index.updateSync({ removed: [96, 97], updated: dense(1, 5), updatedIndices: [92] });
}

mkdirSync(folder, { recursive: true });
const answers = {};
for (const { name, of, options, after } of kinds.filter(({ name }) => named.length === 0 || named.includes(name))) {
  const index = HnswIndex.buildSync(of(80, 1), { algorithm: "hnsw", nNeighbors: 4, m: 4, seed: 7, ef: 30, ...options });
  index.prepareSync();
  index.neighborGraphSync();
  index.updateSync({ fresh: of(10, 2) });
  after?.(index);
  const graph = index.neighborGraphSync();
  writeFileSync(join(folder, `${name}.hnsw`), index.dumpSync());
  writeFileSync(join(folder, `${name}-products.hnsw`), index.dumpSync({ rows: false }));
  const found = index.querySync(of(6, 3), { k: 5 });
  const plain = ({ indices, distances }) => ({ indices: [...indices.data], distances: [...distances.data] });
  const told = { size: index.size, ids: [...index.ids()], nextId: index.nextId };
  answers[name] = { ...told, graph: plain(graph), found: plain(found) };
}
writeFileSync(join(folder, "answers.json"), JSON.stringify(answers));
