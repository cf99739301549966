import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HnswIndex, type LoadOptions } from "../../src/index.ts";
import { clusteredRows, uniformRows } from "../support/random.ts";
import { sparseRows } from "../support/sparse.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const STORED = join(ROOT, "test", "files");
const queries = uniformRows(30, 7, 2);
const ways: LoadOptions[] = [
  {},
  { verify: "full" },
  { verify: "used" },
  { mmap: true },
  { mmap: true, verify: "sections" },
  { mmap: true, verify: "full", threads: 2 },
];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hnsw-files-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function made(rows = 400): HnswIndex {
  const options = { nNeighbors: 6, seed: 9, m: 8, ef: 77, algorithm: "hnsw" } as const;
  const index = HnswIndex.buildSync(clusteredRows(rows, 7, 1), options);
  index.prepareSync();
  index.neighborGraphSync();
  return index;
}

describe("a saved index", () => {
  it.each(ways)("loaded with %o is the index that it was", async (how) => {
    const index = made();
    const path = join(folder, "index.hnsw");
    await index.save(path);
    expect(readFileSync(path)).toEqual(Buffer.from(index.dumpSync()));
    const { signal: _, onProgress: __, ...sync } = how;
    for (const again of [await HnswIndex.load(path, how), HnswIndex.loadSync(pathToFileURL(path), sync)]) {
      expect(again.stats()).toMatchObject({ graphReady: true, searchReady: true, graphBuilds: 0, searchBuilds: 0 });
      expect(again.parameters).toMatchObject({ ef: 77, m: 8 });
      expect(again.querySync(queries, { k: 8 })).toEqual(index.querySync(queries, { k: 8 }));
      expect(again.neighborGraphSync()).toEqual(index.neighborGraphSync());
      expect(again.verifySync()).toMatchObject({ sound: true, problems: [], rows: 400 });
      await again.update({ fresh: queries, updated: queries, updatedIndices: [...Array(30).keys()] });
      expect(again.size).toBe(430);
      // A graph that is brought up to date may find more than a new one.
      const graph = again.neighborGraphSync();
      again.saveSync(join(folder, "again.hnsw"));
      expect(HnswIndex.loadSync(join(folder, "again.hnsw")).neighborGraphSync()).toEqual(graph);
    }
  });

  it("of sparse rows is loaded in every way too", async () => {
    const index = HnswIndex.buildSync(sparseRows(300, 2000, 9, 3), { metric: "cosine", algorithm: "hnsw" });
    index.prepareSync();
    await index.save(join(folder, "sparse"));
    for (const how of ways) {
      const again = await HnswIndex.load(join(folder, "sparse"), how);
      const asked = sparseRows(9, 2000, 9, 4);
      expect(again.querySync(asked, { k: 3 })).toEqual(index.querySync(asked, { k: 3 }));
    }
  });

  it("takes the place of a file in one step, and leaves nothing beside it", async () => {
    const path = join(mkdtempSync(join(folder, "alone-")), "index");
    writeFileSync(path, "before");
    const index = made();
    await expect(index.save(path, { signal: AbortSignal.abort("early") })).rejects.toMatchObject({
      code: "ERR_CANCELLED",
    });
    const stop = new AbortController();
    await index.save(path, { signal: stop.signal, onProgress: () => stop.abort() }).catch(() => undefined);
    await Promise.all([index.save(path), index.save(path), index.save(path)]);
    expect(readdirSync(join(path, ".."))).toEqual(["index"]);
    expect((await HnswIndex.load(path)).size).toBe(400);
  });

  it("is dumped, attached and copied as any other", async () => {
    const index = made();
    const path = join(folder, "copied");
    index.saveSync(path);
    const mapped = HnswIndex.loadSync(path, { mmap: true });
    expect(mapped.dumpSync()).toEqual(index.dumpSync());
    const other = HnswIndex.buildSync(clusteredRows(400, 7, 1), { nNeighbors: 6, seed: 9, m: 8, algorithm: "hnsw" });
    other.attachSync(mapped.dumpSync({ rows: false }));
    expect(other.stats()).toMatchObject({ graphReady: true, searchReady: true });
  });

  it("is loaded by another process", () => {
    const index = made();
    const path = join(folder, "other");
    index.saveSync(path);
    const code = `
      import { HnswIndex } from "hnsw-bridge";
      const index = await HnswIndex.load(process.argv[1], { mmap: true });
      console.log(index.neighborGraphSync().indices.data.join());
    `;
    const args = ["--input-type=module", "-e", code, path];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8", timeout: 50_000 });
    expect({ stderr, stdout: stdout.trim() }).toEqual({
      stderr: "",
      stdout: index.neighborGraphSync().indices.data.join(),
    });
  });
});

