import { HnswIndex } from "hnsw-bridge";

const dim = 16;
const rows = Float32Array.from({ length: 1000 * dim }, Math.random);
const fresh = { data: Float32Array.from({ length: 50 * dim }, Math.random), shape: [50, dim] };
const updated = { data: Float32Array.from({ length: 2 * dim }, Math.random), shape: [2, dim] };

const index = await HnswIndex.build({ data: rows, shape: [1000, dim] }, { nNeighbors: 10, seed: 7 });
await index.update({ updated, updatedIndices: [3, 999], fresh }); // rows 3 and 999 are others, 1000 to 1049 are new

const bytes = await index.dump(); // a Uint8Array: versioned, with a checksum
index.close();

const again = await HnswIndex.restore(bytes);
const { indices } = await again.query(updated, { k: 1 });
console.log(`${again.size} rows; the updated ones are ${indices.data.join(" and ")}`);
again.close();
