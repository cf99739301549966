import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type BuildOptions, HnswError, HnswIndex, type MatrixInput } from "../../src/index.ts";
import { clusteredRows, randomNumbers, uniformRows } from "../support/random.ts";
import { sparseRows } from "../support/sparse.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Kind {
  readonly title: string;
  readonly rows: MatrixInput;
  readonly queries: MatrixInput;
  readonly options: BuildOptions;
}

const bits = (rows: number, seed: number) => {
  const { data, shape } = uniformRows(rows, 6, seed);
  return { data: Uint8Array.from(data, (value) => Math.floor(256 * value)), shape };
};
const dense = { rows: clusteredRows(400, 7, 1), queries: uniformRows(30, 7, 2) };
const kinds: Kind[] = [
  { title: "dense rows, walked", ...dense, options: { algorithm: "hnsw" } },
  { title: "dense rows, exact", ...dense, options: { algorithm: "exact", metric: "cosine" } },
  {
    title: "rows in other coordinates",
    ...dense,
    options: { algorithm: "hnsw", metric: "seuclidean", sigma: [1, 2, 3, 4, 5, 6, 7] },
  },
  { title: "a power", ...dense, options: { algorithm: "hnsw", metric: "minkowski", p: 3.5 } },
  { title: "codes", ...dense, options: { algorithm: "hnsw", quantization: "uint8" } },
  {
    title: "sparse rows",
    rows: sparseRows(400, 3000, 9, 3),
    queries: sparseRows(30, 3000, 9, 4),
    options: { algorithm: "hnsw", metric: "cosine" },
  },
  {
    title: "packed bits",
    rows: bits(400, 5),
    queries: bits(30, 6),
    options: { algorithm: "hnsw", metric: "bit_jaccard" },
  },
];

async function made({ rows, options }: Kind): Promise<HnswIndex> {
  const index = await HnswIndex.build(rows, { nNeighbors: 6, seed: 9, ...options });
  await index.prepare();
  await index.neighborGraph();
  return index;
}

