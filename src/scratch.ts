/**
 * Room for converted values on their way into the core.
 */

/** Values converted at a time: 1 MiB as f32, well inside the second-level cache. */
export const CHUNK_VALUES = 1 << 18;

interface Numbers<T> {
  readonly length: number;
  subarray(from: number, to: number): T;
}

/** A reused typed array; as long as the largest chunk that was asked for. */
export class Scratch<T extends Numbers<T>> {
  readonly #make: new (
    length: number,
  ) => T;
  #values: T | undefined;

  constructor(make: new (length: number) => T) {
    this.#make = make;
  }

  /** The first `length` values; their content is left over from before. */
  take(length: number): T {
    if (this.#values === undefined || this.#values.length < length) this.#values = new this.#make(length);
    return this.#values.subarray(0, length);
  }
}
