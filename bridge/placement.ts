/**
 * Puts the value bytes of a batch into an index's memory. The one copy between socket and arena happens
 * here, and is counted.
 *
 * A sender may cut a body anywhere. Whole rows go straight from the received frame into the buffer; only
 * a row that lies across a cut is pieced together first.
 */
import type { RowBuffer } from "../src/index.ts";
import type { Counters } from "./stats.ts";

/** Writes `values`, whole rows in all, from row `start` on. Throws ERR_NON_FINITE naming row and column. */
export function placeRows(buffer: RowBuffer, start: number, values: readonly Uint8Array[], counters: Counters): void {
  const writer = new RowWriter(buffer, start, counters);
  for (const part of values) writer.write(part);
}

class RowWriter {
  readonly #buffer: RowBuffer;
  readonly #counters: Counters;
  readonly #rowBytes: number;
  #row: number;
  /** The beginning of a row whose end is in a later part. */
  #pieces: Uint8Array | undefined;
  #filled = 0;

  constructor(buffer: RowBuffer, start: number, counters: Counters) {
    this.#buffer = buffer;
    this.#row = start;
    this.#counters = counters;
    this.#rowBytes = 4 * buffer.dim;
  }

  write(part: Uint8Array): void {
    const rest = this.#filled > 0 ? this.#finishRow(part) : part;
    const whole = rest.length - (rest.length % this.#rowBytes);
    if (whole > 0) this.#place(rest.subarray(0, whole));
    if (whole < rest.length) this.#keep(rest.subarray(whole));
  }

  /** Completes the pending row if `part` reaches that far; gives what lies behind it. */
  #finishRow(part: Uint8Array): Uint8Array {
    const missing = part.subarray(0, this.#rowBytes - this.#filled);
    this.#keep(missing);
    if (this.#pieces !== undefined && this.#filled === this.#rowBytes) {
      this.#filled = 0;
      this.#place(this.#pieces);
    }
    return part.subarray(missing.length);
  }

  #keep(bytes: Uint8Array): void {
    this.#pieces ??= new Uint8Array(this.#rowBytes);
    this.#pieces.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  #place(rows: Uint8Array): void {
    this.#buffer.write(this.#row, rows);
    this.#row += rows.length / this.#rowBytes;
    this.#counters.bytesCopied += rows.length;
  }
}
