/**
 * Sparse rows as callers give them (CSR), checked as they are read.
 */
import { HnswError } from "./errors.ts";
import type { IndexArray, TypedArray } from "./matrix.ts";
import { CHUNK_VALUES, Scratch } from "./scratch.ts";
import { pair, part } from "./strided.ts";
import { invalid, numberOf, show } from "./validate.ts";

/**
 * Compressed sparse rows, as scipy's `csr_matrix` keeps them. Row i has the columns `indices[indptr[i]]` to
 * `indices[indptr[i + 1] - 1]` with the values at the same places of `data`. Columns may come in any order; values
 * of the same column are summed, zeros count as not stored. `shape` is [rows, columns], at most 2^31 - 2 columns.
 *
 * @example
 * ```ts
 * // [[0, 2, 0], [0, 0, 0], [1, 0, 3]]
 * const rows = { indptr: [0, 1, 1, 3], indices: [1, 0, 2], data: [2, 1, 3], shape: [3, 3] };
 * ```
 */
export interface SparseMatrix {
  readonly indptr: IndexArray;
  readonly indices: IndexArray;
  readonly data: TypedArray | readonly number[];
  readonly shape: readonly number[];
}

/** Whole rows of a sparse matrix; good until the next ones are read. */
export interface Entries {
  /** Entries of each row. */
  readonly counts: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}

/** Whether `input` has the fields of a sparse matrix. */
export function isSparse(input: unknown): input is SparseMatrix {
  return typeof input === "object" && input !== null && ("indptr" in input || "indices" in input);
}

/** Checks the lengths of `input`, which is called `name` in messages. O(1); contents are checked when read. */
export function csrSource(name: string, input: SparseMatrix): CsrSource {
  const indptr = indexArray(`${name}.indptr`, input.indptr);
  const indices = indexArray(`${name}.indices`, input.indices);
  const data = valueArray(`${name}.data`, input.data);
  const [rows, dim] = pair(name, "shape", input.shape);
  if (rows < 0 || dim < 0) throw invalid(`${name}.shape`, `[${rows}, ${dim}]`, "counts of 0 or more");
  if (indptr.length !== rows + 1) {
    throw mismatch(`${name}.indptr has ${indptr.length} values, shape [${rows}, ${dim}] needs ${rows + 1}`);
  }
  if (indices.length !== data.length) {
    throw mismatch(`${name} has ${indices.length} indices and ${data.length} values in data, allowed: as many`);
  }
  if (numberOf(indptr[0]) !== 0) throw invalid(`${name}.indptr[0]`, indptr[0], "0");
  if (numberOf(indptr[rows]) !== data.length) {
    throw mismatch(`${name}.indptr ends with ${show(indptr[rows])}, allowed: ${data.length}, the length of indices`);
  }
  return new CsrSource(name, rows, dim, indptr, indices, data);
}

function mismatch(message: string): HnswError {
  return new HnswError("ERR_DIMENSION_MISMATCH", message);
}

function indexArray(name: string, value: unknown): IndexArray {
  const integers = ArrayBuffer.isView(value) && !(value instanceof DataView) && !isFloats(value);
  if (!integers && !Array.isArray(value)) throw invalid(name, value, "a typed array of integers, or an array");
  return value as IndexArray;
}

function isFloats(value: unknown): value is Float32Array | Float64Array {
  return value instanceof Float32Array || value instanceof Float64Array;
}

function valueArray(name: string, value: unknown): TypedArray | readonly number[] {
  const numbers = ArrayBuffer.isView(value) && !(value instanceof DataView);
  if (!numbers && !Array.isArray(value)) throw invalid(name, value, "a typed array, or an array of numbers");
  return value as TypedArray | readonly number[];
}

type Elements = { readonly length: number; readonly [index: number]: unknown };
type Counted = Exclude<TypedArray, BigInt64Array | BigUint64Array>;

function isCounted(values: Elements): values is Counted {
  return ArrayBuffer.isView(values) && !(values instanceof BigInt64Array) && !(values instanceof BigUint64Array);
}

