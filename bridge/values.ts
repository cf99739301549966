/**
 * Values: matrices that a client put beside its calls, because they are too large for a header.
 *
 * A session holds a bounded number of them, of a bounded size in all. Room is taken before the first byte
 * comes, and given back when the value is disposed of: by the end of the call that used it, by `close`, by a
 * failed upload, or by the end of the session. What the numbers mean is for the call that uses them.
 */
import { HnswError } from "../src/index.ts";
import { ITEM_BYTES, type Item } from "./arrow/batch.ts";
import { show } from "./errors.ts";
import type { Limits } from "./limits.ts";

/** What a value can be made of. */
export type ValueItem = Exclude<Item, "uint32">;

/** A matrix of numbers, filled from the front. */
export class Value implements Disposable {
  readonly rows: number;
  readonly rowBytes: number;
  readonly item: ValueItem;
  /** Whether it belongs to a session, and no more to its upload. */
  named = false;
  #content: Uint8Array;
  #release: (() => void) | undefined;

  constructor(item: ValueItem, rows: number, dim: number, release: () => void) {
    this.item = item;
    this.rows = rows;
    this.rowBytes = dim * ITEM_BYTES[item];
    // Never from Node's pool: an address of its own, hence aligned for any number.
    this.#content = new Uint8Array(rows * this.rowBytes);
    this.#release = release;
  }

  /** Copies whole rows to `startRow` and on. */
  write(startRow: number, bytes: Uint8Array): void {
    this.#content.set(bytes, startRow * this.rowBytes);
  }

  get bytes(): Uint8Array {
    return this.#content;
  }

  /** The numbers of a float32 value. */
  get floats(): Float32Array {
    return new Float32Array(this.#content.buffer);
  }

  /** The numbers of an int32 value. */
  get integers(): Int32Array {
    return new Int32Array(this.#content.buffer);
  }

  /** Gives the memory back. May be called twice. */
  dispose(): void {
    this.#content = new Uint8Array(0);
    this.#release?.();
    this.#release = undefined;
  }

  /** Ends the care of whoever filled the value: nothing, once a session has named it. */
  [Symbol.dispose](): void {
    if (!this.named) this.dispose();
  }
}

/** The values of one session. */
export class Values {
  readonly #named = new Map<string, Value>();
  #made = 0;
  #count = 0;
  #bytes = 0;
  #ended = false;

  get ids(): string[] {
    return [...this.#named.keys()];
  }

  /** Values that have memory: named ones, those on their way up, and those in use. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Room for a value. Throws ERR_OUT_OF_MEMORY beyond the limits. */
  allocate(item: ValueItem, rows: number, dim: number, limits: Limits): Value {
    const bytes = rows * dim * ITEM_BYTES[item];
    if (this.#count >= limits.maxValues) throw tooMuch(`${this.#count + 1} values`, `${limits.maxValues}`);
    if (this.#bytes + bytes > limits.valueBytes) {
      throw tooMuch(`values of ${this.#bytes + bytes} bytes`, `${limits.valueBytes}`);
    }
    const value = new Value(item, rows, dim, () => {
      this.#count--;
      this.#bytes -= bytes;
    });
    this.#count++;
    this.#bytes += bytes;
    return value;
  }

  /** Takes ownership of a value and names it. One that arrives after the end of the session is disposed of. */
  add(value: Value): string {
    if (this.#ended) {
      value.dispose();
      throw new HnswError("ERR_CLOSED", "the session has ended");
    }
    const id = `v${++this.#made}`;
    this.#named.set(id, value);
    value.named = true;
    return id;
  }

  /** Hands a value over: its name means nothing from now on. Throws ERR_UNKNOWN_ID. */
  take(id: string): Value {
    const value = this.#named.get(id);
    if (value === undefined) throw new HnswError("ERR_UNKNOWN_ID", `no value ${show(id)} in this session`);
    this.#named.delete(id);
    return value;
  }

  end(): void {
    this.#ended = true;
    for (const value of this.#named.values()) value.dispose();
    this.#named.clear();
  }
}

function tooMuch(seen: string, allowed: string): HnswError {
  return new HnswError("ERR_OUT_OF_MEMORY", `${seen} in this session, allowed: ${allowed}`);
}
