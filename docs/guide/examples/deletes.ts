import { HnswIndex } from "hnsw-bridge";

const dim = 16;
const rows = { data: Float32Array.from({ length: 1000 * dim }, Math.random), shape: [1000, dim] };
const oneRow = () => ({ data: Float32Array.from({ length: dim }, Math.random), shape: [1, dim] });

const index = await HnswIndex.build(rows, { nNeighbors: 10, seed: 7 });
await index.delete([3, 17]); // no call that comes after it returns them
const ids = await index.update({ fresh: oneRow() }); // 1000: no id is given twice
await index.replace(ids, oneRow()); // another row under the same id

const { indices } = await index.neighborGraph(); // a row for each of index.ids()
console.log(`${index.size} rows, 17 there: ${index.has(17)}, last of the graph: ${indices.get(index.size - 1, 0)}`);
index.close();
