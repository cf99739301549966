/**
 * Seeded malformed messages from one client to a server process, while another client is served. Replay a failure, or run
 * the long form of 100 000 messages, with HNSW_BRIDGE_FUZZ_SEED and HNSW_BRIDGE_FUZZ_MESSAGES.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { random, randomCsr, randomMatrix } from "./support/arrow.ts";
import { RawClient } from "./support/client.ts";
import { useProcesses } from "./support/process.ts";
import { denseRows, numberRows, type Rows, sparseRows } from "./support/rows.ts";

const SEED = Number(process.env.HNSW_BRIDGE_FUZZ_SEED ?? 20_260_101);
const MESSAGES = Number(process.env.HNSW_BRIDGE_FUZZ_MESSAGES ?? 5000);
const matrix = randomMatrix(20, 4, 51);
const { start } = useProcesses();
/** Memory that many messages may add: what an allocator keeps, not what a leak of frames would be. */
const GROWTH_BYTES = 96 << 20;
const TIMEOUT_MS = 60_000 + 3 * MESSAGES;

/** An index file of another engine. */
const HNSWLIB = readFileSync(new URL("../files/hnswlib/l2.bin", import.meta.url));

/** Rows of every form, and an index of each, whose id is its place in this list, from 1. */
const FORMS: readonly { rows: Rows; options: object }[] = [
  { rows: denseRows(matrix), options: { n_neighbors: 3 } },
  { rows: sparseRows(randomCsr(20, 4, 3, 52)), options: { n_neighbors: 3 } },
  {
    rows: numberRows(
      Uint8Array.from({ length: 80 }, (_, i) => i * i),
      4,
    ),
    options: { n_neighbors: 3, metric: "bit_hamming" },
  },
];

const OPS = [
  "hello",
  "build",
  "query",
  "neighbor_graph",
  "update",
  "prepare",
  "stats",
  "close",
  "ping",
  "cancel",
  "rows",
  "credit",
  "put",
  "dump",
  "load",
  "attach",
  "plan",
  "verify",
  "radius_search",
  "radius_search_by_id",
  "estimate_count",
  "ids",
  "recall",
  "import_hnswlib",
];
const VALUES: unknown[] = [
  null,
  true,
  -1,
  0,
  1,
  3,
  20,
  1.5,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e300,
  "",
  "1",
  "x".repeat(300),
  [],
  [1, 1],
  {},
  { value: "v2" },
  "csr",
  "uint8",
  "int32",
];
const FIELDS = [
  "radius",
  "radii",
  "ids",
  "max_results",
  "sample",
  "id",
  "index",
  "rows",
  "dim",
  "dtype",
  "inline",
  "k",
  "epsilon",
  "ef",
  "credits",
  "start",
  "count",
  "target",
  "fresh",
  "updated",
  "removed",
  "filter",
  "layout",
  "nnz",
  "indices",
  "value",
  "bytes",
  "options",
  "protocol",
  "op",
  "path",
  "bare",
  "credits",
];
/** Headers that are meant to cost more to read than to write. */
const BOMBS: readonly (() => string)[] = [
  () => "[".repeat(30_000),
  () => `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`,
  () => `{"op":"ping","id":1,"x":"${"\\u0000".repeat(10_000)}"}`,
  () => `{"op":"build","id":1,"rows":1${"0".repeat(300)}}`,
  () => `{"op":"ping","id":1,${Array.from({ length: 4000 }, (_, i) => `"k${i}":${i}`).join(",")}}`,
  () => `{"op":"ping","id":1,"__proto__":{"op":"close"},"constructor":1,"op":"ping"}`,
  () => `{"op":"ping","id":1,"x":"${"y".repeat(70_000)}"}`,
];

