/**
 * Every way we know to send something wrong, and the code it is answered with. Beside each case a second
 * client is served, and the offender itself can go on.
 */

import { tableToIPC } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningServer, serve } from "../../bridge/index.ts";
import { randomMatrix, rowFrames, rowTable, slice, splitStream } from "./support/arrow.ts";
import { ErrorAnswer, RawClient } from "./support/client.ts";

const matrix = randomMatrix(50, 4, 41);
const ten = slice(matrix, 0, 10);
let server: RunningServer;
let offender: RawClient;
let witness: RawClient;
let witnessIndex: string;
let index: string;

beforeAll(async () => {
  server = await serve({ limits: { inlineBytes: 4096 } });
  offender = await RawClient.connect(server.endpoint);
  witness = await RawClient.connect(server.endpoint);
  witnessIndex = await witness.build(matrix, { n_neighbors: 3 });
  index = await offender.build(matrix, { n_neighbors: 3 });
});

afterAll(async () => {
  offender.close();
  witness.close();
  await server.close();
});

async function expectServed(): Promise<void> {
  const { indices } = await witness.query(witnessIndex, slice(matrix, 7, 1), 1);
  expect(indices[0]).toBe(7);
  await offender.call("ping");
}

/** The code that the server answers `send` with, under `id`. */
async function codeOf(id: number | null, send: () => Promise<void>): Promise<string> {
  const before = offender.received.length;
  await send();
  const { header } = await offender.when(
    (message) => offender.received.indexOf(message) >= before && message.header.type === "error",
    "an error",
  );
  expect(header.id).toBe(id);
  expect(header.message).not.toBe("");
  return String(header.code);
}

describe("a header that is no header is ERR_PROTOCOL", () => {
  const deep = `{"op":"ping","id":1,"x":${"[".repeat(40)}${"]".repeat(40)}}`;
  test.each([
    { name: "empty_frame", head: "" },
    { name: "not_json", head: "hello" },
    { name: "cut_json", head: '{"op":"ping","id":1' },
    { name: "two_values", head: '{"op":"ping"}{"op":"ping"}' },
    { name: "array", head: "[1,2]" },
    { name: "null", head: "null" },
    { name: "number", head: "7" },
    { name: "no_id", head: '{"op":"ping"}' },
    { name: "text_id", head: '{"op":"ping","id":"1"}' },
    { name: "negative_id", head: '{"op":"ping","id":-1}' },
    { name: "fractional_id", head: '{"op":"ping","id":1.5}' },
    { name: "id_beyond_32_bits", head: '{"op":"ping","id":4294967296}' },
    { name: "bytes_that_are_not_utf8", head: Buffer.from('{"op":"ping","id":1,"x":"\xff\xfe"}', "latin1") },
    { name: "NaN", head: '{"op":"query","id":1,"k":NaN}' },
    { name: "nesting_of_40", head: deep },
    { name: "nesting_of_30000", head: "[".repeat(30_000) },
    { name: "65_537_bytes", head: `{"op":"ping","id":1,"x":"${"x".repeat(65_537 - 26)}"}` },
  ])("$name", async ({ head }) => {
    expect(await codeOf(null, () => offender.send(head))).toBe("ERR_PROTOCOL");
    await expectServed();
  });

  test.each([
    { name: "no_op", header: {} },
    { name: "numeric_op", header: { op: 5 } },
    { name: "unknown_op", header: { op: "shutdown" } },
    { name: "op_that_is_a_property_of_objects", header: { op: "constructor" } },
    { name: "op_proto", header: { op: "__proto__" } },
    { name: "op_of_1000_characters", header: { op: "x".repeat(1000) } },
  ])("$name", async ({ header }) => {
    const id = offender.nextId();
    expect(await codeOf(id, () => offender.send({ id, ...header }))).toBe("ERR_PROTOCOL");
    await expectServed();
  });

  test("a_header_of_exactly_65_536_bytes_is_read", async () => {
    const id = offender.nextId();
    const empty = JSON.stringify({ op: "ping", id, x: "" });
    await offender.send(JSON.stringify({ op: "ping", id, x: "x".repeat(65_536 - empty.length) }));
    await expect(offender.answer(id)).resolves.toBeDefined();
  });

  test("65_frames", async () => {
    const id = offender.nextId();
    const frames = Array.from({ length: 64 }, () => Buffer.from("x"));
    expect(await codeOf(id, () => offender.send({ op: "ping", id }, frames))).toBe("ERR_PROTOCOL");
    await expectServed();
  });
});

