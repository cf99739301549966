/** Rows out of files that a client names: real files, both formats, and everything that is not to be read. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableToIPC } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HnswIndex } from "../../src/index.ts";
import { type Matrix, randomMatrix, rowTable } from "./support/arrow.ts";
import type { RawClient } from "./support/client.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const matrix = randomMatrix(3000, 200, 81);
const shape = { rows: 3000, dim: 200, dtype: "float32" };
let base: string;
let allowed: string;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "hnsw-files-"));
  allowed = join(base, "rows");
  mkdirSync(allowed);
  mkdirSync(join(base, "rows-elsewhere"));
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A .npy file of the 1.0 format, written from its specification. */
function npy(data: ArrayBufferView, descr: string, shapeText: string, order = "False"): Buffer {
  const dict = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shapeText}, }`;
  const header = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.alloc(10);
  head.write("\x93NUMPY\x01\x00", "latin1");
  head.writeUInt16LE(header.length, 8);
  return Buffer.concat([head, Buffer.from(header), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

function file(name: string, content: Uint8Array): string {
  const path = join(allowed, name);
  writeFileSync(path, content);
  return path;
}

async function client(): Promise<RawClient> {
  return connect(await start({ allowPaths: [allowed] }));
}

/** The graph of rows in a file, and of the same rows sent. */
async function graphs(path: string, fields: object = shape, rows: Matrix = matrix) {
  const asking = await client();
  const { index } = await asking.call("build", { ...fields, path, options: { n_neighbors: 5 } });
  const sent = await asking.build(rows, { n_neighbors: 5 });
  return [await asking.results("neighbor_graph", { index }), await asking.results("neighbor_graph", { index: sent })];
}

describe("rows of a file are those of", () => {
  test("a_npy_file_of_float32", async () => {
    const [read, sent] = await graphs(file("f4.npy", npy(matrix.data, "<f4", "(3000, 200)")));
    expect(read).toEqual(sent);
  });

  test("a_npy_file_of_float64", async () => {
    const [read, sent] = await graphs(file("f8.npy", npy(Float64Array.from(matrix.data), "<f8", "(3000, 200)")));
    expect(read).toEqual(sent);
  });

  test("a_npy_file_of_bytes", async () => {
    const bytes = Uint8Array.from(matrix.data, (value) => value * 255);
    const rows = { ...matrix, data: Float32Array.from(bytes) };
    const [read, sent] = await graphs(file("u1.npy", npy(bytes, "|u1", "(3000, 200)")), shape, rows);
    expect(read).toEqual(sent);
  });

  test.each(["file", "stream"] as const)("an_arrow_%s", async (format) => {
    const [read, sent] = await graphs(file(`${format}.arrow`, tableToIPC(rowTable(matrix), format)));
    expect(read).toEqual(sent);
  });

  test("a_file_that_numpy_wrote", async () => {
    const path = join(allowed, "numpy.npy");
    const program = "import sys, numpy as np; np.save(sys.argv[1], np.arange(600, dtype='f4').reshape(200, 3) % 17)";
    try {
      execFileSync("python3", ["-c", program, path], { stdio: "pipe" });
    } catch {
      execFileSync(".venv/bin/python", ["-c", program, path], { stdio: "pipe" });
    }
    const rows = { rows: 200, dim: 3, data: Float32Array.from({ length: 600 }, (_, i) => i % 17) };
    const [read, sent] = await graphs(path, { rows: 200, dim: 3, dtype: "float32" }, rows);
    expect(read).toEqual(sent);
  });

  test("queries_too", async () => {
    const asking = await client();
    const index = await asking.build(matrix);
    const path = file("queries.npy", npy(matrix.data.subarray(0, 2000), "<f4", "(10, 200)"));
    const id = asking.nextId();
    await asking.send({ op: "query", id, index, k: 1, rows: 10, dim: 200, dtype: "float32", path });
    await asking.answer(id);
    expect([...asking.collected(id).indices]).toEqual([...Array(10).keys()]);
  });
});

describe("the copy", () => {
  test("is_one_and_counted", async () => {
    const asking = await client();
    const before = (await asking.call("stats")).server as { bytesCopied: number };
    await asking.call("build", { ...shape, path: file("f4.npy", npy(matrix.data, "<f4", "(3000, 200)")) });
    const after = (await asking.call("stats")).server as { bytesCopied: number; bytesReceived: number };
    expect(after.bytesCopied - before.bytesCopied).toBe(4 * 3000 * 200);
    expect(after.bytesReceived).toBeLessThan(2000);
  });
});

describe("is not read", () => {
  const good = () => npy(matrix.data, "<f4", "(3000, 200)");

  test("without_a_directory_that_was_named", async () => {
    const asking = await connect(await start());
    await expect(asking.call("build", { ...shape, path: file("f4.npy", good()) })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining("--allow-path"),
    });
    expect((await asking.call("ping")).type).toBe("reply");
  });

  test("what_lies_elsewhere_is_away_is_no_file_or_is_a_link_out_of_it_and_the_answer_is_the_same", async () => {
    const outside = join(base, "outside.npy");
    writeFileSync(outside, good());
    writeFileSync(join(base, "rows-elsewhere", "x.npy"), good());
    symlinkSync(outside, join(allowed, "link.npy"));
    execFileSync("mkfifo", [join(allowed, "pipe.npy")]);
    const asking = await client();
    const paths = [
      ...[outside, "f4.npy", "", join(allowed, "missing.npy"), join(allowed, "link.npy"), join(allowed, "pipe.npy")],
      ...[allowed, join(allowed, "..", "outside.npy"), join(base, "rows-elsewhere", "x.npy"), `${outside}\0`],
      ...["/etc/passwd", "/dev/zero", "/proc/self/mem"],
    ];
    for (const path of paths) {
      const failed = await asking.call("build", { ...shape, path }).catch((error: unknown) => error);
      expect(failed, path).toMatchObject({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringContaining("inside a directory that the server may read"),
      });
    }
  });

  test.each([
    ["an_empty_file", Buffer.alloc(0), "ERR_CORRUPT_FILE"],
    ["text", Buffer.from("id,x,y\n1,2,3\n"), "ERR_INVALID_ARGUMENT"],
    ["a_head_alone", good().subarray(0, 30), "ERR_CORRUPT_FILE"],
    ["a_header_longer_than_the_file", Buffer.from("\x93NUMPY\x01\x00\xff\xff{}", "latin1"), "ERR_CORRUPT_FILE"],
    ["a_header_of_4_GB", Buffer.from("\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "latin1"), "ERR_CORRUPT_FILE"],
    ["an_unknown_version", Buffer.from("\x93NUMPY\x09\x00\x10\x00{}", "latin1"), "ERR_CORRUPT_FILE"],
    ["columns_first", npy(matrix.data, "<f4", "(3000, 200)", "True"), "ERR_INVALID_ARGUMENT"],
    ["big_endian_numbers", npy(matrix.data, ">f4", "(3000, 200)"), "ERR_INVALID_ARGUMENT"],
    ["objects", npy(matrix.data, "|O", "(3000, 200)"), "ERR_INVALID_ARGUMENT"],
    ["one_dimension", npy(matrix.data, "<f4", "(600000,)"), "ERR_INVALID_ARGUMENT"],
    ["another_shape", npy(matrix.data, "<f4", "(200, 3000)"), "ERR_DIMENSION_MISMATCH"],
    ["a_shape_beyond_its_bytes", npy(matrix.data.subarray(0, 1000), "<f4", "(3000, 200)"), "ERR_CORRUPT_FILE"],
    [
      "a_NaN",
      npy(
        matrix.data.map((value, i) => (i === 4321 ? Number.NaN : value)),
        "<f4",
        "(3000, 200)",
      ),
      "ERR_NON_FINITE",
    ],
    [
      "an_arrow_file_cut_short",
      Buffer.from(tableToIPC(rowTable(matrix), "file")).subarray(0, 9000),
      "ERR_CORRUPT_FILE",
    ],
    ["an_arrow_file_of_another_width", tableToIPC(rowTable(randomMatrix(3000, 7, 82)), "file"), "ERR_CORRUPT_FILE"],
    ["an_arrow_file_of_fewer_rows", tableToIPC(rowTable(randomMatrix(10, 200, 83)), "file"), "ERR_CORRUPT_FILE"],
    ["an_arrow_file_of_more_rows", tableToIPC(rowTable(randomMatrix(3001, 200, 84)), "file"), "ERR_CORRUPT_FILE"],
    [
      "a_stream_of_noise",
      Buffer.concat([Buffer.from([255, 255, 255, 255]), Buffer.alloc(4000, 7)]),
      "ERR_CORRUPT_FILE",
    ],
  ] as const)("%s", async (name, content, code) => {
    const asking = await client();
    const path = file(name, content);
    await expect(asking.call("build", { ...shape, path })).rejects.toMatchObject({ code });
    expect(await asking.call("stats")).toMatchObject({ server: { indexes: 0, callsInFlight: 1 } });
  });

  test("a_flipped_byte_anywhere_in_an_arrow_files_metadata_stops_nothing", async () => {
    const asking = await client();
    const small = randomMatrix(20, 4, 85);
    const content = tableToIPC(rowTable(small), "file");
    for (let at = 0; at < content.length; at += 3) {
      const damaged = Buffer.from(content);
      damaged[at] = (damaged[at] ?? 0) ^ 0x55;
      await asking
        .call("build", { rows: 20, dim: 4, dtype: "float32", path: file("damaged.arrow", damaged) })
        .catch(({ code }: { code: string }) =>
          expect(code, `byte ${at}`).toMatch(/^ERR_(CORRUPT_FILE|INVALID_ARGUMENT|DIMENSION_MISMATCH|NON_FINITE)$/),
        );
    }
    expect((await asking.call("stats")).server).toMatchObject({ callsInFlight: 1 });
  });

  test("a_file_that_ends_earlier_than_it_said", async () => {
    const path = file("short.npy", good());
    truncateSync(path, 1_000_000);
    await expect((await client()).call("build", { ...shape, path })).rejects.toMatchObject({
      code: "ERR_CORRUPT_FILE",
      message: expect.stringContaining("ends after 1000000 bytes"),
    });
  });

  test("sparse_rows_two_parts_and_rows_that_are_sent_as_well", async () => {
    const asking = await client();
    const path = file("f4.npy", good());
    const csr = { ...shape, layout: "csr", nnz: 5 };
    await expect(asking.call("build", { ...csr, path })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await expect(asking.call("build", { ...shape, path, inline: true })).rejects.toMatchObject({
      code: "ERR_PROTOCOL",
    });
    const index = await asking.build(matrix);
    const parts = { fresh: shape, updated: { ...shape, rows: 1, indices: [1] } };
    await expect(asking.call("update", { index, ...parts, path })).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  });
});

describe("an index of a file", () => {
  const options = { algorithm: "hnsw", nNeighbors: 5 } as const;

  function saved(name: string): { path: string; index: HnswIndex } {
    const index = HnswIndex.buildSync({ data: matrix.data, shape: [matrix.rows, matrix.dim] }, options);
    index.neighborGraphSync();
    const path = join(allowed, name);
    index.saveSync(path);
    return { path, index };
  }

  test("is_the_one_that_was_saved", async () => {
    const { path, index } = saved("index.hnsw");
    const asking = await connect(await start({ allowPaths: [allowed] }));
    const loaded = await asking.call("load", { path, threads: 1 });
    expect(loaded).toMatchObject({ rows: matrix.rows, dim: matrix.dim, n_neighbors: 5 });
    const { indices } = await asking.results("neighbor_graph", { index: loaded.index });
    expect([...indices]).toEqual([...index.neighborGraphSync().indices.data]);
  });

  test("is_refused_elsewhere_damaged_or_without_directories", async () => {
    const { path, index } = saved("damaged.hnsw");
    const bytes = index.dumpSync();
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 4;
    writeFileSync(path, bytes);
    writeFileSync(join(base, "outside.hnsw"), index.dumpSync());
    const asking = await connect(await start({ allowPaths: [allowed] }));
    const code = (name: string) => expect.objectContaining({ code: name });
    await expect(asking.call("load", { path })).rejects.toEqual(code("ERR_CORRUPT_FILE"));
    for (const bad of [join(base, "outside.hnsw"), join(allowed, "missing"), allowed, "damaged.hnsw"]) {
      await expect(asking.call("load", { path: bad })).rejects.toEqual(code("ERR_INVALID_ARGUMENT"));
    }
    await expect(asking.call("load", { path, bytes: { value: "v1" } })).rejects.toEqual(code("ERR_PROTOCOL"));
    const other = await connect(await start());
    await expect(other.call("load", { path })).rejects.toEqual(code("ERR_INVALID_ARGUMENT"));
  });
});
