/**
 * Lists of numbers as callers give them: parameters of a metric, ids of rows.
 */
import type { NdArray } from "ndarray";
import { HnswError } from "./errors.ts";
import type { IndexArray, Source, StridedMatrix, TypedArray } from "./matrix.ts";
import { nestedSource } from "./nested.ts";
import { isStrided, stridedSource } from "./strided.ts";
import { invalid, numberOf } from "./validate.ts";

/** One number per column: an array, a typed array, or an `ndarray` of one dimension. */
export type VectorInput = readonly number[] | TypedArray | NdArray;

/** One number per pair of columns: an array of rows, an `ndarray`, a typed array with its shape, or all in a row. */
export type SquareInput = VectorInput | StridedMatrix | readonly ArrayLike<number>[];

/** Ids of rows: an array, a typed array of integers, or an `ndarray` of one dimension. */
export type IdsInput = IndexArray | NdArray;

/** `dim` finite numbers as f32. Throws `ERR_INVALID_ARGUMENT`, `ERR_DIMENSION_MISMATCH`. */
export function vectorOf(name: string, input: VectorInput, dim: number): Float32Array {
  return floats(name, input, dim, 1);
}

/** `dim` x `dim` finite numbers as f32, row-major. Throws `ERR_INVALID_ARGUMENT`, `ERR_DIMENSION_MISMATCH`. */
export function squareOf(name: string, input: SquareInput, dim: number): Float32Array {
  return floats(name, input, dim, dim);
}

function floats(name: string, input: VectorInput | SquareInput, dim: number, rows: number): Float32Array {
  const source = listOf(name, input);
  const isFlat = source.rows === 1 && source.dim === rows * dim;
  if (!isFlat && (source.rows !== rows || source.dim !== dim)) {
    const allowed = rows === 1 ? `${dim} numbers, one for each column` : `${dim} x ${dim} numbers, as columns`;
    throw invalid(name, `${source.rows} x ${source.dim} numbers`, allowed);
  }
  const values = source.read(0, source.rows).slice();
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return values;
  const seen = source.original(Math.floor(at / source.dim), at % source.dim);
  throw invalid(`${name}[${at}]`, seen, "finite float32");
}

/** Ids from 0 up, each a whole number. Throws `ERR_INVALID_ARGUMENT`, `ERR_DIMENSION_MISMATCH`. */
export function idsOf(name: string, input: IdsInput): Float64Array {
  const source = listOf(name, input);
  if (source.rows !== 1) {
    throw new HnswError("ERR_DIMENSION_MISMATCH", `${name} has 2 dimensions, allowed: a list of ids`);
  }
  return Float64Array.from({ length: source.dim }, (_, i) => {
    const id = numberOf(source.original(0, i));
    if (Number.isSafeInteger(id) && id >= 0) return id;
    throw invalid(`${name}[${i}]`, source.original(0, i), "ids of rows, integers from 0 up");
  });
}

/** Numbers, whatever they are. Throws `ERR_INVALID_ARGUMENT` for what is none, `ERR_DIMENSION_MISMATCH`. */
export function numbersOf(name: string, input: VectorInput): Float64Array {
  const source = listOf(name, input);
  if (source.rows !== 1) {
    throw new HnswError("ERR_DIMENSION_MISMATCH", `${name} has 2 dimensions, allowed: a list of numbers`);
  }
  return Float64Array.from({ length: source.dim }, (_, i) => numberOf(source.original(0, i)));
}

/** The list, row after row; one row where it has one dimension. */
function listOf(name: string, input: VectorInput | SquareInput): Source {
  if (isStrided(input)) {
    const { data, shape, stride, offset } = input as StridedMatrix;
    if (shape?.length !== 1) return stridedSource(name, input);
    const row = { data, shape: [1, ...shape], offset: offset ?? 0 };
    return stridedSource(name, stride === undefined ? row : { ...row, stride: [0, ...stride] });
  }
  const isList = ArrayBuffer.isView(input) || (Array.isArray(input) && typeof input[0] !== "object");
  if (isList) return stridedSource(name, { data: input as TypedArray, shape: [1, (input as TypedArray).length] });
  if (Array.isArray(input)) return nestedSource(name, input);
  throw invalid(name, input, "numbers in an array, a typed array or an ndarray");
}

/** Ids are int32 in results. */
const MAX_ID = 2 ** 31 - 1;

/** `ids` as the addon takes them; it knows which of them rows have. Throws `ERR_UNKNOWN_ID` for one that none can have. */
export function knownIds(ids: Float64Array, name = "ids"): Uint32Array {
  const unknown = ids.find((id) => id > MAX_ID);
  if (unknown === undefined) return Uint32Array.from(ids);
  throw new HnswError("ERR_UNKNOWN_ID", `${name} has the id ${unknown}, allowed: 0 to ${MAX_ID}`);
}
