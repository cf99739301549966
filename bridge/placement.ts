/**
 * Puts the content of a batch where it will stay. The one copy between socket and memory happens here, and
 * is counted. There is one placement for each way that rows are laid out, and one that lays two uploads
 * end to end; the upload itself (upload.ts) is the same for all.
 */
import type { SparseBuffer } from "../src/index.ts";
import { ITEM_BYTES, type Item } from "./arrow/batch.ts";
import { fixedRows } from "./arrow/fixed.ts";
import { sparseBytes, sparseRows } from "./arrow/sparse.ts";
import { protocolError } from "./errors.ts";
import type { Counters } from "./stats.ts";

/** One batch as it came. */
export interface Batch {
  /** Rows before it. */
  readonly start: number;
  /** Its rows, at least 1, within the promise. */
  readonly count: number;
  readonly frames: readonly Uint8Array[];
  /** Whether the frames are the values alone, without Arrow's metadata. */
  readonly bare?: boolean;
  /** Bytes that it may have. */
  readonly most: number;
}

export interface Placement {
  /** Rows that it takes in all. */
  readonly rows: number;
  /** Checks a batch and places it. Throws the client's fault; the upload is then lost. */
  place(batch: Batch): void;
}

/** Memory for rows of one width. */
export interface FixedMemory {
  readonly rows: number;
  readonly rowBytes: number;
  /** Copies whole rows to `startRow` and on; throws for values it does not take. */
  write(startRow: number, bytes: Uint8Array): void;
}

/** Rows of one width, of any kind of number. */
export class FixedPlacement implements Placement {
  readonly rows: number;
  readonly #memory: FixedMemory;
  readonly #item: Item;
  readonly #counters: Counters;

  constructor(memory: FixedMemory, item: Item, counters: Counters) {
    this.rows = memory.rows;
    this.#memory = memory;
    this.#item = item;
    this.#counters = counters;
  }

  place(batch: Batch): void {
    const { start, count, most } = batch;
    const { rowBytes } = this.#memory;
    checkBytes(count * rowBytes, most);
    const values = this.#values(batch, rowBytes);
    const writer = new RowWriter(this.#memory, start);
    for (const part of values) writer.write(part);
    this.#counters.bytesCopied += count * rowBytes;
    this.#counters.rowsReceived += count;
  }

  #values({ count, frames, bare }: Batch, rowBytes: number): readonly Uint8Array[] {
    if (!bare) return fixedRows(frames, { count, dim: rowBytes / ITEM_BYTES[this.#item], item: this.#item });
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    if (bytes !== count * rowBytes) throw protocolError(`${bytes} bytes bare, allowed: ${count * rowBytes}`);
    return frames;
  }
}

/**
 * A sender may cut a body anywhere. Whole rows go straight from the received frame into memory; only a row
 * that lies across a cut is pieced together first.
 */
class RowWriter {
  readonly #memory: FixedMemory;
  readonly #rowBytes: number;
  #row: number;
  /** The beginning of a row whose end is in a later part. */
  #pieces: Uint8Array | undefined;
  #filled = 0;

  constructor(memory: FixedMemory, start: number) {
    this.#memory = memory;
    this.#row = start;
    this.#rowBytes = memory.rowBytes;
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
    this.#memory.write(this.#row, rows);
    this.#row += rows.length / this.#rowBytes;
  }
}

/** Sparse rows, whose weight only their batches tell. */
export class SparsePlacement implements Placement {
  readonly rows: number;
  readonly #memory: SparseBuffer;
  readonly #maxRowEntries: number;
  readonly #counters: Counters;

  constructor(memory: SparseBuffer, maxRowEntries: number, counters: Counters) {
    this.rows = memory.rows;
    this.#memory = memory;
    this.#maxRowEntries = maxRowEntries;
    this.#counters = counters;
  }

  place({ start, count, frames, bare, most }: Batch): void {
    if (bare) throw protocolError("sparse rows bare, allowed: dense rows and bits");
    const left = this.#memory.nnz - this.#memory.entriesWritten;
    const isLast = start + count === this.rows;
    const weigh = (entries: number) => this.#weigh(count, entries, isLast ? left : undefined, most);
    const { counts, indices, values, joined } = sparseRows(frames, { count, entries: left, weigh });
    this.#memory.append(counts, indices, values);
    this.#counters.bytesCopied += indices.length + values.length + joined;
    this.#counters.rowsReceived += count;
  }

  /** A row cannot be divided, so one alone may be larger than a batch. */
  #weigh(count: number, entries: number, expected: number | undefined, most: number): void {
    if (count > 1 || entries > this.#maxRowEntries) checkBytes(sparseBytes(count, entries), most);
    if (expected !== undefined && entries !== expected) {
      throw protocolError(`${entries} entries in the last batch, allowed: ${expected}, all that were promised`);
    }
  }
}

/** Two uploads in one stream, the rows of the second behind those of the first. */
export class Sequence implements Placement {
  readonly rows: number;
  readonly #first: Placement;
  readonly #second: Placement;

  constructor(first: Placement, second: Placement) {
    this.rows = first.rows + second.rows;
    this.#first = first;
    this.#second = second;
  }

  place(batch: Batch): void {
    const border = this.#first.rows;
    if (batch.start >= border) this.#second.place({ ...batch, start: batch.start - border });
    else if (batch.start + batch.count <= border) this.#first.place(batch);
    else throw protocolError(`a batch of rows ${batch.start} and on reaches over row ${border}, where a part ends`);
  }
}

function checkBytes(bytes: number, most: number): void {
  if (bytes > most) throw protocolError(`a batch of ${bytes} bytes, allowed: ${most}`);
}
