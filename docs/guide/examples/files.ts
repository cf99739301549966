import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HnswIndex } from "hnsw-bridge";

const dim = 16;
const rows = Float32Array.from({ length: 5000 * dim }, Math.random);
const path = join(mkdtempSync(join(tmpdir(), "guide-")), "rows.hnsw");

const index = await HnswIndex.build({ data: rows, shape: [5000, dim] }, { algorithm: "hnsw" });
await index.prepare(); // so that the file holds the search index
await index.save(path); // there as a whole, or not at all
index.close();

const mapped = await HnswIndex.load(path, { mmap: true }); // open at once; what is not used is not read
const { indices } = await mapped.query([rows.subarray(0, dim)], { k: 1 });
const { sound, links } = await mapped.verify();
console.log(`row ${indices.get(0, 0)}; sound: ${sound}, unreachable rows: ${links?.unreachable}`);
mapped.close();
