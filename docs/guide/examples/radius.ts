import { HnswIndex } from "hnsw-bridge";

// A grid of 40 x 40 points, one apart.
const points = Array.from({ length: 1600 }, (_, i) => [i % 40, Math.floor(i / 40)]);
const index = await HnswIndex.build(points, { nNeighbors: 5 });

const corner = [0, 0];
const middle = [20, 20];
const { offsets, indices, largestDistance } = await index.radiusSearch([corner, middle], 1);
for (const [query, start] of offsets.subarray(0, -1).entries()) {
  const rows = indices.subarray(start, offsets[query + 1]); // nearest first, ties by id
  console.log(`query ${query}: rows ${rows.join(" ")}, the farthest at ${largestDistance[query]}`);
}

const { radius, count } = await index.searchWithTargetCount(middle, 50);
console.log(`${count} rows within ${radius.toFixed(2)}`);
const { counts, low, high } = await index.estimateCount([middle], 10, { sample: 400 });
console.log(`within 10: about ${counts.join()} rows, ${low.join()} to ${high.join()}`);
index.close();
