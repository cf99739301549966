/**
 * Matrix input: what callers may hand over as rows, and one view of it that knows how to copy itself.
 *
 * ```text
 *   ndarray, {data, shape}  -> strided.ts \
 *   number[][]              -> nested.ts    -> Source -> transfer.ts -> the core's arena
 *   RowBuffer               (is already there)
 * ```
 */
import type { NdArray } from "ndarray";
import { HnswError } from "./errors.ts";
import type { NativeRows } from "./native.ts";
import { nestedSource } from "./nested.ts";
import type { RowBuffer } from "./row-buffer.ts";
import { isStrided, stridedSource } from "./strided.ts";
import { invalid } from "./validate.ts";

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

/** A matrix in a flat array; `stride` and `offset` count elements, strides may be negative. */
export interface StridedMatrix {
  readonly data: TypedArray | readonly number[];
  readonly shape: readonly number[];
  readonly stride?: readonly number[];
  readonly offset?: number;
}

/**
 * Rows as callers give them: an `ndarray` (any strides), a typed array with its shape, an array of rows, or a
 * filled {@link RowBuffer}. Values become f32 and must be finite as such. The input is never changed; it must
 * not be changed by others until the call it was given to has settled.
 */
export type MatrixInput = NdArray | StridedMatrix | readonly ArrayLike<number>[] | RowBuffer;

/** A checked matrix that can copy a range of its rows into the core. */
export interface Source {
  readonly rows: number;
  /** Columns; 0 where a list without rows leaves it open. */
  readonly dim: number;
  /** Copies rows `start` to `start + count`. */
  copy(target: NativeRows, start: number, count: number): void;
}

/** The source for `input`, which is called `name` in messages. O(1); values are looked at when copied. */
export function sourceOf(name: string, input: Exclude<MatrixInput, RowBuffer>): Source {
  if (isStrided(input)) return stridedSource(name, input);
  if (Array.isArray(input)) return nestedSource(name, input);
  if (ArrayBuffer.isView(input)) {
    throw new HnswError("ERR_DIMENSION_MISMATCH", `${name} is a flat array, allowed: { data, shape: [rows, columns] }`);
  }
  throw invalid(name, input, "an ndarray, { data, shape }, an array of rows, a RowBuffer");
}
