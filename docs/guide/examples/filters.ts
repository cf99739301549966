import { filterBits, HnswIndex } from "hnsw-bridge";

const dim = 16;
const rows = { data: Float32Array.from({ length: 2000 * dim }, Math.random), shape: [2000, dim] };
const queries = { data: rows.data.subarray(0, 10 * dim), shape: [10, dim] };
const colours = ["red", "green", "blue"];

const index = await HnswIndex.build(rows, { nNeighbors: 10, seed: 7 });
const red = await index.query(queries, { k: 3, filter: (id) => colours[id % 3] === "red" });
const few = await index.query(queries, { k: 3, filter: [4, 8] }); // two rows match: the third place is -1
const often = { bits: filterBits((id) => id % 3 === 2, index) }; // for filters that are used many times
const blue = await index.query(queries, { k: 1, filter: often });
console.log(`${red.indices.get(0, 0)}, ${few.indices.get(0, 2)}, ${blue.indices.get(2, 0)}`);
index.close();
