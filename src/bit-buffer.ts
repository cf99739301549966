import { MAX_ROWS, PointBuffer } from "./buffer.ts";
import { wrapped } from "./errors.ts";
import { type NativeRows, native } from "./native.ts";
import { MAX_DIM } from "./row-buffer.ts";
import { integerOr, invalid } from "./validate.ts";

/**
 * Packed bits, eight to a byte, streamed straight into the core's memory; for the `bit_` metrics. `dim` is the
 * number of bytes per row.
 *
 * @example
 * ```ts
 * const rows = BitBuffer.allocate(60_000, 128); // 1024 bits each
 * for await (const batch of batches) rows.write(rows.rowsWritten, batch); // Uint8Array of whole rows
 * const index = await HnswIndex.build(rows, { metric: "bit_hamming" });
 * ```
 */
export class BitBuffer extends PointBuffer {
  /** Bytes of one row in {@link BitBuffer.write}: dim. */
  readonly rowBytes: number;

  private constructor(rows: number, dim: number, content: NativeRows) {
    super(rows, dim, content);
    this.rowBytes = dim;
  }

  /**
   * Room for `rows` x `dim` bytes (each row padded to a multiple of 64). O(rows * dim).
   *
   * @throws HnswError `ERR_INVALID_ARGUMENT`, `ERR_OUT_OF_MEMORY`
   */
  static allocate(rows: number, dim: number): BitBuffer {
    const checkedRows = integerOr("rows", rows, 0, MAX_ROWS, Number.NaN);
    const checkedDim = integerOr("dim", dim, 1, MAX_DIM, Number.NaN);
    return new BitBuffer(checkedRows, checkedDim, allocateBits(checkedRows, checkedDim));
  }

  /**
   * Copies whole rows to `startRow` and on. Rows may be written again, but not with a gap before them. A refused
   * batch changes nothing.
   *
   * @throws HnswError `ERR_DIMENSION_MISMATCH` for partial rows, `ERR_INVALID_ARGUMENT`, `ERR_CLOSED` once its
   *   content has been taken or disposed of
   */
  write(startRow: number, bytes: Uint8Array): void {
    const start = integerOr("startRow", startRow, 0, this.rows, Number.NaN);
    if (!(bytes instanceof Uint8Array)) throw invalid("bytes", bytes, "a Uint8Array");
    wrapped(() => this.content.writeBytes(start, bytes));
  }
}

/** @internal Room for packed rows in the core's memory. */
export function allocateBits(rows: number, dim: number): NativeRows {
  return wrapped(() => native().NativeRows.allocateBits(rows, dim));
}
