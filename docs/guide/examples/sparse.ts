import { HnswIndex } from "hnsw-bridge";

// Word counts of three texts: compressed sparse rows (CSR), as scipy keeps them.
const words = ["cat", "dog", "fish", "tree"];
const texts = {
  indptr: Int32Array.of(0, 2, 4, 6), // text 1 has the entries 2 and 3
  indices: Int32Array.of(0, 1, 1, 2, 0, 1),
  data: Float32Array.of(2, 1, 1, 3, 4, 1),
  shape: [3, words.length],
};

const index = await HnswIndex.build(texts, { metric: "cosine", nNeighbors: 2 });
const { indices, distances } = await index.neighborGraph();
console.log(`text 0 is nearest to text ${indices.get(0, 1)}, at ${distances.get(0, 1).toFixed(3)}`);

// Queries may have all their columns: they are converted.
const hits = await index.query([[0, 1, 1, 0]], { k: 1 });
console.log(`"dog fish" is nearest to text ${hits.indices.get(0, 0)}`);
index.close();