describe("files of every released version", () => {
  const versions = readdirSync(STORED).filter((name) => existsSync(join(STORED, name, "answers.json")));
  it.each(versions)("%s load and are sound", async (version) => {
    const answers = JSON.parse(readFileSync(join(STORED, version, "answers.json"), "utf8"));
    for (const [name, { size, graph, ids, nextId }] of Object.entries<StoredAnswers>(answers)) {
      const path = join(STORED, version, `${name}.hnsw`);
      expect(await HnswIndex.verifyFile(path)).toMatchObject({ sound: true, rows: size });
      for (const again of [await HnswIndex.load(path, { mmap: true }), HnswIndex.restoreSync(readFileSync(path))]) {
        expect(again.size).toBe(size);
        expect([...again.neighborGraphSync().indices.data]).toEqual(graph.indices);
        expect([...again.ids()]).toEqual(ids ?? [...Array(size).keys()]);
        expect(again.nextId).toBe(nextId ?? size);
      }
    }
  });

  it("keep ids with gaps: answers name them, and no id is given twice", async () => {
    const stored = join(STORED, "version-2-ids");
    const { deleted } = JSON.parse(readFileSync(join(stored, "answers.json"), "utf8"));
    for (const how of ways) {
      const index = await HnswIndex.load(join(stored, "deleted.hnsw"), how);
      const { indices, distances } = index.querySync(numbers(6, 5, 3), { k: 5 });
      expect([...indices.data]).toEqual(deleted.found.indices);
      expect([...distances.data]).toEqual(deleted.found.distances.map((value: number) => expect.closeTo(value, 5)));
      expect([0, 7, 96, 97].map((id) => index.has(id))).toEqual([false, false, false, false]);
      expect([...(await index.update({ fresh: numbers(2, 5, 9), removed: [1] }))]).toEqual([98, 99]);
      expect(await index.verify()).toMatchObject({ sound: true, problems: [], rows: deleted.size + 1 });
      expect(index.stats()).toMatchObject({ searchBuilds: 0 });
    }
  });

  it("keep the directions of sketches, along which walks go as they did", async () => {
    const stored = readFileSync(join(STORED, "sketch", "products.hnsw"));
    const found = JSON.parse(readFileSync(join(STORED, "sketch", "found.json"), "utf8"));
    const effort = { m: 2, efConstruction: 40, maxCandidates: 20, nIters: 5, graphRecall: 0.9 };
    const options = { algorithm: "hnsw", nNeighbors: 4, seed: 7, ef: 30, ...effort } as const;
    const index = HnswIndex.buildSync(numbers(4096, 17, 1), options);
    await index.attach(stored);
    const { indices } = index.querySync(numbers(6, 17, 3), { k: 5 });
    expect([...indices.data]).toEqual(found.indices);
    expect(index.stats()).toMatchObject({ searchReady: true, searchBuilds: 0 });
    expect(sectionOf(index.dumpSync(), 16)).toEqual(sectionOf(stored, 16));
    expect(await index.verify()).toMatchObject({ sound: true, problems: [] });
  });
});

/** What an index answered before it was stored; its ids only where files have them. */
interface StoredAnswers {
  readonly size: number;
  readonly graph: { readonly indices: readonly number[] };
  readonly ids?: readonly number[];
  readonly nextId?: number;
}

/** The numbers of test/files/make.mjs. */
function numbers(rows: number, dim: number, seed: number) {
  const number = (_: unknown, i: number) => (Math.imul(i + 1, 2654435761 + 2 * seed) >>> 24) / 64;
  return { data: Float32Array.from({ length: rows * dim }, number), shape: [rows, dim] };
}

/** The bytes of a section, by its number in the table (docs/file-format.md). */
function sectionOf(bytes: Uint8Array, number: number): Buffer {
  const all = Buffer.from(bytes);
  const entries = Array.from({ length: all.readUInt32LE(12) }, (_, i) => 64 + 32 * i);
  const at = entries.find((entry) => all.readUInt32LE(entry) === number) ?? Number.NaN;
  const [offset, length] = [8, 16].map((field) => Number(all.readBigUInt64LE(at + field))) as [number, number];
  return all.subarray(offset, offset + length);
}

