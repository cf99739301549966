import { describe, expect, it } from "vitest";
import { HnswIndex, RowBuffer, release } from "../../src/index.ts";

const MIB = 1 << 20;

describe("release", () => {
  it("frees the memory of a whole buffer at once", () => {
    const held = () => process.memoryUsage().arrayBuffers;
    const before = held();
    const bytes = new Uint8Array(64 * MIB).fill(1);
    expect(held()).toBeGreaterThanOrEqual(before + 64 * MIB);
    release(bytes);
    expect(bytes.length).toBe(0);
    expect(held()).toBeLessThan(before + MIB);
  });

  it("leaves parts of buffers, small arrays and shared memory alone", () => {
    const whole = new Uint8Array(MIB).fill(7);
    const parts = [whole.subarray(1), whole.subarray(0, MIB - 1), new Uint8Array(100).fill(7)];
    const shared = new Uint8Array(new SharedArrayBuffer(MIB)).fill(7);
    for (const bytes of [...parts, shared]) {
      release(bytes);
      expect(bytes.length).toBeGreaterThan(0);
      expect(bytes.every((byte) => byte === 7)).toBe(true);
    }
  });

  it("may come as soon as rows are written", () => {
    const [rows, dim] = [300, 100];
    const values = Float32Array.from({ length: rows * dim }, (_, i) => Math.sin(i));
    const buffer = RowBuffer.allocate(rows, dim);
    const bytes = new Uint8Array(values.slice().buffer);
    buffer.write(0, bytes);
    release(bytes);
    expect(bytes.length).toBe(0);
    const index = HnswIndex.buildSync(buffer, { nNeighbors: 3 });
    const same = HnswIndex.buildSync({ data: values, shape: [rows, dim] }, { nNeighbors: 3 });
    expect(index.neighborGraphSync()).toEqual(same.neighborGraphSync());
  });

  it("refuses what is no Uint8Array, and takes one that was released already", () => {
    expect(() => release(new Float32Array(MIB) as unknown as Uint8Array)).toThrow("Uint8Array");
    const bytes = new Uint8Array(MIB);
    release(bytes);
    release(bytes);
    expect(bytes.length).toBe(0);
  });
});