/** A sparse matrix whose lengths have been checked. */
export class CsrSource {
  readonly rows: number;
  readonly dim: number;
  /** Entries of all rows. */
  readonly nnz: number;
  readonly #name: string;
  readonly #indptr: IndexArray;
  readonly #indices: IndexArray;
  readonly #data: TypedArray | readonly number[];
  readonly #counts = new Scratch(Uint32Array);
  readonly #columns = new Scratch(Uint32Array);
  readonly #values = new Scratch(Float32Array);

  constructor(
    name: string,
    rows: number,
    dim: number,
    indptr: IndexArray,
    indices: IndexArray,
    data: TypedArray | readonly number[],
  ) {
    this.rows = rows;
    this.dim = dim;
    this.nnz = data.length;
    this.#name = name;
    this.#indptr = indptr;
    this.#indices = indices;
    this.#data = data;
  }

  /** Rows from `start` on: some 2^18 rows and entries at most, but one row at least. Throws for a bad `indptr`. */
  read(start: number): Entries {
    const from = numberOf(this.#indptr[start]);
    const counts = this.#counts.take(Math.min(CHUNK_VALUES, this.rows - start));
    let [rows, to] = [0, from];
    while (rows < counts.length) {
      const next = this.#start(start + rows + 1, to);
      if (rows > 0 && next - from > CHUNK_VALUES) break;
      counts[rows++] = next - to;
      to = next;
    }
    return { counts: counts.subarray(0, rows), indices: this.#columnsOf(from, to), values: this.#valuesOf(from, to) };
  }

  /** Throws the error for the first bad entry of the `rows` rows from `start` on, if there is one. */
  explain(start: number, rows: number): void {
    for (let row = start; row < start + rows; row++) {
      for (let at = numberOf(this.#indptr[row]); at < numberOf(this.#indptr[row + 1]); at++) this.#check(row, at);
    }
  }

  #check(row: number, at: number): void {
    const column = numberOf(this.#indices[at]);
    if (column < 0 || column >= this.dim) {
      throw invalid(`${this.#name}.indices[${at}] (row ${row})`, column, `columns 0 to ${this.dim - 1}`);
    }
    if (!Number.isFinite(Math.fround(numberOf(this.#data[at])))) {
      throw new HnswError(
        "ERR_NON_FINITE",
        `value ${show(this.#data[at])} in row ${row}, column ${column} of ${this.#name}; allowed: finite float32`,
      );
    }
  }

  /** Where row `row` begins; not before `least`. */
  #start(row: number, least: number): number {
    const start = numberOf(this.#indptr[row]);
    if (Number.isSafeInteger(start) && start >= least && start <= this.nnz) return start;
    throw invalid(`${this.#name}.indptr[${row}]`, this.#indptr[row], `${least} to ${this.nnz}, never falling`);
  }

  #columnsOf(from: number, to: number): Uint32Array {
    const source = this.#indices;
    if (source instanceof Int32Array || source instanceof Uint32Array) {
      const { buffer, byteOffset } = part<Int32Array | Uint32Array>(this.#name, source, from, to - from);
      return new Uint32Array(buffer, byteOffset, to - from);
    }
    const columns = this.#columns.take(to - from);
    // A negative column wraps to one beyond all others.
    if (isCounted(source)) columns.set(part<Counted>(this.#name, source, from, to - from));
    else for (let i = 0; i < columns.length; i++) columns[i] = this.#column(from + i);
    return columns;
  }

  #column(at: number): number {
    const column = numberOf(this.#indices[at]);
    if (Number.isInteger(column) && column >= 0 && column < this.dim) return column;
    throw invalid(`${this.#name}.indices[${at}]`, this.#indices[at], `columns 0 to ${this.dim - 1}`);
  }

  #valuesOf(from: number, to: number): Float32Array {
    const source = this.#data;
    if (source instanceof Float32Array) return part(this.#name, source, from, to - from);
    const values = this.#values.take(to - from);
    if (isCounted(source)) values.set(part<Counted>(this.#name, source, from, to - from));
    else for (let i = 0; i < values.length; i++) values[i] = this.#value(from + i);
    return values;
  }

  #value(at: number): number {
    const value: unknown = this.#data[at];
    if (typeof value === "number" || typeof value === "bigint") return Number(value);
    throw invalid(`${this.#name}.data[${at}]`, value, "a number");
  }
}
