/**
 * Packed bits as callers hand them over: bytes in typed arrays, or plain numbers that are bytes.
 *
 * Other typed arrays are refused even where their values would fit: floats of 0 and 1 are bits that have not been
 * packed, and reading them as bytes would give wrong distances without a word.
 */
import type { HnswError } from "./errors.ts";
import { invalid } from "./validate.ts";

const ALLOWED = "packed bits in a Uint8Array, as bit metrics take";

/** Whether `data` holds bytes. */
export function isByteArray(data: unknown): data is Uint8Array | Uint8ClampedArray {
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray;
}

/** The error for rows that are no packed bits. */
export function notBytes(name: string, data: unknown): HnswError {
  return invalid(name, data, ALLOWED);
}

/** A plain number as a byte. */
export function byteOf(name: string, value: unknown, row: number, column: number): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255) return value as number;
  throw invalid(`value in row ${row}, column ${column} of ${name}`, value, `0 to 255 (${ALLOWED})`);
}
