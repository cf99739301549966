import { MAX_ROWS, PointBuffer } from "./buffer.ts";
import { wrapped } from "./errors.ts";
import { type NativeRows, native } from "./native.ts";
import { integerOr, invalid } from "./validate.ts";

/** Most columns of dense rows, and most bytes of packed ones. */
export const MAX_DIM = 2 ** 24;

/**
 * Dense rows that are streamed straight into the core's memory: one copy from where they arrive. Fill it from the
 * front, then hand it to `build`, `query` or `update`, which take its content.
 *
 * @example
 * ```ts
 * const rows = RowBuffer.allocate(60_000, 784);
 * for await (const batch of batches) rows.write(rows.rowsWritten, batch); // Uint8Array of whole rows
 * const index = await HnswIndex.build(rows);
 * ```
 */
export class RowBuffer extends PointBuffer {
  /** Bytes of one row in {@link RowBuffer.write}: 4 * dim. */
  readonly rowBytes: number;

  private constructor(rows: number, dim: number, content: NativeRows) {
    super(rows, dim, content);
    this.rowBytes = 4 * dim;
  }

  /**
   * Room for `rows` x `dim` f32 values (each row padded to a multiple of 64 bytes). O(rows * dim).
   *
   * @throws HnswError `ERR_INVALID_ARGUMENT`, `ERR_OUT_OF_MEMORY`
   */
  static allocate(rows: number, dim: number): RowBuffer {
    const checkedRows = integerOr("rows", rows, 0, MAX_ROWS, Number.NaN);
    const checkedDim = integerOr("dim", dim, 1, MAX_DIM, Number.NaN);
    return new RowBuffer(checkedRows, checkedDim, allocateRows(checkedRows, checkedDim));
  }

  /**
   * Copies whole rows of little-endian f32 values, at any alignment, to `startRow` and on. Rows may be written
   * again, but not with a gap before them. A refused batch changes neither `rowsWritten` nor earlier rows.
   *
   * @throws HnswError `ERR_NON_FINITE` naming row and column, `ERR_DIMENSION_MISMATCH` for partial rows,
   *   `ERR_INVALID_ARGUMENT`, `ERR_CLOSED` once its content has been taken or disposed of
   */
  write(startRow: number, bytes: Uint8Array): void {
    const start = integerOr("startRow", startRow, 0, this.rows, Number.NaN);
    if (!(bytes instanceof Uint8Array)) throw invalid("bytes", bytes, "a Uint8Array");
    wrapped(() => this.content.writeBytes(start, bytes));
  }
}

/** @internal Room for dense rows in the core's memory. */
export function allocateRows(rows: number, dim: number): NativeRows {
  return wrapped(() => native().NativeRows.allocate(rows, dim));
}
