import { HnswIndex } from "hnsw-bridge";

// 1000 fingerprints of 256 bits, eight bits to a byte.
const bytes = 256 / 8;
const prints = Uint8Array.from({ length: 1000 * bytes }, () => 256 * Math.random());

const index = await HnswIndex.build({ data: prints, shape: [1000, bytes] }, { metric: "bit_hamming" });
const changed = prints.slice(7 * bytes, 8 * bytes);
changed.set(changed.subarray(0, 1).map((byte) => byte ^ 0b101)); // two other bits than row 7
const { indices, distances } = await index.query([changed], { k: 1 });

console.log(`row ${indices.get(0, 0)}, ${distances.get(0, 0)} bits differ`);
index.close();
