import { HnswError, HnswIndex } from "hnsw-bridge";

const dim = 128;
const rows = Float32Array.from({ length: 20_000 * dim }, Math.random);
const stop = new AbortController();

const index = await HnswIndex.build({ data: rows, shape: [20_000, dim] });
try {
  await index.neighborGraph({
    signal: stop.signal,
    onProgress: ({ phase, done, total }) => {
      console.log(`${phase}: ${done} of ${total}`);
      stop.abort();
    },
  });
} catch (error) {
  console.log(error instanceof HnswError && error.code); // ERR_CANCELLED
} finally {
  index.close();
}