describe("a request that asks for something impossible has the code of that", () => {
  const shape = { rows: 10, dim: 4, dtype: "float32", inline: true };
  const query = { ...shape, k: 3 };
  const cases: { name: string; op: string; fields: () => object; code: string }[] = [
    { name: "0_rows", op: "build", fields: () => ({ ...shape, rows: 0, inline: false }), code: "ERR_EMPTY_INDEX" },
    { name: "rows_minus_1", op: "build", fields: () => ({ ...shape, rows: -1 }), code: "ERR_INVALID_ARGUMENT" },
    { name: "rows_1.5", op: "build", fields: () => ({ ...shape, rows: 1.5 }), code: "ERR_INVALID_ARGUMENT" },
    { name: "rows_2^31", op: "build", fields: () => ({ ...shape, rows: 2 ** 31 }), code: "ERR_INVALID_ARGUMENT" },
    { name: "rows_as_text", op: "build", fields: () => ({ ...shape, rows: "10" }), code: "ERR_PROTOCOL" },
    { name: "no_rows", op: "build", fields: () => ({ ...shape, rows: undefined }), code: "ERR_PROTOCOL" },
    { name: "dim_0", op: "build", fields: () => ({ ...shape, dim: 0 }), code: "ERR_INVALID_ARGUMENT" },
    {
      name: "dim_too_large",
      op: "build",
      fields: () => ({ ...shape, dim: 2 ** 20 + 1 }),
      code: "ERR_INVALID_ARGUMENT",
    },
    {
      name: "more_memory_than_exists",
      op: "build",
      fields: () => ({ ...shape, rows: 2 ** 31 - 1, dim: 2 ** 20, inline: false }),
      code: "ERR_OUT_OF_MEMORY",
    },
    { name: "dtype_float64", op: "build", fields: () => ({ ...shape, dtype: "float64" }), code: "ERR_PROTOCOL" },
    { name: "no_dtype", op: "build", fields: () => ({ ...shape, dtype: undefined }), code: "ERR_PROTOCOL" },
    { name: "inline_as_number", op: "build", fields: () => ({ ...shape, inline: 1 }), code: "ERR_PROTOCOL" },
    { name: "options_as_array", op: "build", fields: () => ({ ...shape, options: [] }), code: "ERR_PROTOCOL" },
    ...[
      { options: { metric: "no_such_metric" }, code: "ERR_UNKNOWN_METRIC" },
      { options: { metric: 5 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { metric: {} }, code: "ERR_PROTOCOL" },
      { options: { colour: "blue" }, code: "ERR_INVALID_ARGUMENT" },
      { options: { nNeighbors: 3 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { signal: "x" }, code: "ERR_INVALID_ARGUMENT" },
      { options: { n_neighbors: 0 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { n_neighbors: 65_537 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { n_neighbors: "3" }, code: "ERR_INVALID_ARGUMENT" },
      { options: { algorithm: "magic" }, code: "ERR_INVALID_ARGUMENT" },
      { options: { m: 1 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { m: 1e9 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { ef_construction: 0 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { ef: -5 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { seed: -1 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { seed: 1.5 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { seed: "18446744073709551616" }, code: "ERR_INVALID_ARGUMENT" },
      { options: { seed: "0x10" }, code: "ERR_INVALID_ARGUMENT" },
      { options: { threads: 0 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { metric: "minkowski", p: 0 }, code: "ERR_INVALID_ARGUMENT" },
      { options: { quantization: "float16" }, code: "ERR_INVALID_ARGUMENT" },
      { options: { quantization: {} }, code: "ERR_PROTOCOL" },
      { options: { w: [1, 1, 1, 1] }, code: "ERR_INVALID_ARGUMENT" },
      { options: { w: "1,1,1,1" }, code: "ERR_PROTOCOL" },
      { options: { sigma: {} }, code: "ERR_PROTOCOL" },
      { options: { vinv: [[1], [1]] }, code: "ERR_PROTOCOL" },
      { options: { cost: { value: "v1" } }, code: "ERR_UNKNOWN_ID" },
    ].map(({ options, code }) => ({
      name: `options_${JSON.stringify(options)}`,
      op: "build",
      fields: () => ({ ...shape, options }),
      code,
    })),
    { name: "k_minus_1", op: "query", fields: () => ({ index, ...query, k: -1 }), code: "ERR_INVALID_ARGUMENT" },
    { name: "k_too_large", op: "query", fields: () => ({ index, ...query, k: 65_537 }), code: "ERR_INVALID_ARGUMENT" },
    { name: "k_1.5", op: "query", fields: () => ({ index, ...query, k: 1.5 }), code: "ERR_INVALID_ARGUMENT" },
    { name: "no_k", op: "query", fields: () => ({ index, ...query, k: undefined }), code: "ERR_PROTOCOL" },
    { name: "ef_0", op: "query", fields: () => ({ index, ...query, ef: 0 }), code: "ERR_INVALID_ARGUMENT" },
    {
      name: "epsilon_as_text",
      op: "query",
      fields: () => ({ index, ...query, epsilon: "wide" }),
      code: "ERR_PROTOCOL",
    },
    { name: "another_width", op: "query", fields: () => ({ index, ...query, dim: 5 }), code: "ERR_DIMENSION_MISMATCH" },
    {
      name: "another_width_of_0_queries",
      op: "query",
      fields: () => ({ index, ...query, rows: 0, dim: 5 }),
      code: "ERR_DIMENSION_MISMATCH",
    },
    { name: "an_unknown_index", op: "query", fields: () => ({ ...query, index: "999" }), code: "ERR_UNKNOWN_ID" },
    { name: "an_index_of_odd_form", op: "query", fields: () => ({ ...query, index: "../1" }), code: "ERR_UNKNOWN_ID" },
    { name: "a_numeric_index", op: "query", fields: () => ({ ...query, index: 1 }), code: "ERR_PROTOCOL" },
    { name: "no_index", op: "neighbor_graph", fields: () => ({}), code: "ERR_PROTOCOL" },
    { name: "negative_credits", op: "neighbor_graph", fields: () => ({ index, credits: -1 }), code: "ERR_PROTOCOL" },
    { name: "credits_as_text", op: "neighbor_graph", fields: () => ({ index, credits: "4" }), code: "ERR_PROTOCOL" },
    { name: "an_unknown_index", op: "dump", fields: () => ({ index: "999" }), code: "ERR_UNKNOWN_ID" },
    { name: "no_index", op: "attach", fields: () => ({ bytes: { value: "v1" } }), code: "ERR_PROTOCOL" },
    { name: "no_bytes", op: "load", fields: () => ({}), code: "ERR_PROTOCOL" },
    { name: "no_shape", op: "put", fields: () => ({}), code: "ERR_PROTOCOL" },
    { name: "nothing", op: "close", fields: () => ({}), code: "ERR_PROTOCOL" },
    { name: "no_fresh_rows", op: "update", fields: () => ({ index, inline: true }), code: "ERR_PROTOCOL" },
    {
      name: "0_fresh_rows",
      op: "update",
      fields: () => ({ index, fresh: { ...shape, rows: 0 } }),
      code: "ERR_EMPTY_INDEX",
    },
    {
      name: "fresh_rows_of_another_width",
      op: "update",
      fields: () => ({ index, inline: true, fresh: { ...shape, dim: 3 } }),
      code: "ERR_DIMENSION_MISMATCH",
    },
    { name: "no_target", op: "cancel", fields: () => ({}), code: "ERR_PROTOCOL" },
    { name: "text_target", op: "cancel", fields: () => ({ target: "7" }), code: "ERR_PROTOCOL" },
    { name: "unknown_stats_index", op: "stats", fields: () => ({ index: "77" }), code: "ERR_UNKNOWN_ID" },
  ];

  test.each(cases)("$op with $name is $code", async ({ op, fields, code }) => {
    const answer = offender.call(op, fields(), fields() && "inline" in fields() ? rowFramesFor(fields()) : []);
    await expect(answer).rejects.toThrow(ErrorAnswer);
    await expect(answer).rejects.toMatchObject({ code });
    await expectServed();
  });

  /** The right frames where the header says inline with rows, so that only the named fault is at fault. */
  function rowFramesFor(fields: object): Buffer[] {
    const { inline, rows } = fields as { inline?: unknown; rows?: unknown };
    return inline === true && rows !== 0 ? rowFrames(ten) : [];
  }
});

describe("rows with values that are not finite are ERR_NON_FINITE", () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("%d", async (value) => {
    const data = ten.data.slice();
    data[6 * 4 + 2] = value;
    const bad = { ...ten, data };
    const fields = { rows: 10, dim: 4, dtype: "float32" };
    for (const [op, more] of [
      ["build", fields],
      ["query", { index, k: 2, ...fields }],
      ["update", { index, fresh: fields }],
    ] as const) {
      const answer = offender.callInline(op, more, bad);
      await expect(answer, op).rejects.toMatchObject({ code: "ERR_NON_FINITE", message: /row 6, column 2/ });
    }
    await expectServed();
    expect(await offender.call("stats", { index })).toMatchObject({ index: { rows: 50 } });
  });
});

describe("Arrow frames unlike the promise are ERR_PROTOCOL", () => {
  const [schema, batch, body] = rowFrames(ten);
  const flip = (frame: Buffer, at: number, value: number): Buffer => {
    const copy = Buffer.from(frame);
    copy.writeInt32LE(value, at);
    return copy;
  };
  const other = (name: string, dim = 4, rows = 10) =>
    splitStream(Buffer.from(tableToIPC(rowTable(randomMatrix(rows, dim, 1), name), "stream")));
  /** Where the record batch message holds `value` as int64. */
  const positionOf = (value: bigint): number => {
    for (let at = 8; at + 8 <= batch.length; at += 4) if (batch.readBigInt64LE(at) === value) return at;
    throw new Error(`no ${value} in the metadata`);
  };

  const cases: { name: string; frames: Uint8Array[] }[] = [
    { name: "none", frames: [] },
    { name: "schema_only", frames: [schema] },
    { name: "no_schema", frames: [batch, body] },
    { name: "no_body", frames: [schema, batch] },
    { name: "short_body", frames: [schema, batch, body.subarray(8)] },
    { name: "long_body", frames: [schema, batch, body, Buffer.alloc(8)] },
    { name: "one_joined_frame", frames: [Buffer.concat([schema, batch, body])] },
    { name: "joined_metadata", frames: [Buffer.concat([schema, batch]), body] },
    { name: "swapped_metadata", frames: [batch, schema, body] },
    { name: "schema_twice", frames: [schema, schema, body] },
    { name: "another_field_name", frames: [...other("vectors")] },
    { name: "another_width", frames: [...other("rows", 5)] },
    { name: "fewer_rows", frames: [...other("rows", 4, 9)] },
    { name: "no_continuation_mark", frames: [flip(schema, 0, 0), batch, body] },
    { name: "a_lying_metadata_length", frames: [schema, flip(batch, 4, 1 << 30), body] },
    { name: "a_negative_metadata_length", frames: [schema, flip(batch, 4, -8), body] },
    { name: "a_root_offset_out_of_the_frame", frames: [schema, flip(batch, 8, 1 << 29), body] },
    { name: "a_negative_root_offset", frames: [flip(schema, 8, -64), batch, body] },
    {
      name: "zeroed_metadata",
      frames: [Buffer.concat([schema.subarray(0, 8), Buffer.alloc(schema.length - 8)]), batch, body],
    },
    { name: "a_lying_batch_length", frames: [schema, flip(batch, positionOf(10n), 11), body] },
    { name: "a_lying_node_length", frames: [schema, flip(batch, positionOf(40n), 41), body] },
    { name: "a_lying_body_length", frames: [schema, flip(batch, positionOf(160n), 1600), body] },
    { name: "random_bytes", frames: [schema, batch, body].map((f) => Buffer.from(f).map((b, i) => b ^ (i * 7))) },
    { name: "17_byte_frames", frames: [Buffer.alloc(17), Buffer.alloc(17), Buffer.alloc(17)] },
    { name: "metadata_of_100_kB", frames: [Buffer.alloc(100_000), batch, body] },
  ];

  test.each(cases)("$name", async ({ frames }) => {
    for (const [op, fields] of [
      ["build", {}],
      ["query", { index, k: 2 }],
    ] as const) {
      const answer = offender.call(op, { rows: 10, dim: 4, dtype: "float32", inline: true, ...fields }, frames);
      await expect(answer, op).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    }
    await expectServed();
  });

  test("every_single_changed_byte_of_the_metadata_is_refused_or_harmless", async () => {
    const expected = await offender.query(index, ten, 2);
    let refused = 0;
    for (const [which, frame] of [schema, batch].entries()) {
      for (let at = 0; at < frame.length; at++) {
        const copy = Buffer.from(frame);
        copy[at] = (copy[at] ?? 0) ^ 0x15;
        const frames = which === 0 ? [copy, batch, body] : [schema, copy, body];
        const header = {
          op: "query",
          id: offender.nextId(),
          index,
          rows: 10,
          dim: 4,
          dtype: "float32",
          k: 2,
          inline: true,
        };
        await offender.send(header, frames);
        const answer = await offender.answer(header.id).catch((error: ErrorAnswer) => error);
        if (answer instanceof ErrorAnswer) {
          expect(answer.code, `frame ${which}, byte ${at}`).toBe("ERR_PROTOCOL");
          refused++;
        } else expect(offender.collected(header.id), `frame ${which}, byte ${at}`).toEqual(expected);
      }
    }
    expect(refused).toBeGreaterThan(100);
    await expectServed();
  });

  test("frames_where_none_belong", async () => {
    const fields = { rows: 10, dim: 4, dtype: "float32" };
    await expect(offender.call("build", fields, rowFrames(ten))).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  });

  test("more_inline_bytes_than_allowed", async () => {
    const large = randomMatrix(257, 4, 2);
    const answer = offender.callInline("build", { rows: 257, dim: 4, dtype: "float32" }, large);
    await expect(answer).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  });
});

test("an_id_used_twice_in_flight_ends_the_first_call_and_is_answered_once", async () => {
  const id = offender.nextId();
  await offender.send({ op: "build", id, rows: 10, dim: 4, dtype: "float32" });
  await offender.when(() => offender.credits(id) > 0);
  await offender.send({ op: "ping", id });
  await expect(offender.answer(id)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  await expectServed();
  expect(offender.received.filter(({ header }) => header.id === id && header.type !== "credit")).toHaveLength(1);
});

test("more_calls_in_flight_than_allowed_are_refused_one_by_one", async () => {
  const crowded = await serve({ limits: { maxCalls: 3 } });
  const client = await RawClient.connect(crowded.endpoint);
  const ids = [1, 2, 3, 4];
  for (const id of ids) await client.send({ op: "build", id, rows: 10, dim: 4, dtype: "float32" });
  await expect(client.answer(4)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  await client.upload(1, ten, 10);
  await expect(client.answer(1)).resolves.toBeDefined();
  await expect(client.call("ping")).resolves.toBeDefined();
  client.close();
  await crowded.close();
});

test("a_frame_beyond_the_limit_disconnects_its_sender_only", async () => {
  const sender = await RawClient.connect(server.endpoint);
  await sender.send({ op: "ping", id: 1 }, [Buffer.alloc((4 << 20) + (64 << 10) + 1)]);
  await expectServed();
  // The socket connects anew by itself, and is a stranger then.
  await expect(sender.call("ping")).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  sender.close();
});
