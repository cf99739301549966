/**
 * Rows in one flat array with strides: `ndarray` and `{ data, shape }`.
 */
import type { NdArray } from "ndarray";
import { byteOf, isByteArray, notBytes } from "./bytes.ts";
import { HnswError } from "./errors.ts";
import type { Source, StridedMatrix, TypedArray } from "./matrix.ts";
import { Scratch } from "./scratch.ts";
import { invalid, show } from "./validate.ts";

type Strided = NdArray | StridedMatrix;

/** Whether `input` has the fields of a flat matrix. */
export function isStrided(input: unknown): input is Strided {
  return typeof input === "object" && input !== null && "data" in input && "shape" in input;
}

/** Checks shape, strides and bounds of `input`. */
export function stridedSource(name: string, input: Strided): Source {
  const { data, length } = flatData(name, input.data);
  const [rows, dim] = pair(name, "shape", input.shape);
  if (rows < 0 || dim < 0) throw invalid(`${name}.shape`, `[${rows}, ${dim}]`, "counts of 0 or more");
  const [rowStride, columnStride] = input.stride === undefined ? [dim, 1] : pair(name, "stride", input.stride);
  const offset = input.offset ?? 0;
  if (!Number.isSafeInteger(offset)) throw invalid(`${name}.offset`, offset, "an integer");
  if (input.stride !== undefined || input.offset !== undefined) {
    checkBounds(name, length, offset, [
      [rows, rowStride],
      [dim, columnStride],
    ]);
  } else if (length !== rows * dim) {
    throw new HnswError(
      "ERR_DIMENSION_MISMATCH",
      `${name} has ${length} values, shape [${rows}, ${dim}] needs ${rows * dim}`,
    );
  }
  const layout = { rows, dim, rowStride, columnStride, offset };
  const contiguous = columnStride === 1 && rowStride === dim;
  if (contiguous && isNumberArray(data)) return new FlatSource(name, data, layout);
  return new ElementSource(name, data, layout);
}

interface Layout {
  readonly rows: number;
  readonly dim: number;
  readonly rowStride: number;
  readonly columnStride: number;
  readonly offset: number;
}

/** Anything with numbers at integer places. */
type Flat = TypedArray | readonly number[] | { get(index: number): unknown; length: number };
type NumberArray = Exclude<TypedArray, BigInt64Array | BigUint64Array>;

function flatData(name: string, data: unknown): { data: Flat; length: number } {
  const isView = ArrayBuffer.isView(data) && !(data instanceof DataView);
  const hasGet = typeof data === "object" && data !== null && typeof (data as { get?: unknown }).get === "function";
  if (!isView && !Array.isArray(data) && !hasGet) throw invalid(`${name}.data`, data, "a typed array");
  return { data: data as Flat, length: (data as { length: number }).length };
}

function isNumberArray(data: Flat): data is NumberArray {
  return ArrayBuffer.isView(data) && !(data instanceof BigInt64Array) && !(data instanceof BigUint64Array);
}

/** Two integers. */
export function pair(name: string, field: "shape" | "stride", value: readonly number[]): [number, number] {
  if (!Array.isArray(value) || !value.every((part) => Number.isSafeInteger(part))) {
    throw invalid(`${name}.${field}`, value, "[rows, columns], integers");
  }
  if (value.length !== 2) {
    throw new HnswError(
      "ERR_DIMENSION_MISMATCH",
      `${name} must have 2 dimensions, its ${field} is [${value.join(", ")}]`,
    );
  }
  return [value[0], value[1]];
}

type Axis = readonly [count: number, stride: number];

/** All places `offset + i * rowStride + j * columnStride` lie in the data. */
function checkBounds(name: string, length: number, offset: number, axes: readonly [Axis, Axis]): void {
  if (axes.some(([count]) => count === 0)) return;
  const reach = (sign: 1 | -1) =>
    axes.reduce((at, [count, stride]) => (Math.sign(stride) === sign ? at + (count - 1) * stride : at), offset);
  if (reach(-1) < 0 || reach(1) >= length) {
    const used = `${reach(-1)} to ${reach(1)}`;
    throw invalid(`${name}.data`, `${length} values`, `at least what shape, stride and offset use (${used})`);
  }
}

