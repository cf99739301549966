/** A file of rows, whatever its format: what the formats share. */
import type { FileHandle } from "node:fs/promises";
import { HnswError } from "../../src/index.ts";

/** Numbers that files hold. */
export type Values =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array;

/** What makes a view of such numbers. */
export interface Numbers {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset: number, length: number): Values;
}

/** A matrix in a file, read from the front. */
export interface RowsFile {
  readonly rows: number;
  readonly dim: number;
  /** Whole rows, a batch at a time. Throws ERR_CORRUPT_FILE. */
  batches(): AsyncIterable<{ readonly count: number; readonly values: Values }>;
}

/** A matrix of plain numbers, row after row. */
export interface MatrixShape {
  readonly numbers: Numbers;
  readonly rows: number;
  readonly dim: number;
}

/** Bytes read at once. */
const BATCH_BYTES = 1 << 20;

/** The rows of a matrix that begins at `start`. */
export async function* batchesAt(handle: FileHandle, start: number, { numbers, rows, dim }: MatrixShape) {
  const rowBytes = dim * numbers.BYTES_PER_ELEMENT;
  const step = Math.max(1, Math.floor(BATCH_BYTES / rowBytes));
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row);
    const bytes = await readExactly(handle, start + row * rowBytes, count * rowBytes);
    yield { count, values: new numbers(bytes.buffer, bytes.byteOffset, count * dim) };
  }
}

export function corrupt(what: string): HnswError {
  return new HnswError("ERR_CORRUPT_FILE", `the file of rows: ${what}`);
}

/** Bytes at a place of the file, in memory of their own: at an address that any number may have. */
export async function readExactly(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.from(new ArrayBuffer(length));
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) throw corrupt(`ends after ${position + filled} bytes, ${position + length} are needed`);
    filled += bytesRead;
  }
  return bytes;
}