describe("a restored index", () => {
  it.each(kinds)("of $title answers as the one that was written down, and makes nothing anew", async (kind) => {
    const index = await made(kind);
    const bytes = await index.dump();
    expect(index.dumpSync()).toEqual(bytes);
    for (const again of [await HnswIndex.restore(bytes, { threads: 1 }), HnswIndex.restoreSync(bytes)]) {
      expect(again.neighborGraphSync()).toEqual(index.neighborGraphSync());
      expect(again.querySync(kind.queries, { k: 8 })).toEqual(index.querySync(kind.queries, { k: 8 }));
      expect(again.stats()).toMatchObject({ graphReady: true, searchReady: index.stats().searchReady });
      expect(again.stats()).toMatchObject({ graphBuilds: 0, searchBuilds: 0 });
      await again.update({ fresh: kind.queries, updated: kind.queries, updatedIndices: [...Array(30).keys()] });
      expect(again.size).toBe(430);
    }
  });

  it("is what the other one was: form, metric, parameters", async () => {
    for (const kind of kinds) {
      const given = { nTrees: 33, ef: 77, m: 9, graphRecall: 0.875, seed: 2n ** 63n + 1n, threads: 2 };
      const options = { ...kind.options, ...given, nNeighbors: 4 };
      const index = HnswIndex.buildSync(kind.rows, options);
      const again = await HnswIndex.restore(index.dumpSync(), { threads: 2 });
      const whatIs = ({ size, dim, form, metric, nNeighbors, parameters }: HnswIndex) => {
        return { size, dim, form, metric, nNeighbors, parameters };
      };
      expect(whatIs(again)).toEqual(whatIs(index));
      expect(again.parameters).toMatchObject(given);
    }
  });

  it("gives the same bytes when written down again, whatever its threads", async () => {
    for (const kind of kinds) {
      const bytes = (await made(kind)).dumpSync();
      expect((await HnswIndex.restore(bytes, { threads: 3 })).dumpSync()).toEqual(bytes);
    }
  });

  it("does not look at the bytes any more once the call has settled", async () => {
    const index = await made(kinds[0] as Kind);
    const bytes = await index.dump();
    const again = await HnswIndex.restore(bytes);
    bytes.fill(7);
    expect(again.neighborGraphSync()).toEqual(index.neighborGraphSync());
  });

  it("may come from a part of a larger array", async () => {
    const index = await made(kinds[0] as Kind);
    const bytes = index.dumpSync();
    const larger = new Uint8Array(bytes.length + 13);
    larger.set(bytes, 5);
    const again = await HnswIndex.restore(larger.subarray(5, 5 + bytes.length));
    expect(again.neighborGraphSync()).toEqual(index.neighborGraphSync());
  });

  it("lives in another process", async () => {
    const index = await made(kinds[0] as Kind);
    const folder = mkdtempSync(join(tmpdir(), "hnsw-dump-"));
    try {
      writeFileSync(join(folder, "index"), index.dumpSync());
      const code = `
        import { readFileSync } from "node:fs";
        import { HnswIndex } from "hnsw-bridge";
        const index = await HnswIndex.restore(readFileSync(process.argv[1]));
        console.log(index.neighborGraphSync().indices.data.join());
      `;
      const args = ["--input-type=module", "-e", code, join(folder, "index")];
      const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8", timeout: 50_000 });
      expect({ stderr, stdout: stdout.trim() }).toEqual({
        stderr: "",
        stdout: index.neighborGraphSync().indices.data.join(),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("a dump without rows", () => {
  it.each(kinds)("of $title is attached to an index of the same rows, which makes nothing anew", async (kind) => {
    const index = await made(kind);
    const products = await index.dump({ rows: false });
    expect(products.length).toBeLessThan((await index.dump()).length);
    const other = await HnswIndex.build(kind.rows, { nNeighbors: 6, seed: 9, ...kind.options });
    const third = HnswIndex.buildSync(kind.rows, { nNeighbors: 6, seed: 9, ...kind.options, ef: 99 });
    await other.attach(products);
    third.attachSync(await index.dump());
    expect(third.parameters.ef).toBe(99);
    for (const attached of [other, third]) {
      expect(attached.stats()).toMatchObject({ graphReady: true, searchReady: index.stats().searchReady });
      expect(attached.stats()).toMatchObject({ graphBuilds: 0, searchBuilds: 0 });
      expect(attached.neighborGraphSync()).toEqual(index.neighborGraphSync());
      const ef = { k: 8, ef: 50 };
      expect(attached.querySync(kind.queries, ef)).toEqual(index.querySync(kind.queries, ef));
    }
  });

  it("cannot be restored", async () => {
    const bytes = (await made(kinds[0] as Kind)).dumpSync({ rows: false });
    const refused = expect.objectContaining({ code: "ERR_CORRUPT_FILE" });
    await expect(HnswIndex.restore(bytes)).rejects.toEqual(refused);
    expect(() => HnswIndex.restoreSync(bytes)).toThrow(refused);
  });

  const rows = clusteredRows(400, 7, 1);
  const onlyOne = {
    data: Float32Array.from(rows.data, (value, i) => (i === 1234 ? value + 0.5 : value)),
    shape: rows.shape,
  };
  it.each<[string, MatrixInput, BuildOptions]>([
    ["one value is another", onlyOne, {}],
    ["there are fewer rows", { data: rows.data.subarray(0, 7 * 399), shape: [399, 7] }, {}],
    ["the metric is another", rows, { metric: "sqeuclidean" }],
    ["the seed is another", rows, { seed: 10 }],
    ["m is another", rows, { m: 11 }],
    ["nNeighbors is another", rows, { nNeighbors: 7 }],
  ])("is refused where %s, and nothing is attached", async (_, rows, options) => {
    const bytes = (await made(kinds[0] as Kind)).dumpSync({ rows: false });
    const other = HnswIndex.buildSync(rows, { nNeighbors: 6, seed: 9, algorithm: "hnsw", ...options });
    const refused = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
    await expect(other.attach(bytes)).rejects.toEqual(refused);
    expect(() => other.attachSync(bytes)).toThrow(refused);
    expect(other.stats()).toMatchObject({ graphReady: false, searchReady: false });
  });
});

describe("bytes that are no dump", () => {
  const index = HnswIndex.buildSync(uniformRows(12, 3), { nNeighbors: 3, algorithm: "hnsw" });
  index.prepareSync();
  index.neighborGraphSync();
  const good = index.dumpSync();

  function codeOf(bytes: Uint8Array): string {
    try {
      HnswIndex.restoreSync(bytes).close();
      return "none";
    } catch (error) {
      return error instanceof HnswError ? error.code : String(error);
    }
  }

  it("cut off anywhere are ERR_CORRUPT_FILE", () => {
    const codes = Array.from(good, (_, length) => codeOf(good.subarray(0, length)));
    expect(new Set(codes)).toEqual(new Set(["ERR_CORRUPT_FILE"]));
    expect(codeOf(Uint8Array.from([...good, 0]))).toBe("ERR_CORRUPT_FILE");
  });

  it("with any byte changed are ERR_CORRUPT_FILE, or of another version", () => {
    const codes = Array.from(good, (byte, at) => {
      const bad = good.slice();
      bad[at] = byte ^ (1 << (at % 8));
      return codeOf(bad);
    });
    expect(new Set(codes)).toEqual(new Set(["ERR_CORRUPT_FILE", "ERR_UNSUPPORTED_VERSION"]));
    expect(codes.filter((code) => code === "ERR_UNSUPPORTED_VERSION").length).toBeLessThanOrEqual(4);
  });

  it("of a later version are ERR_UNSUPPORTED_VERSION naming both", () => {
    const later = good.slice();
    new DataView(later.buffer).setUint32(8, 77, true);
    const refused = { code: "ERR_UNSUPPORTED_VERSION", message: expect.stringMatching(/77.*1/) };
    expect(() => HnswIndex.restoreSync(later)).toThrow(expect.objectContaining(refused));
    expect(() => index.attachSync(later)).toThrow(expect.objectContaining(refused));
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["zeros", new Uint8Array(1000)],
    ["noise", Uint8Array.from({ length: 5000 }, randomNumbers(1), 256)],
    ["a text", new TextEncoder().encode("HNSWBRDG".repeat(20))],
  ])("%s are ERR_CORRUPT_FILE or of another version", async (_, bytes) => {
    const code = expect.stringMatching(/^ERR_(CORRUPT_FILE|UNSUPPORTED_VERSION)$/);
    await expect(HnswIndex.restore(bytes)).rejects.toMatchObject({ code });
    await expect(index.attach(bytes)).rejects.toMatchObject({ code });
  });

  /** Sections as the header's table has them; a forger can put every checksum right. */
  function forged(change: (bytes: Uint8Array, view: DataView, sections: { offset: number; length: number }[]) => void) {
    const bytes = good.slice();
    const view = new DataView(bytes.buffer);
    const count = view.getUint32(12, true);
    const entries = Array.from({ length: count }, (_, i) => 64 + 32 * i);
    const places = entries.map((at) => ({
      at,
      offset: Number(view.getBigUint64(at + 8, true)),
      length: Number(view.getBigUint64(at + 16, true)),
    }));
    change(bytes, view, places);
    for (const { at, offset, length } of places) {
      if (offset > 0) view.setUint32(at + 4, crc32(bytes.subarray(offset, offset + length)), true);
    }
    const table = bytes.subarray(32, 64 + 32 * count);
    view.setUint32(24, crc32(table, crc32(bytes.subarray(0, 24))), true);
    return bytes;
  }

  it("forged with right checksums crash nothing: they are refused, or answer within their rows", () => {
    expect(codeOf(forged(() => {}))).toBe("none");
    const next = randomNumbers(5);
    const codes = new Map<string, number>();
    for (let round = 0; round < 1500; round++) {
      const bytes = forged((bytes, view, sections) => {
        const { offset, length } = sections[Math.floor(next() * sections.length)] as { offset: number; length: number };
        if (length < 4) return;
        const at = offset + 4 * Math.floor(next() * Math.floor(length / 4));
        const word = [0xffffffff, 0x7fffffff, 0x80000000, 1, 0, 12, 0x7fc00000][Math.floor(next() * 7)] as number;
        if (next() < 0.5) view.setUint32(at, word, true);
        else bytes[at] = Math.floor(next() * 256);
      });
      const code = outcomeOf(bytes);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    expect([...codes.keys()].sort()).toEqual(["ERR_CORRUPT_FILE", "none"]);
  });

  /** Restores and uses whatever came of it; results must be ids of its rows. */
  function outcomeOf(bytes: Uint8Array): string {
    let restored: HnswIndex;
    try {
      restored = HnswIndex.restoreSync(bytes, { threads: 1 });
    } catch (error) {
      return error instanceof HnswError ? error.code : String(error);
    }
    const { indices } = restored.querySync(
      { data: new Float32Array(restored.dim), shape: [1, restored.dim] },
      { k: 3 },
    );
    if (indices.data.some((id) => id < -1 || id >= restored.size)) return "an id that no row has";
    restored.neighborGraphSync();
    restored.updateSync({ fresh: { data: new Float32Array(restored.dim), shape: [1, restored.dim] } });
    restored.close();
    return "none";
  }

  it.each<[string, unknown]>([
    ["an array", [1, 2, 3]],
    ["undefined", undefined],
    ["a text", "HNSWBRDG"],
    ["floats", new Float32Array(100)],
    ["an ArrayBuffer", new ArrayBuffer(100)],
  ])("as %s are ERR_INVALID_ARGUMENT", async (_, bytes) => {
    const refused = { code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining("a Uint8Array") };
    await expect(HnswIndex.restore(bytes as Uint8Array)).rejects.toMatchObject(refused);
    await expect(index.attach(bytes as Uint8Array)).rejects.toMatchObject(refused);
    expect(() => HnswIndex.restoreSync(bytes as Uint8Array)).toThrow(expect.objectContaining(refused));
    expect(() => index.attachSync(bytes as Uint8Array)).toThrow(expect.objectContaining(refused));
  });
});

describe("dump, restore and attach", () => {
  const index = HnswIndex.buildSync(uniformRows(50, 3));
  const bytes = index.dumpSync();

  it("refuse unknown options and bad values", async () => {
    const invalid = (says: string) => ({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(says) });
    await expect(index.dump({ rows: 1 } as never)).rejects.toMatchObject(invalid("rows is 1"));
    await expect(index.dump({ row: true } as never)).rejects.toMatchObject(invalid("row: true"));
    await expect(HnswIndex.restore(bytes, { threads: 0 })).rejects.toMatchObject(invalid("threads is 0"));
    await expect(HnswIndex.restore(bytes, { metric: "cosine" } as never)).rejects.toMatchObject(invalid("metric"));
    await expect(index.attach(bytes, { threads: 1 } as never)).rejects.toMatchObject(invalid("threads"));
  });

  it("can be cancelled, and are refused by a closed index", async () => {
    const signal = AbortSignal.abort("early");
    const cancelled = { code: "ERR_CANCELLED", cause: "early" };
    await expect(index.dump({ signal })).rejects.toMatchObject(cancelled);
    await expect(HnswIndex.restore(bytes, { signal })).rejects.toMatchObject(cancelled);
    await expect(index.attach(bytes, { signal })).rejects.toMatchObject(cancelled);
    const other = HnswIndex.restoreSync(bytes);
    other.close();
    await expect(other.dump()).rejects.toMatchObject({ code: "ERR_CLOSED" });
    await expect(other.attach(bytes)).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(() => other.dumpSync()).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
    expect(() => other.attachSync(bytes)).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
  });

  it("bytes are copied a few milliseconds at a time, with turns for others", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await expect(HnswIndex.restore(new Uint8Array(2 ** 27))).rejects.toMatchObject({ code: "ERR_CORRUPT_FILE" });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });

  it("a dump without anything made yet is small, and its index makes it when asked", async () => {
    const again = await HnswIndex.restore(bytes);
    expect(again.stats()).toMatchObject({ graphReady: false, searchReady: false });
    expect(await again.neighborGraph()).toEqual(await index.neighborGraph());
  });
});
