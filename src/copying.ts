/**
 * From input to the core's memory, a chunk at a time: each step of a generator copies one, the last one returns the
 * rows. What the core refuses is told with the value before its conversion, because 1e300 is a finite double and
 * no float.
 */
import { allocateBits } from "./bit-buffer.ts";
import type { CsrSource } from "./csr.ts";
import { HnswError, wrapped } from "./errors.ts";
import type { Source } from "./matrix.ts";
import type { NativeRows } from "./native.ts";
import { allocateRows } from "./row-buffer.ts";
import { CHUNK_VALUES, Scratch } from "./scratch.ts";
import { allocateSparse } from "./sparse-buffer.ts";
import { show } from "./validate.ts";

/** Rows on their way: each step copies a chunk. */
export type Copying = Generator<void, NativeRows, void>;

// biome-ignore lint/correctness/useYield: nothing is left to do, but the caller drives a generator.
export function* already(content: NativeRows): Copying {
  return content;
}

/** Dense rows as they are. */
export function* copyDense(source: Source, dim: number): Copying {
  const target = allocateRows(source.rows, dim);
  for (const [start, count] of chunks(source.rows, dim)) {
    const values = source.read(start, count);
    explained(source, start, values, () => target.writeValues(start, values));
    yield;
  }
  return target;
}

/** Dense rows of packed bits. */
export function* copyBits(source: Source, dim: number): Copying {
  const target = allocateBits(source.rows, dim);
  for (const [start, count] of chunks(source.rows, dim)) {
    const bytes = source.readBytes(start, count);
    wrapped(() => target.writeBytes(start, bytes));
    yield;
  }
  return target;
}

/** Sparse rows as they are. */
export function* copySparse(source: CsrSource, dim: number): Copying {
  const target = allocateSparse(source.rows, dim, source.nnz);
  for (let start = 0; start < source.rows; ) {
    const { counts, indices, values } = source.read(start);
    try {
      target.push(counts, indices, values);
    } catch (error) {
      source.explain(start, counts.length);
      wrapped(() => {
        throw error;
      });
    }
    start += counts.length;
    yield;
  }
  return target;
}

/** Dense rows for an index that keeps sparse ones. Their number of entries is only known at the end. */
export function* compress(source: Source, dim: number): Copying {
  const target = allocateSparse(source.rows, dim, 0);
  const [indices, kept] = [new Scratch(Uint32Array), new Scratch(Float32Array)];
  for (const [start, count] of chunks(source.rows, dim)) {
    const values = source.read(start, count);
    const entries = nonZero(values, dim, indices.take(values.length), kept.take(values.length));
    explained(source, start, values, () => target.push(entries.counts, entries.indices, entries.values));
    yield;
  }
  return target;
}

function nonZero(values: Float32Array, dim: number, indices: Uint32Array, kept: Float32Array) {
  const counts = new Uint32Array(values.length / dim);
  let entries = 0;
  for (let row = 0, at = 0; row < counts.length; row++) {
    const before = entries;
    for (let column = 0; column < dim; column++, at++) {
      const value = values[at] as number;
      if (value === 0) continue;
      indices[entries] = column;
      kept[entries++] = value;
    }
    counts[row] = entries - before;
  }
  return { counts, indices: indices.subarray(0, entries), values: kept.subarray(0, entries) };
}

function* chunks(rows: number, dim: number): Generator<[start: number, count: number], void, void> {
  const chunk = Math.max(1, Math.floor(CHUNK_VALUES / dim));
  for (let start = 0; start < rows; start += chunk) yield [start, Math.min(chunk, rows - start)];
}

/** Runs `use` on the values of `source` from row `start` on; tells what it refuses by the value of the caller. */
function explained<T>(source: Source, start: number, values: Float32Array, use: () => T): T {
  try {
    return use();
  } catch (error) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    const row = start + Math.floor(at / source.dim);
    const column = at % source.dim;
    return wrapped(() => {
      if (at < 0) throw error;
      const value = show(source.original(row, column));
      const message = `value ${value} in row ${row}, column ${column}; allowed: finite float32`;
      throw new HnswError("ERR_NON_FINITE", message, { cause: error });
    });
  }
}

/** Dense input of a single chunk, handed to `use` as it is, without a copy in between. */
export type Direct = <T>(use: (values: Float32Array) => T) => T;

/** {@link Direct} for the rows of `source`, if they are few enough. */
export function direct(source: Source, dim: number): Direct | undefined {
  if (source.rows * dim > CHUNK_VALUES) return undefined;
  return (use) => {
    const values = source.read(0, source.rows);
    return explained(source, 0, values, () => use(values));
  };
}
