/**
 * Columns of plain numbers as the server sends them, for results whose rows vary in length.
 *
 *     schema | record batch | column | padding | column | padding | …
 *     schema | record batch | all of it in one frame                  small batches
 *
 * The value frames are views on the arrays, which must not change until ZeroMQ has sent them.
 */
import { FloatingPoint } from "apache-arrow/fb/floating-point";
import { Int } from "apache-arrow/fb/int";
import { Precision } from "apache-arrow/fb/precision";
import { Type } from "apache-arrow/fb/type";
import type { Builder } from "flatbuffers";
import { pad8 } from "./message.ts";
import { batchFrame, field, schemaFrame } from "./write.ts";

/** A column: int32, float32, float64, uint8 or uint64, by its array. */
export type ColumnArray = Int32Array | Float32Array | Float64Array | Uint8Array | BigUint64Array;

/** Guessed, as for results: below this, a frame of its own costs more than a copy. */
const JOIN_BELOW = 8192;

/** Makes the Arrow frames of any batch of columns of one length. */
export class ColumnFrames {
  readonly #columns: readonly ColumnArray[];
  readonly #schema: Uint8Array;
  /** Bytes of a row. */
  readonly rowBytes: number;
  /** Rows of all. */
  readonly length: number;

  constructor(columns: Readonly<Record<string, ColumnArray>>) {
    this.#columns = Object.values(columns);
    this.length = this.#columns[0]?.length ?? 0;
    this.rowBytes = this.#columns.reduce((sum, { BYTES_PER_ELEMENT }) => sum + BYTES_PER_ELEMENT, 0);
    this.#schema = schemaFrame((builder) =>
      Object.entries(columns).map(([name, column]) => columnField(builder, name, column)),
    );
  }

  /** The frames of rows [start, start + count). */
  batch(start: number, count: number): Uint8Array[] {
    const parts = this.#columns.map((column) => bytesOf(column.subarray(start, start + count)));
    const frame = batchFrame(
      count,
      parts.map(() => count),
      parts.flatMap(({ length }) => [0, length]),
    );
    const body = parts.flatMap((part) => [part, new Uint8Array(pad8(part.length) - part.length)]);
    const small = count * this.rowBytes < JOIN_BELOW;
    return [this.#schema, frame, ...(small ? [Buffer.concat(body)] : body)];
  }
}

function bytesOf(array: ColumnArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function columnField(builder: Builder, name: string, column: ColumnArray): number {
  if (column instanceof Int32Array) return field(builder, name, Type.Int, Int.createInt(builder, 32, true), []);
  if (column instanceof Uint8Array) return field(builder, name, Type.Int, Int.createInt(builder, 8, false), []);
  if (column instanceof BigUint64Array) return field(builder, name, Type.Int, Int.createInt(builder, 64, false), []);
  const precision = column instanceof Float32Array ? Precision.SINGLE : Precision.DOUBLE;
  return field(builder, name, Type.FloatingPoint, FloatingPoint.createFloatingPoint(builder, precision), []);
}