describe("a damaged file", () => {
  it("is told section by section, and refused by the call that needs it", async () => {
    const index = made(60);
    const path = join(folder, "damaged");
    index.saveSync(path);
    const { sections } = HnswIndex.verifyFileSync(path);
    expect(sections.map(({ sound }) => sound)).not.toContain(false);
    for (const { name, offset, bytes } of sections.filter((section) => section.offset > 0 && section.bytes > 0)) {
      const damaged = Buffer.from(index.dumpSync());
      damaged[offset + (bytes >> 1)] = (damaged[offset + (bytes >> 1)] as number) ^ 4;
      writeFileSync(path, damaged);
      const found = await HnswIndex.verifyFile(path);
      expect(found).toMatchObject({ sound: false, version: 2, digest: false });
      expect(found.sections.filter(({ sound }) => !sound)).toEqual([{ name, offset, bytes, sound: false }]);
      expect(found.problems[0]).toContain(name);
      const refused = { code: "ERR_CORRUPT_FILE", message: expect.stringContaining(name) };
      await expect(HnswIndex.load(path)).rejects.toMatchObject(refused);
      await expect(used(path)).rejects.toMatchObject(refused);
    }
  });

  /** Opened without a look, then all of it used. */
  async function used(path: string): Promise<void> {
    const index = await HnswIndex.load(path, { mmap: true });
    const { sound, problems } = await index.verify();
    expect({ sound, problems: problems.length }).not.toEqual({ sound: true, problems: 0 });
    await index.query(queries);
    await index.neighborGraph();
  }

  it.runIf(process.platform === "linux")(
    "that is cut or written to while it is mapped is refused from then on",
    async () => {
      const path = join(folder, "cut");
      made(60).saveSync(path);
      const [cut, touched] = [HnswIndex.loadSync(path, { mmap: true }), HnswIndex.loadSync(path, { mmap: true })];
      utimesSync(path, 1, 1);
      await expect(touched.query(queries)).rejects.toMatchObject({ code: "ERR_CORRUPT_FILE" });
      truncateSync(path, 100);
      expect(() => cut.neighborGraphSync()).toThrow(expect.objectContaining({ code: "ERR_CORRUPT_FILE" }));
      expect((await cut.verify()).sound).toBe(false);
    },
  );
});

describe("what is no index", () => {
  it.each<[string, () => string | URL, string]>([
    ["a file that is not there", () => join(folder, "nothing"), "ERR_FILE"],
    ["a folder", () => folder, "ERR_FILE"],
    ["an empty path", () => "", "ERR_INVALID_ARGUMENT"],
    ["a path with a zero", () => "a\0b", "ERR_INVALID_ARGUMENT"],
    ["a URL of the web", () => new URL("https://example.org/a"), "ERR_INVALID_ARGUMENT"],
    ["a number", () => 7 as never, "ERR_INVALID_ARGUMENT"],
    ["a text", () => join(ROOT, "package.json"), "ERR_CORRUPT_FILE"],
  ])("as %s is refused", async (_, path, code) => {
    for (const how of ways) await expect(HnswIndex.load(path(), how)).rejects.toMatchObject({ code });
    expect(() => HnswIndex.loadSync(path())).toThrow(expect.objectContaining({ code }));
    if (code === "ERR_CORRUPT_FILE") expect(HnswIndex.verifyFileSync(path())).toMatchObject({ sound: false });
    else await expect(HnswIndex.verifyFile(path())).rejects.toMatchObject({ code });
  });

  it("cannot be saved to, and options are checked", async () => {
    const index = made(60);
    const invalid = (says: string) => ({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(says) });
    await expect(index.save(join(folder, "no", "folder"))).rejects.toMatchObject({ code: "ERR_FILE" });
    await expect(index.save(folder)).rejects.toMatchObject({ code: "ERR_FILE" });
    expect(() => index.saveSync("")).toThrow(expect.objectContaining(invalid("path")));
    await expect(HnswIndex.load("a", { mmap: 1 } as never)).rejects.toMatchObject(invalid("mmap is 1"));
    await expect(HnswIndex.load("a", { verify: "some" } as never)).rejects.toMatchObject(invalid("verify"));
    await expect(HnswIndex.load("a", { threads: 0 })).rejects.toMatchObject(invalid("threads is 0"));
    await expect(index.dump({ attachment: "a" } as never)).rejects.toMatchObject(invalid("attachment"));
    index.close();
    await expect(index.save(join(folder, "a"))).rejects.toMatchObject({ code: "ERR_CLOSED" });
    await expect(index.verify()).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });
});

