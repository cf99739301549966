/**
 * Room for converted rows on their way into the core, and what its check finds there.
 */
import { HnswError } from "./errors.ts";
import type { NativeRows } from "./native.ts";
import { show } from "./validate.ts";

/** Values converted at a time: 1 MiB as f32, well inside the second-level cache. */
export const CHUNK_VALUES = 1 << 18;

/** A reused f32 buffer; as long as the largest chunk that was asked for. */
export class Scratch {
  #buffer = new Float32Array(0);

  /** The first `length` values; their content is left over from before. */
  take(length: number): Float32Array {
    if (this.#buffer.length < length) this.#buffer = new Float32Array(length);
    return this.#buffer.subarray(0, length);
  }
}

/**
 * Writes converted rows. What is not finite is reported with the value before its conversion, because
 * 1e300 is a finite double and no float.
 */
export function writeConverted(
  target: NativeRows,
  start: number,
  values: Float32Array,
  dim: number,
  original: (row: number, column: number) => unknown,
): void {
  try {
    target.writeValues(start, values);
  } catch (error) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) throw error;
    const row = start + Math.floor(at / dim);
    const column = at % dim;
    throw new HnswError(
      "ERR_NON_FINITE",
      `value ${show(original(row, column))} in row ${row}, column ${column}; allowed: finite float32`,
      { cause: error },
    );
  }
}
