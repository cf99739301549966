/**
 * Rows as an array of arrays.
 */
import { byteOf, isByteArray, notBytes } from "./bytes.ts";
import { HnswError } from "./errors.ts";
import type { Source } from "./matrix.ts";
import { Scratch } from "./scratch.ts";
import { invalid, show } from "./validate.ts";

type Row = ArrayLike<number>;

/** The first row decides the width; the others are checked as they are copied. */
export function nestedSource(name: string, rows: readonly unknown[]): Source {
  if (rows.length === 0) return new NestedSource(name, [], 0);
  if (typeof rows[0] === "number") {
    throw new HnswError(
      "ERR_DIMENSION_MISMATCH",
      `${name} is a flat array of ${rows.length} numbers, allowed: an array of rows`,
    );
  }
  return new NestedSource(name, rows, checkedRow(name, rows, 0).length);
}

function checkedRow(name: string, rows: readonly unknown[], index: number): Row {
  const row = rows[index];
  const isView = ArrayBuffer.isView(row) && !(row instanceof DataView);
  if (!Array.isArray(row) && !isView) throw invalid(`${name}[${index}]`, row, "an array of numbers");
  return row as unknown as Row;
}

class NestedSource implements Source {
  readonly rows: number;
  readonly dim: number;
  readonly #name: string;
  readonly #values: readonly unknown[];
  readonly #scratch = new Scratch(Float32Array);
  readonly #bytes = new Scratch(Uint8Array);

  constructor(name: string, values: readonly unknown[], dim: number) {
    this.rows = values.length;
    this.dim = dim;
    this.#name = name;
    this.#values = values;
  }

  read(start: number, count: number): Float32Array {
    const values = this.#scratch.take(count * this.dim);
    for (let i = 0; i < count; i++) this.#convert(start + i, values.subarray(i * this.dim, (i + 1) * this.dim));
    return values;
  }

  readBytes(start: number, count: number): Uint8Array {
    const values = this.#bytes.take(count * this.dim);
    for (let i = 0; i < count; i++) this.#convertBytes(start + i, values.subarray(i * this.dim, (i + 1) * this.dim));
    return values;
  }

  original(row: number, column: number): unknown {
    return (this.#values[row] as Row)[column];
  }

  #row(index: number): Row {
    const row = checkedRow(this.#name, this.#values, index);
    if (row.length !== this.dim) {
      throw new HnswError(
        "ERR_DIMENSION_MISMATCH",
        `${this.#name}[${index}] has ${row.length} columns, row 0 has ${this.dim}`,
      );
    }
    return row;
  }

  #convert(index: number, into: Float32Array): void {
    const row = this.#row(index);
    for (let column = 0; column < into.length; column++) {
      const value: unknown = row[column];
      if (typeof value !== "number") {
        throw invalid(`${this.#name}[${index}][${column}]`, value, `a number (not ${typeof value} ${show(value)})`);
      }
      into[column] = value;
    }
  }

  #convertBytes(index: number, into: Uint8Array): void {
    const row = this.#row(index);
    if (isByteArray(row)) {
      into.set(row);
      return;
    }
    if (ArrayBuffer.isView(row)) throw notBytes(`${this.#name}[${index}]`, row);
    for (let column = 0; column < into.length; column++) into[column] = byteOf(this.#name, row[column], index, column);
  }
}
