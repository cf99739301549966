import { HnswIndex } from "hnsw-bridge";

const dim = 64;
const rows = Float32Array.from({ length: 2000 * dim }, Math.random);

const index = await HnswIndex.build({ data: rows, shape: [2000, dim] }, { metric: "cosine", nNeighbors: 15 });
const { indices, distances } = await index.neighborGraph(); // ndarrays, 2000 x 15, each row itself first
const hits = await index.query([rows.subarray(0, dim)], { k: 5 }); // ndarrays, 1 x 5

console.log(index.plan.neighborGraph.reason);
console.log("nearest to row 0:", indices.get(0, 1), "at", distances.get(0, 1));
console.log("best hit:", hits.indices.get(0, 0));
index.close();