describe("an attachment", () => {
  it("travels with a dump and is not kept with the index", async () => {
    const index = made(60);
    const attachment = Uint8Array.of(1, 2, 3, 250);
    const bytes = await index.dump({ attachment });
    expect(bytes.length).toBeGreaterThan(index.dumpSync().length);
    expect(Buffer.from(bytes).includes(Buffer.from(attachment))).toBe(true);
    expect(HnswIndex.restoreSync(bytes).dumpSync()).toEqual(index.dumpSync());
  });
});

describe("an index file of hnswlib", () => {
  const file = (name: string) => join(STORED, "hnswlib", `${name}.bin`);
  it.each([
    ["l2", "sqeuclidean"],
    ["cosine", "cosine"],
    ["ip", "inner_product"],
  ] as const)("of space %s comes over with its links", async (name, metric) => {
    const { index, labels } = await HnswIndex.importHnswlib(file(name), { metric, algorithm: "hnsw" });
    expect([...labels.subarray(0, 3)]).toEqual([1000n, 1003n, 1006n]);
    expect(index.stats()).toMatchObject({ rows: 200, dim: 6, searchReady: true, searchBuilds: 0, unreachable: 0 });
    expect(index.parameters).toMatchObject({ m: 5, efConstruction: 60 });
    const again = HnswIndex.importHnswlibSync(file(name), { metric, algorithm: "hnsw" });
    expect(again.labels).toEqual(labels);
    const asked = uniformRows(5, 6, 3);
    expect(again.index.querySync(asked)).toEqual(index.querySync(asked));
    const bytes = readFileSync(file(name));
    for (const other of [
      await HnswIndex.importHnswlib(bytes, { metric, algorithm: "hnsw" }),
      HnswIndex.importHnswlibSync(bytes, { metric, algorithm: "hnsw" }),
    ]) {
      expect(other.labels).toEqual(labels);
      expect(other.index.querySync(asked)).toEqual(index.querySync(asked));
      expect(other.index.stats()).toMatchObject({ searchReady: true, searchBuilds: 0 });
    }
  });

  it.each([
    ["ids", { ids: Int32Array.from({ length: 200 }, (_, i) => i + 5) }],
    ["nextId", { nextId: 900 }],
    ["ids", { ids: [1, 2], nextId: 900 }],
  ] as const)("has labels: %s of one's own are refused (%#)", async (name, given) => {
    const message = expect.stringMatching(`^${name} is .*allowed: none`);
    const refused = { code: "ERR_INVALID_ARGUMENT", message };
    for (const source of [file("l2"), readFileSync(file("l2"))]) {
      await expect(HnswIndex.importHnswlib(source, given as object)).rejects.toMatchObject(refused);
      expect(() => HnswIndex.importHnswlibSync(source, given as object)).toThrow(expect.objectContaining(refused));
    }
    const { index } = HnswIndex.importHnswlibSync(file("l2"), { ids: undefined, nextId: undefined } as object);
    expect([index.nextId, index.ids().at(-1)]).toEqual([200, 199]);
  });

  it("loses the rows that were deleted, and may not lie", async () => {
    const { index, labels } = await HnswIndex.importHnswlib(file("deleted"), { metric: "sqeuclidean" });
    expect([index.size, labels.length, labels.includes(1003n)]).toEqual([198, 198, false]);
    const liar = readFileSync(file("l2"));
    liar.writeBigUInt64LE(1n << 40n, 16);
    writeFileSync(join(folder, "liar"), liar);
    const refused = { code: "ERR_CORRUPT_FILE" };
    await expect(HnswIndex.importHnswlib(join(folder, "liar"))).rejects.toMatchObject(refused);
    expect(() => HnswIndex.importHnswlibSync(join(folder, "liar"))).toThrow(expect.objectContaining(refused));
    await expect(HnswIndex.importHnswlib(liar)).rejects.toMatchObject(refused);
    await expect(HnswIndex.importHnswlib(new Uint8Array(0))).rejects.toMatchObject(refused);
    await expect(HnswIndex.importHnswlib(file("l2"), { metric: "bit_hamming" })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });
});
