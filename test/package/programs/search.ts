/** What a user of the npm package writes: rows, a graph, a query. Prints one line of JSON. */
import { HnswIndex } from "hnsw-bridge";
import { VERSION } from "hnsw-bridge/bridge";

const [rows, dim] = [500, 8];
const data = Float32Array.from({ length: rows * dim }, (_, i) => Math.sin(i * i));

const index = await HnswIndex.build({ data, shape: [rows, dim] }, { nNeighbors: 10, seed: 1 });
const { indices } = await index.neighborGraph();
const hits = await index.query([data.subarray(7 * dim, 8 * dim)], { k: 3 });
const nearest: number = hits.indices.get(0, 0);
const distance: number = hits.distances.get(0, 0);
index.close();

console.log(JSON.stringify({ version: VERSION, graph: indices.shape, nearest, distance }));
