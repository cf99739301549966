import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HnswIndex, readVectors, writeVectors } from "../../src/index.ts";
import { uniformRows } from "../support/random.ts";

const rows = uniformRows(300, 7, 1);
const whole = { data: Float32Array.from({ length: 60 }, (_, i) => (i * 7) % 256), shape: [12, 5] };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hnsw-vectors-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("rows in files of others", () => {
  it.each(["npy", "fvecs"])("come back from .%s, and can be indexed", async (suffix) => {
    const path = join(mkdtempSync(join(folder, "x-")), `rows.${suffix}`);
    await writeVectors(path, rows);
    const again = await readVectors(path);
    expect(again).toEqual({ data: rows.data, shape: [300, 7] });
    expect(readdirSync(join(path, ".."))).toEqual([`rows.${suffix}`]);
    expect(HnswIndex.buildSync(again).size).toBe(300);
  });

  it.each(["ivecs", "bvecs"])("come back from .%s where they are whole", async (suffix) => {
    const path = join(folder, `rows.${suffix}`);
    await writeVectors(path, whole);
    const { data, shape } = await readVectors(path);
    expect([shape, [...data]]).toEqual([whole.shape, [...whole.data]]);
    await expect(writeVectors(path, rows)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    expect((await readVectors(path)).shape).toEqual(whole.shape);
  });

  it("are refused where a file is not what it says", async () => {
    const fvecs = Buffer.alloc(48);
    [3, 3, 4].forEach((dim, i) => {
      fvecs.writeInt32LE(dim, 16 * i);
    });
    const huge = Buffer.alloc(68);
    huge.writeInt32LE(2 ** 31 - 1);
    const npy = (shape: string) =>
      Buffer.concat([
        Buffer.from("\x93NUMPY\x01\x00\x64\x00", "latin1"),
        Buffer.from(`{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(100)),
        Buffer.alloc(24),
      ]);
    for (const [name, bytes] of [
      ["uneven.fvecs", fvecs],
      ["huge.fvecs", huge],
      ["short.ivecs", Buffer.alloc(3)],
      ["zeros.bvecs", Buffer.alloc(8)],
      ["text.npy", Buffer.from("no array at all")],
      ["short.npy", Buffer.from("\x93NUM", "latin1")],
      ["more.npy", npy("999999999, 999999999")],
      ["fewer.npy", npy("1, 3")],
    ] as const) {
      writeFileSync(join(folder, name), bytes);
      await expect(readVectors(join(folder, name)), name).rejects.toMatchObject({ code: "ERR_CORRUPT_FILE" });
    }
    writeFileSync(join(folder, "cube.npy"), npy("2, 3, 1"));
    await expect(readVectors(join(folder, "cube.npy"))).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    writeFileSync(join(folder, "right.npy"), npy("2, 3"));
    expect((await readVectors(join(folder, "right.npy"))).shape).toEqual([2, 3]);
  });

  it("are refused where there is no file, or no such format", async () => {
    mkdirSync(join(folder, "folder.npy"));
    await expect(readVectors(join(folder, "nothing.npy"))).rejects.toMatchObject({ code: "ERR_FILE" });
    await expect(readVectors(join(folder, "folder.npy"))).rejects.toMatchObject({ code: "ERR_FILE" });
    await expect(writeVectors(join(folder, "no", "rows.npy"), rows)).rejects.toMatchObject({ code: "ERR_FILE" });
    await expect(readVectors("rows.csv")).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await expect(writeVectors("rows.csv", rows)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});
