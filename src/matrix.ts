/**
 * Matrix input: what callers may hand over as rows, and one view of it that can be read row by row.
 *
 * ```text
 *   ndarray, {data, shape}            -> strided.ts \
 *   number[][]                        -> nested.ts   -> Source    \
 *   {indptr, indices, data, shape}    -> csr.ts      -> CsrSource -> copying.ts -> the core's memory
 *   RowBuffer, SparseBuffer, BitBuffer   (are already there)
 * ```
 */
import type { NdArray } from "ndarray";
import type { BitBuffer } from "./bit-buffer.ts";
import type { SparseMatrix } from "./csr.ts";
import { HnswError } from "./errors.ts";
import { nestedSource } from "./nested.ts";
import type { RowBuffer } from "./row-buffer.ts";
import type { SparseBuffer } from "./sparse-buffer.ts";
import { isStrided, stridedSource } from "./strided.ts";
import { invalid } from "./validate.ts";

/** How rows are stored: f32 in every column, f32 where it is not zero (CSR), or packed bits. */
export type Form = "dense" | "sparse" | "bits";

/** Any typed array of numbers; 64-bit integers are rounded to f32 like all else. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** Whole numbers: any typed array of integers, or plain numbers. */
export type IndexArray = Exclude<TypedArray, Float32Array | Float64Array> | readonly number[];

/** A matrix in a flat array; `stride` and `offset` count elements, strides may be negative. */
export interface StridedMatrix {
  readonly data: TypedArray | readonly number[];
  readonly shape: readonly number[];
  readonly stride?: readonly number[];
  readonly offset?: number;
}

/** Rows with every column: an `ndarray` (any strides), a typed array with its shape, or an array of rows. */
export type DenseInput = NdArray | StridedMatrix | readonly ArrayLike<number>[];

/**
 * Rows as callers give them: dense ones, sparse ones ({@link SparseMatrix}), or a filled buffer. Values become f32
 * and must be finite as such. With a `bit_` metric, dense rows are packed bits and must be bytes: a `Uint8Array`,
 * or plain numbers from 0 to 255. The input is never changed; it must not be changed by others until the call it
 * was given to has settled.
 */
export type MatrixInput = DenseInput | SparseMatrix | RowBuffer | SparseBuffer | BitBuffer;

/** A checked matrix whose rows can be read. */
export interface Source {
  readonly rows: number;
  /** Columns; 0 where a list without rows leaves it open. */
  readonly dim: number;
  /** `count` rows from `start` on as f32, row-major; good until the next read. */
  read(start: number, count: number): Float32Array;
  /** The same as bytes. Throws `ERR_INVALID_ARGUMENT` where they are none. */
  readBytes(start: number, count: number): Uint8Array;
  /** A value before its conversion. */
  original(row: number, column: number): unknown;
}

/** The source for `input`, which is called `name` in messages. O(1); values are looked at when read. */
export function sourceOf(name: string, input: DenseInput): Source {
  if (isStrided(input)) return stridedSource(name, input);
  if (Array.isArray(input)) return nestedSource(name, input);
  if (ArrayBuffer.isView(input)) {
    throw new HnswError("ERR_DIMENSION_MISMATCH", `${name} is a flat array, allowed: { data, shape: [rows, columns] }`);
  }
  const forms = "an ndarray, { data, shape }, { indptr, indices, data, shape }, an array of rows, a buffer of rows";
  throw invalid(name, input, forms);
}
