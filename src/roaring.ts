/**
 * Sets of ids in the portable serialization of Roaring bitmaps, as CRoaring, pyroaring and others write it
 * (https://github.com/RoaringBitmap/RoaringFormatSpec): a container for each 65 536 ids, which is a list, bits, or runs.
 */
import { HnswError } from "./errors.ts";

/** First number where no container has runs, and where some may. */
const PLAIN = 12346;
const WITH_RUNS = 12347;
/** With runs and fewer containers than this there are no offsets. */
const FEW = 4;
/** A list has at most so many ids. */
const MOST_LISTED = 4096;
const BITS_BYTES = 8192;

/** A bit for each id below `nextId`. O(bits). Throws `ERR_INVALID_ARGUMENT`, `ERR_UNKNOWN_ID` for an id from `nextId` on. */
export function bitsOfRoaring(bytes: Uint8Array, nextId: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(nextId / 8));
  const reader = new Reader(bytes);
  const take = (id: number) => {
    if (id >= nextId) throw new HnswError("ERR_UNKNOWN_ID", `filter has the id ${id}, allowed: 0 to ${nextId - 1}`);
    bits[id >> 3] = (bits[id >> 3] ?? 0) | (1 << (id & 7));
  };
  for (const { base, count, runs } of containers(reader)) {
    if (runs) ofRuns(reader, base, take);
    else if (count > MOST_LISTED) ofBits(reader, base, take);
    else for (let i = 0; i < count; i++) take(base + reader.u16());
  }
  reader.end();
  return bits;
}

interface Container {
  readonly base: number;
  readonly count: number;
  readonly runs: boolean;
}

function containers(reader: Reader): Container[] {
  const cookie = reader.u32();
  const some = (cookie & 0xffff) === WITH_RUNS;
  if (!some && cookie !== PLAIN) throw broken(`begins with ${cookie}, allowed: ${PLAIN} or ${WITH_RUNS}`);
  const size = some ? (cookie >>> 16) + 1 : reader.u32();
  if (size > 65_536) throw broken(`${size} containers, allowed: at most 65536`);
  const flags = some ? reader.bytes(Math.ceil(size / 8)) : new Uint8Array(0);
  const out: Container[] = [];
  for (let i = 0; i < size; i++) {
    const [key, count] = [reader.u16(), reader.u16() + 1];
    // Ascending, so that no id is met twice and reading takes no longer than there are ids.
    if (key * 65_536 <= (out.at(-1)?.base ?? -1)) throw broken(`has container ${key} after a later one`);
    out.push({ base: key * 65_536, count, runs: ((flags[i >> 3] ?? 0) & (1 << (i & 7))) !== 0 });
  }
  // Containers follow each other: where each lies need not be read.
  if (!some || size >= FEW) reader.bytes(4 * size);
  return out;
}

function ofRuns(reader: Reader, base: number, take: (id: number) => void): void {
  let end = -1;
  for (let left = reader.u16(); left > 0; left--) {
    const [first, more] = [reader.u16(), reader.u16()];
    if (first <= end) throw broken(`has a run from ${first} after one up to ${end}`);
    end = first + more;
    if (first + more > 65_535) throw broken(`has a run from ${first} over ${more + 1} ids, beyond its container`);
    for (let id = first; id <= first + more; id++) take(base + id);
  }
}

function ofBits(reader: Reader, base: number, take: (id: number) => void): void {
  for (const [at, byte] of reader.bytes(BITS_BYTES).entries())
    for (let bit = 0; byte >> bit !== 0; bit++) if ((byte >> bit) & 1) take(base + 8 * at + bit);
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bytes(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw broken(`ends after ${this.#bytes.length} bytes, allowed: at least ${end}`);
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  u16(): number {
    const [low = 0, high = 0] = this.bytes(2);
    return low + 256 * high;
  }

  u32(): number {
    return this.u16() + 65_536 * this.u16();
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw broken(`has ${left} bytes behind its last container, allowed: 0`);
  }
}

function broken(what: string): HnswError {
  return new HnswError("ERR_INVALID_ARGUMENT", `filter.roaring is no Roaring bitmap: it ${what}`);
}
