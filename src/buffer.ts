/**
 * What the buffers of all three forms share: rows in the core's memory, filled from the front, taken once.
 */
import type { NativeRows } from "./native.ts";

/** Rows are counted, and their ids given out, as 32-bit integers. */
export const MAX_ROWS = 2 ** 31 - 1;

/** Rows that are streamed straight into the core's memory. `build`, `query` and `update` take its content. */
export abstract class PointBuffer implements Disposable {
  readonly rows: number;
  readonly dim: number;
  readonly #content: NativeRows;

  protected constructor(rows: number, dim: number, content: NativeRows) {
    this.rows = rows;
    this.dim = dim;
    this.#content = content;
  }

  /** @internal */
  protected get content(): NativeRows {
    return this.#content;
  }

  /** Rows from the front that have been written. */
  get rowsWritten(): number {
    return this.#content.rowsWritten;
  }

  /** Frees the memory at once, unless a call has taken it already. */
  dispose(): void {
    this.#content.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal */
  static contentOf(buffer: PointBuffer): NativeRows {
    return buffer.#content;
  }
}
