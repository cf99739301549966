/**
 * Sparse rows: `rows: List<Struct<index: uint32, value: float32>>`, the rows of a CSR matrix.
 *
 *     nodes     list      struct    index     value
 *               count     entries   entries   entries
 *     buffers   0 valid   1 offsets 2 valid   3 valid   4 indices   5 valid   6 values
 *
 * Every offset is checked before one of them is used: they ascend from 0 to the number of entries. Whether
 * columns and values are possible is for the engine to say; it reads them when it places them.
 */
import type { Field } from "apache-arrow/fb/field";
import { Type } from "apache-arrow/fb/type";
import { protocolError } from "../errors.ts";
import { holds, type Item, isPlain, ReceivedBatch } from "./batch.ts";

/** The rows of a batch, as the engine takes them. */
export interface SparseRows {
  /** Entries of each row. */
  readonly counts: Uint32Array;
  /** Little-endian uint32 columns, and float32 values, of all rows. */
  readonly indices: Uint8Array;
  readonly values: Uint8Array;
  /** Bytes that had to be copied because the sender cut the body inside a buffer. */
  readonly joined: number;
}

/** What a batch must hold. */
export interface SparseShape {
  readonly count: number;
  /** Most entries of all its rows. */
  readonly entries: number;
  /** Refuses a number of entries, before anything is read, by throwing. */
  readonly weigh: (entries: number) => void;
}

/** What a batch weighs in the limits' eyes. */
export function sparseBytes(rows: number, entries: number): number {
  return 4 * (rows + 1) + 8 * entries;
}

/** The rows of a batch. Throws ERR_PROTOCOL for anything but the promised batch. */
export function sparseRows(frames: readonly Uint8Array[], { count, entries: most, weigh }: SparseShape): SparseRows {
  const batch = new ReceivedBatch(frames);
  checkSchema(batch.field);
  const entries = batch.nodeLength(1, most);
  weigh(entries);
  const buffers = batch.buffers([count, entries, entries, entries], 7);
  const offsets = buffers.views(1, 4 * (count + 1));
  const [indices, values] = [buffers.views(4, 4 * entries), buffers.views(6, 4 * entries)];
  return {
    counts: rowCounts(joined(offsets), count, entries),
    indices: joined(indices),
    values: joined(values),
    joined: [indices, values].reduce((sum, views) => sum + (views.length > 1 ? 4 * entries : 0), 0),
  };
}

function checkSchema(field: Field): void {
  const struct = isPlain(field, Type.List, 1) ? field.children(0) : null;
  const sound =
    isPlain(struct, Type.Struct_, 2) && isNamed(struct, 0, "index", "uint32") && isNamed(struct, 1, "value", "float32");
  if (!sound) throw protocolError("schema: rows must be List<Struct<index: uint32, value: float32>>");
}

function isNamed(struct: Field, at: number, name: string, item: Item): boolean {
  const child = struct.children(at);
  return child?.name() === name && holds(child, item);
}

/** Entries of each row, from offsets at any address. */
function rowCounts(bytes: Uint8Array, count: number, entries: number): Uint32Array {
  const offsets = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (offsets.getInt32(0, true) !== 0)
    throw protocolError(`offsets begin with ${offsets.getInt32(0, true)}, allowed: 0`);
  const counts = new Uint32Array(count);
  let before = 0;
  for (let row = 0; row < count; row++) {
    const after = offsets.getInt32(4 * row + 4, true);
    if (after < before || after > entries) {
      throw protocolError(`offset ${row + 1} is ${after}, allowed: ${before} to ${entries}`);
    }
    counts[row] = after - before;
    before = after;
  }
  if (before !== entries) throw protocolError(`offsets end with ${before}, allowed: ${entries}`);
  return counts;
}

function joined(views: readonly Uint8Array[]): Uint8Array {
  const [first] = views;
  return views.length === 1 && first !== undefined ? first : Buffer.concat(views);
}