/** Numbers in the right order: f32 is read where it lies, others are converted by the engine's own `set`. */
class FlatSource implements Source {
  readonly rows: number;
  readonly dim: number;
  readonly #name: string;
  readonly #data: NumberArray;
  readonly #offset: number;
  readonly #scratch = new Scratch(Float32Array);

  constructor(name: string, data: NumberArray, layout: Layout) {
    this.rows = layout.rows;
    this.dim = layout.dim;
    this.#name = name;
    this.#data = data;
    this.#offset = layout.offset;
  }

  read(start: number, count: number): Float32Array {
    const values = this.#part(this.#data, start, count);
    if (values instanceof Float32Array) return values;
    const converted = this.#scratch.take(values.length);
    converted.set(values);
    return converted;
  }

  readBytes(start: number, count: number): Uint8Array {
    if (!isByteArray(this.#data)) throw notBytes(this.#name, this.#data);
    const { buffer, byteOffset, length } = this.#part(this.#data, start, count);
    return new Uint8Array(buffer, byteOffset, length);
  }

  original(row: number, column: number): unknown {
    return this.#data[this.#offset + row * this.dim + column];
  }

  #part<T extends NumberArray>(data: T, start: number, count: number): T {
    return part(this.#name, data, this.#offset + start * this.dim, count * this.dim);
  }
}

/** Everything else: any strides, 64-bit integers, stores with a `get`. */
class ElementSource implements Source {
  readonly rows: number;
  readonly dim: number;
  readonly #name: string;
  readonly #data: Flat;
  readonly #at: (index: number) => unknown;
  readonly #layout: Layout;
  readonly #scratch = new Scratch(Float32Array);
  readonly #bytes = new Scratch(Uint8Array);

  constructor(name: string, data: Flat, layout: Layout) {
    this.rows = layout.rows;
    this.dim = layout.dim;
    this.#name = name;
    this.#data = data;
    this.#at = "get" in data ? (index) => data.get(index) : (index) => data[index];
    this.#layout = layout;
  }

  read(start: number, count: number): Float32Array {
    const values = this.#scratch.take(count * this.dim);
    for (let i = 0, to = 0; i < count; i++) {
      for (let j = 0; j < this.dim; j++) values[to++] = this.#number(start + i, j);
    }
    return values;
  }

  readBytes(start: number, count: number): Uint8Array {
    if (ArrayBuffer.isView(this.#data) && !isByteArray(this.#data)) throw notBytes(this.#name, this.#data);
    const values = this.#bytes.take(count * this.dim);
    for (let i = 0, to = 0; i < count; i++) {
      for (let j = 0; j < this.dim; j++) {
        values[to++] = byteOf(this.#name, this.original(start + i, j), start + i, j);
      }
    }
    return values;
  }

  original(row: number, column: number): unknown {
    const { offset, rowStride, columnStride } = this.#layout;
    return this.#at(offset + row * rowStride + column * columnStride);
  }

  #number(row: number, column: number): number {
    const value = this.original(row, column);
    if (typeof value === "number") return value;
    if (typeof value === "bigint") return Number(value);
    throw new HnswError(
      "ERR_INVALID_ARGUMENT",
      `value in row ${row}, column ${column} is ${show(value)}, allowed: a number`,
    );
  }
}

/** A view of `length` values; the array may have been detached since it was checked. */
export function part<T extends { readonly length: number; subarray(from: number, to: number): unknown }>(
  name: string,
  data: T,
  from: number,
  length: number,
): T {
  if (from + length > data.length) throw invalid(name, `${data.length} values`, "its length when the call began");
  if (from === 0 && length === data.length) return data;
  return data.subarray(from, from + length) as T;
}