/** Mutations of valid messages, so that they get further than the first check. */
class Fuzzer {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = random(seed);
  }

  below(n: number): number {
    return Math.floor(this.#next() * n);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  message(id: number): { op: string; head: Buffer; frames: Buffer[] } {
    const kind = this.below(40);
    if (kind === 0) return { op: "noise", head: this.#noise(200), frames: this.#noiseFrames() };
    if (kind === 1) return { op: "bomb", head: Buffer.from(this.pick(BOMBS)()), frames: [] };
    return this.#mutated(id);
  }

  #noise(most: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(most) }, () => this.below(256)));
  }

  #noiseFrames(): Buffer[] {
    return Array.from({ length: this.below(70) }, () => this.#noise(60));
  }

  #mutated(id: number): { op: string; head: Buffer; frames: Buffer[] } {
    const form = this.below(FORMS.length);
    const header: Record<string, unknown> = this.#valid(id, form);
    for (let i = this.below(4); i > 0; i--) this.#mutateHeader(header);
    if (isObject(header.updated) && this.below(8) === 0) {
      const updated = { ...header.updated };
      this.#mutateHeader(updated);
      header.updated = updated;
    }
    const head = this.#mutateBytes(Buffer.from(JSON.stringify(header)), 0.12);
    // Frames belong to inline calls and to batches; elsewhere they are a fault of their own.
    const bare = header.inline !== true && header.op !== "rows" && this.below(8) > 0;
    const rows = this.below(10) === 0 ? this.pick(FORMS).rows : FORMS[form]?.rows;
    return { op: String(header.op), head, frames: bare ? [] : this.#frames(rows) };
  }

  #valid(id: number, form: number): Record<string, unknown> {
    const shape = FORMS[form]?.rows.shape;
    const op = this.below(6) === 0 ? "rows" : this.pick(OPS);
    // Queries that wait for batches hardly ever get the right ones.
    const inline = /^(query|radius_search|estimate_count)$/.test(op) ? this.below(8) > 0 : this.below(2) === 0;
    const parts = this.below(inline ? 2 : 3);
    const value = { value: `v${1 + this.below(12)}` };
    const indices = this.below(3) === 0 ? value : Array.from({ length: 20 }, () => this.below(20));
    const sigma = this.below(9) === 0 ? { metric: "seuclidean", sigma: value } : {};
    return {
      // Batches are for a call before.
      ...{ op, id: op === "rows" ? id - 1 - this.below(4) : id, index: op === "close" ? "4" : String(form + 1) },
      ...{ k: 2, ...shape, inline, options: { ...FORMS[form]?.options, seed: "7", ...sigma } },
      ...(parts !== 0 && { fresh: shape }),
      ...(parts !== 1 && { updated: { ...shape, indices } }),
      ...(op === "update" && this.below(4) === 0 && { removed: [this.below(40), this.below(40)] }),
      // Once rows are gone few updates name rows that are there; some only append.
      ...(op === "update" &&
        this.below(2) === 0 && { fresh: shape, updated: undefined, removed: undefined, inline: true }),
      ...(op === "query" &&
        this.below(2) === 0 && { filter: this.below(2) === 0 ? { ids: [1, 19] } : { bits: value } }),
      ...(op === "close" && this.below(2) === 0 && { index: null, value: value.value }),
      ...(op === "dump" && { rows: this.below(2) === 0 }),
      ...{
        bytes: this.#bytes(op, form) ?? value,
        start: 0,
        count: 20,
        credits: 1,
        target: id - this.below(20),
        protocol: [1, 1],
      },
      // A radius search answers with two tables, hence two batches.
      ...((op.startsWith("radius") || op === "estimate_count") && { radius: 1, ids: [3, 19], credits: 2 }),
    };
  }

  /** Half of the time the value that `furnish` put for this, else any: most are of no use to it. */
  #bytes(op: string, form: number): object | undefined {
    if (this.below(2) === 0) return undefined;
    if (op === "attach") return { value: `v${2 * form + 2}` };
    return op === "import_hnswlib" ? { value: "v8" } : undefined;
  }

  #mutateHeader(header: Record<string, unknown>): void {
    const field = this.pick(FIELDS);
    const way = this.below(4);
    if (way === 0) delete header[field];
    else if (way === 1) header[field] = { [this.pick(FIELDS)]: this.pick(VALUES) };
    else header[field] = this.pick(VALUES);
  }

  #frames(rows: Rows = denseRows(matrix)): Buffer[] {
    let frames = rows.frames(0, this.below(8) > 0 ? 20 : 1 + this.below(19));
    const way = this.below(24);
    if (way === 0) frames = [];
    else if (way === 1) frames = frames.slice(this.below(3));
    else if (way === 2) frames = frames.reverse();
    else if (way === 3) frames = [...frames, ...frames];
    else if (way === 4)
      frames = Array.from({ length: this.below(80) }, () => Buffer.alloc(this.below(40), this.below(256)));
    return frames.map((frame) => this.#mutateBytes(frame, 0.12));
  }

  #mutateBytes(bytes: Buffer, chance: number): Buffer {
    if (this.#next() > chance || bytes.length === 0) return bytes;
    const copy = Buffer.from(bytes);
    const way = this.below(3);
    if (way === 0) return copy.subarray(0, this.below(copy.length));
    if (way === 1) for (let i = this.below(8); i >= 0; i--) copy[this.below(copy.length)] = this.below(256);
    if (way === 2 && copy.length >= 8)
      copy.writeInt32LE(this.pick([-1, 0, 2 ** 31 - 1, -(2 ** 31), 65_536]), this.below(copy.length / 4 - 1) * 4);
    return copy;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Gives a fresh session an index of each form, one to close, and values: dumps of them, whole and without rows, ids, a file. */
async function furnish(client: RawClient): Promise<void> {
  for (const { rows, options } of [...FORMS, ...FORMS.slice(0, 1)]) await client.inline("build", { options }, rows);
  for (const index of ["1", "2", "3"]) {
    for (const rows of [true, false]) {
      await client.inline("put", {}, numberRows(await client.bytes("dump", { index, rows }), 1));
    }
  }
  await client.inline(
    "put",
    {},
    numberRows(
      Int32Array.from({ length: 20 }, (_, i) => i),
      1,
    ),
  );
  await client.inline("put", {}, numberRows(HNSWLIB, 1));
}

/** A stream that takes more rights than it has: batches without credit, beyond the end, for a call of somebody else. */
async function cheat(attacker: RawClient, id: number, foreign: number): Promise<void> {
  const rows = denseRows(matrix);
  const promise = { ...rows.shape, rows: 2000 };
  await attacker.send({ op: "build", id, ...promise });
  for (let i = 0; i < 12; i++) await attacker.send({ op: "rows", id, start: 20 * i, count: 20 }, rows.frames(0, 20));
  await attacker.send({ op: "rows", id: foreign, start: 0, count: 20 }, rows.frames(0, 20));
  await attacker.send({ op: "credit", id, credits: 2 ** 31 });
  await attacker.send({ op: "cancel", id: id + 1, target: foreign });
  await attacker.send({ op: "cancel", id: id + 2, target: id });
}

const residentBytes = async (client: RawClient) =>
  ((await client.call("stats")).server as { memory: { rss: number } }).memory.rss;

test(
  `${MESSAGES}_malformed_messages_of_seed_${SEED}_leave_the_server_serving`,
  async () => {
    const server = await start(["serve", "--ipc", "auto", "--parent-stdin", "--json"]).ready();
    const witness = await RawClient.connect(server.endpoint);
    const index = await witness.build(matrix, { n_neighbors: 3 });
    const expected = await witness.query(index, matrix, 3);
    const attacker = await RawClient.connect(server.endpoint);
    await furnish(attacker);
    const fuzzer = new Fuzzer(SEED);
    const ops = new Map<unknown, string>();
    // A stream of the witness that stays open all the while, for others to meddle with.
    const open = 77;
    await witness.send({ op: "put", id: open, rows: 20, dim: 4, dtype: "float32" });
    let warm = Number.POSITIVE_INFINITY;
    for (let i = 0; i < MESSAGES; i++) {
      const { op, head, frames } = fuzzer.message(1_000_000 + i);
      ops.set(1_000_000 + i, op);
      await attacker.send(head, frames);
      // Calls that wait for ever fill the limit, indices get closed: a fresh session keeps long runs going deep.
      if (i % 100 === 50) await cheat(attacker, 2_000_000 + 3 * i, open);
      if (i === MESSAGES >> 2) warm = await residentBytes(witness);
      if (i % 60 === 59) {
        await attacker.call("goodbye");
        await attacker.hello();
        await furnish(attacker);
      }
      if (i % 100 === 99) expect(await witness.query(index, matrix, 3), `after message ${i}`).toEqual(expected);
    }
    expect(await witness.query(index, matrix, 3)).toEqual(expected);
    const codes = new Set(
      attacker.received.filter(({ header }) => header.type === "error").map(({ header }) => header.code),
    );
    expect(codes).toContain("ERR_PROTOCOL");
    expect(codes).toContain("ERR_INVALID_ARGUMENT");
    expect(codes).not.toContain("ERR_INTERNAL");
    // Some got all the way through: else the mutations would only test the first check.
    const answers = attacker.received.map(({ header }) => (header.last === true ? "result" : header.type));
    expect(answers.filter((type) => type === "result").length).toBeGreaterThan(MESSAGES / 50);
    expect(answers.filter((type) => type === "error").length).toBeGreaterThan(MESSAGES / 5);
    const done = attacker.received.filter(({ header }) => header.type === "reply" || header.last === true);
    const reached = new Set(done.map(({ header }) => ops.get(header.id)));
    for (const op of OPS.filter((op) => !["hello", "rows", "credit"].includes(op))) expect(reached, op).toContain(op);
    const { session, server: counted } = await attacker.call("stats");
    attacker.close();
    expect(session).toMatchObject({ connections: 1 });
    expect(counted).not.toMatchObject({ errors: { ERR_INTERNAL: expect.anything() } });
    expect((await residentBytes(witness)) - warm).toBeLessThan(GROWTH_BYTES);
    // Nobody else reached the witness's stream: it goes on as if alone.
    await witness.send({ op: "rows", id: open, start: 0, count: 20 }, denseRows(matrix).frames(0, 20));
    expect((await witness.answer(open)).header).toMatchObject({ value: "v1" });
    await expect.poll(async () => ((await witness.call("stats")).server as { indexes: number }).indexes).toBe(1);
    witness.close();
  },
  TIMEOUT_MS,
);
