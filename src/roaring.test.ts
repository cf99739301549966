/** Bytes are put together here by the format's specification, container by container. */
import { describe, expect, it } from "vitest";
import { filterBits } from "./filter.ts";
import { bitsOfRoaring } from "./roaring.ts";

const u16 = (...values: number[]) => values.flatMap((value) => [value & 255, value >> 8]);
const u32 = (...values: number[]) => values.flatMap((value) => u16(value & 0xffff, value >>> 16));

function idsIn(bits: Uint8Array): number[] {
  return [...bits].flatMap((byte, at) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte >> bit) & 1).map((bit) => 8 * at + bit),
  );
}

/** Lists only, as CRoaring writes {1, 5, 65_538}: header, keys and counts, offsets, containers. */
const LISTS = [...u32(12346, 2), ...u16(0, 1, 1, 0), ...u32(24, 28), ...u16(1, 5), ...u16(2)];
/** Runs in the first of two containers: 10 to 14 and 20; then the list {7}. Too few containers for offsets. */
const RUNS = [...u16(12347, 1), 0b01, ...u16(0, 5, 1, 0), ...u16(2, 10, 4, 20, 0), ...u16(7)];

describe("Roaring bitmaps", () => {
  it("are read whether their containers are lists, runs or bits", () => {
    expect(idsIn(bitsOfRoaring(Uint8Array.from(LISTS), 70_000))).toEqual([1, 5, 65_538]);
    expect(idsIn(bitsOfRoaring(Uint8Array.from(RUNS), 70_000))).toEqual([10, 11, 12, 13, 14, 20, 65_543]);
    const even = Array.from({ length: 5000 }, (_, i) => 2 * i);
    const container = new Uint8Array(8192);
    for (const id of even) container[id >> 3] = (container[id >> 3] ?? 0) | (1 << (id & 7));
    const dense = Uint8Array.from([...u32(12346, 1), ...u16(0, 4999), ...u32(16), ...container]);
    expect(idsIn(bitsOfRoaring(dense, 10_000))).toEqual(even);
    expect(idsIn(bitsOfRoaring(Uint8Array.from(u32(12346, 0)), 100))).toEqual([]);
    expect(filterBits({ roaring: Uint8Array.from(LISTS) }, { nextId: 70_000, ids: () => new Int32Array() })).toEqual(
      bitsOfRoaring(Uint8Array.from(LISTS), 70_000),
    );
  });

  it("are refused where they are cut, too long, of another kind, or name ids that no row has had", () => {
    for (const whole of [LISTS, RUNS]) {
      for (let length = 0; length < whole.length; length++)
        expect(() => bitsOfRoaring(Uint8Array.from(whole.slice(0, length)), 70_000)).toThrow("is no Roaring bitmap");
      expect(() => bitsOfRoaring(Uint8Array.from([...whole, 0]), 70_000)).toThrow("1 bytes behind");
      expect(() => bitsOfRoaring(Uint8Array.from(whole), 65_538)).toThrow(
        expect.objectContaining({ code: "ERR_UNKNOWN_ID" }),
      );
    }
    expect(() => bitsOfRoaring(Uint8Array.from(u32(1, 2)), 10)).toThrow("begins with 1");
    expect(() => bitsOfRoaring(Uint8Array.from(u32(12346, 2 ** 31)), 10)).toThrow("containers");
    const again = [...u16(12347, 0), 1, ...u16(0, 5), ...u16(2, 10, 4, 14, 0)];
    expect(() => bitsOfRoaring(Uint8Array.from(again), 70_000)).toThrow("a run from 14 after one up to 14");
    const twice = [...u32(12346, 2), ...u16(1, 0, 1, 0), ...u32(24, 26), ...u16(1, 2)];
    expect(() => bitsOfRoaring(Uint8Array.from(twice), 70_000)).toThrow("container 1 after a later one");
    const beyond = [...u16(12347, 0), 1, ...u16(0, 5), ...u16(1, 65_530, 10)];
    expect(() => bitsOfRoaring(Uint8Array.from(beyond), 70_000)).toThrow("beyond its container");
  });
});
