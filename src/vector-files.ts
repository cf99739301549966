/**
 * Rows in files of others, by suffix, and files of rows for others.
 *
 *     .npy                    NumPy's array, see npy.ts
 *     .fvecs .ivecs .bvecs    length i32 | values f32, i32 or u8, for each row (corpus-texmex.irisa.fr)
 *
 * What a file says is compared with its length before memory is taken. Whole files, in memory.
 */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { endianness } from "node:os";
import { basename, dirname, extname, join } from "node:path";
import { HnswError } from "./errors.ts";
import { type FilePath, pathOf } from "./files.ts";
import type { DenseInput } from "./matrix.ts";
import { sourceOf } from "./matrix.ts";
import { NPY_PREFIX, type NpyNumbers, npyHead, npyHeaderPlace, npyShape } from "./npy.ts";
import { invalid } from "./validate.ts";

/** A matrix as files hold it, row after row. */
export interface Vectors {
  readonly data: InstanceType<NpyNumbers>;
  readonly shape: [rows: number, columns: number];
}

type Item = { readonly numbers: NpyNumbers };
const ITEMS: ReadonlyMap<string, Item> = new Map<string, Item>([
  [".fvecs", { numbers: Float32Array }],
  [".ivecs", { numbers: Int32Array }],
  [".bvecs", { numbers: Uint8Array }],
]);
const SUFFIXES = [".npy", ...ITEMS.keys()];
/** Bytes read or written at a time. */
const CHUNK = 1 << 24;

/**
 * The rows of a `.npy`, `.fvecs`, `.ivecs` or `.bvecs` file.
 *
 * Rejects with `ERR_FILE`, `ERR_CORRUPT_FILE` for a file that is not what its suffix says, `ERR_INVALID_ARGUMENT`.
 */
export async function readVectors(path: FilePath): Promise<Vectors> {
  const place = pathOf(path);
  const suffix = suffixOf(place);
  const handle = await system(place, () => open(place, "r"));
  try {
    const found = await system(place, () => handle.stat());
    if (!found.isFile()) throw new HnswError("ERR_FILE", `${place}: is no regular file`);
    const item = ITEMS.get(suffix);
    return item === undefined ? await npy(handle, found.size) : await vectors(handle, found.size, item);
  } finally {
    await handle.close();
  }
}

/**
 * Writes rows to a `.npy` (float32), `.fvecs`, `.ivecs` or `.bvecs` file, whole or not at all.
 *
 * Rejects with `ERR_FILE`, `ERR_INVALID_ARGUMENT` also for values that the format does not hold.
 */
