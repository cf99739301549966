import { MAX_ROWS, PointBuffer } from "./buffer.ts";
import { wrapped } from "./errors.ts";
import { type NativeRows, native } from "./native.ts";
import { integerOr, invalid } from "./validate.ts";

/** Columns of sparse rows are 32-bit integers, and the engine needs one of its own. */
export const MAX_SPARSE_DIM = 2 ** 31 - 2;
/** 2^48 entries take more than any machine has; below 2^53, so that a number holds every count. */
export const MAX_ENTRIES = 2 ** 48;

/**
 * Sparse rows (CSR) that are streamed straight into the core's memory. Fill it with {@link SparseBuffer.append},
 * then hand it to `build`, `query` or `update`, which take its content.
 *
 * @example
 * ```ts
 * const rows = SparseBuffer.allocate(1943, 3289, 93_185);
 * rows.append(counts, indices, values); // entries per row; uint32 columns and f32 values as bytes
 * const index = await HnswIndex.build(rows, { metric: "cosine" });
 * ```
 */
export class SparseBuffer extends PointBuffer {
  /** Entries promised for all rows together. */
  readonly nnz: number;
  #entries = 0;

  private constructor(rows: number, dim: number, nnz: number, content: NativeRows) {
    super(rows, dim, content);
    this.nnz = nnz;
  }

  /**
   * Room for `rows` rows of `dim` columns with `nnz` entries in all. O(rows + nnz).
   *
   * @throws HnswError `ERR_INVALID_ARGUMENT`, `ERR_OUT_OF_MEMORY`
   */
  static allocate(rows: number, dim: number, nnz: number): SparseBuffer {
    const checkedRows = integerOr("rows", rows, 0, MAX_ROWS, Number.NaN);
    const checkedDim = integerOr("dim", dim, 1, MAX_SPARSE_DIM, Number.NaN);
    const entries = integerOr("nnz", nnz, 0, MAX_ENTRIES, Number.NaN);
    return new SparseBuffer(checkedRows, checkedDim, entries, allocateSparse(checkedRows, checkedDim, entries));
  }

  /**
   * Adds `counts.length` rows behind those already there; row i has `counts[i]` entries, a column (little-endian
   * uint32) and a value (little-endian f32) each, at any alignment. Columns may come in any order; entries of the
   * same column are summed, zeros dropped. A refused batch changes nothing. O(entries * log entries of a row).
   *
   * @throws HnswError `ERR_INVALID_ARGUMENT` for a column out of range or more rows or entries than promised,
   *   `ERR_DIMENSION_MISMATCH` where counts and bytes do not agree, `ERR_NON_FINITE`, `ERR_CLOSED` once its content
   *   has been taken or disposed of
   */
  append(counts: Uint32Array, indices: Uint8Array, values: Uint8Array): void {
    if (!(counts instanceof Uint32Array)) throw invalid("counts", counts, "a Uint32Array");
    if (!(indices instanceof Uint8Array)) throw invalid("indices", indices, "a Uint8Array");
    if (!(values instanceof Uint8Array)) throw invalid("values", values, "a Uint8Array");
    wrapped(() => this.content.pushBytes(counts, indices, values));
    this.#entries += indices.length / 4;
  }

  /** Entries of the rows that have been written, as they were given. */
  get entriesWritten(): number {
    return this.#entries;
  }
}

/** @internal Room for sparse rows in the core's memory. */
export function allocateSparse(rows: number, dim: number, nnz: number): NativeRows {
  return wrapped(() => native().NativeRows.allocateSparse(rows, dim, nnz));
}