export async function writeVectors(path: FilePath, rows: DenseInput): Promise<void> {
  const place = pathOf(path);
  const suffix = suffixOf(place);
  const source = sourceOf("rows", rows);
  const item = ITEMS.get(suffix);
  const step = Math.max(1, Math.floor(CHUNK / Math.max(4, 4 * source.dim)));
  const temporary = join(dirname(place), `.${basename(place)}.${process.pid}-${Date.now()}.tmp`);
  const handle = await system(place, () => open(temporary, "wx"));
  try {
    if (item === undefined) await system(place, () => handle.writeFile(npyHead("<f4", source.rows, source.dim)));
    for (let start = 0; start < source.rows; start += step) {
      const count = Math.min(step, source.rows - start);
      const values = source.read(start, count);
      const bytes = item === undefined ? bytesOf(values) : records(values, source.dim, item);
      await system(place, () => handle.writeFile(bytes));
    }
    await system(place, () => handle.sync());
    await handle.close();
    await system(place, () => rename(temporary, place));
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

function suffixOf(path: string): string {
  const suffix = extname(path).toLowerCase();
  if (!SUFFIXES.includes(suffix)) throw invalid("suffix of the path", suffix, SUFFIXES.join(", "));
  if (endianness() !== "LE") throw invalid("byte order of this machine", "big", "little");
  return suffix;
}

async function npy(handle: FileHandle, size: number): Promise<Vectors> {
  const prefix = Buffer.from(await exactly(handle, 0, Math.min(size, NPY_PREFIX)));
  if (prefix.length < NPY_PREFIX) throw corrupt(`${size} bytes are too few`);
  const { start, length } = npyHeaderPlace(prefix);
  if (start + length > size) throw corrupt(`a header of ${length} bytes in a file of ${size}`);
  const header = Buffer.from(await exactly(handle, start, length)).toString("utf8");
  const { numbers, rows, dim } = npyShape(header);
  const bytes = rows * dim * numbers.BYTES_PER_ELEMENT;
  if (bytes !== size - start - length) throw corrupt(`${rows} x ${dim} values in ${size - start - length} bytes`);
  return { data: new numbers(await exactly(handle, start + length, bytes)), shape: [rows, dim] };
}

async function vectors(handle: FileHandle, size: number, { numbers }: Item): Promise<Vectors> {
  if (size === 0) return { data: new numbers(0), shape: [0, 0] };
  if (size < 4) throw corrupt(`${size} bytes are too few`);
  const dim = new Int32Array(await exactly(handle, 0, 4))[0] as number;
  const width = 4 + dim * numbers.BYTES_PER_ELEMENT;
  if (dim < 1 || size % width !== 0) throw corrupt(`${size} bytes are no rows of ${dim} columns`);
  const rows = size / width;
  const data = new numbers(rows * dim);
  const into = new Uint8Array(data.buffer);
  const step = Math.max(1, Math.floor(CHUNK / width));
  for (let start = 0; start < rows; start += step) {
    const count = Math.min(step, rows - start);
    const chunk = new DataView(await exactly(handle, start * width, count * width));
    for (let i = 0; i < count; i++) {
      const seen = chunk.getInt32(i * width, true);
      if (seen !== dim) throw corrupt(`row ${start + i} has ${seen} columns, the first has ${dim}`);
      into.set(new Uint8Array(chunk.buffer, i * width + 4, width - 4), (start + i) * (width - 4));
    }
  }
  return { data, shape: [rows, dim] };
}

function records(values: Float32Array, dim: number, { numbers }: Item): Uint8Array {
  if (dim < 1) throw invalid("rows", "without columns", "at least one");
  const typed = numbers.from(values);
  const at = typed.findIndex((value, i) => value !== values[i] && !Number.isNaN(values[i] as number));
  if (at >= 0) throw invalid("value", values[at], `what ${numbers.name} holds`);
  const width = dim * numbers.BYTES_PER_ELEMENT;
  const from = bytesOf(typed);
  const out = new Uint8Array((values.length / dim) * (4 + width));
  const view = new DataView(out.buffer);
  for (let i = 0; i * dim < values.length; i++) {
    view.setInt32(i * (4 + width), dim, true);
    out.set(from.subarray(i * width, (i + 1) * width), i * (4 + width) + 4);
  }
  return out;
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Bytes at a place of the file, in memory of their own. */
async function exactly(handle: FileHandle, position: number, length: number): Promise<ArrayBuffer> {
  const out = new ArrayBuffer(length);
  for (let filled = 0; filled < length; ) {
    const target = new Uint8Array(out, filled, Math.min(CHUNK, length - filled));
    const { bytesRead } = await handle.read(target, 0, target.length, position + filled);
    if (bytesRead === 0) throw corrupt(`ends after ${position + filled} bytes`);
    filled += bytesRead;
  }
  return out;
}

/** Runs `call`; what the system refuses is ERR_FILE. */
async function system<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof HnswError) throw error;
    throw new HnswError("ERR_FILE", `${path}: ${(error as Error).message}`, { cause: error });
  }
}

function corrupt(what: string): HnswError {
  return new HnswError("ERR_CORRUPT_FILE", `the file of rows: ${what}`);
}
