/**
 * The head of NumPy's file of one array: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 *     93 'NUMPY' | major u8 | minor u8 | header length u16 or u32 | header, a Python dict | values
 */
import { HnswError } from "./errors.ts";
import { invalid } from "./validate.ts";

const MAGIC = "\x93NUMPY";
/** Magic, versions, the longer form of the length. */
export const NPY_PREFIX = 12;
/** Real headers have about 120 bytes. */
const MAX_HEADER = 64 << 10;

/** Numbers that a matrix may be of. */
export type NpyNumbers =
  | typeof Float32Array
  | typeof Float64Array
  | typeof Uint8Array
  | typeof Int8Array
  | typeof Uint16Array
  | typeof Int16Array
  | typeof Uint32Array
  | typeof Int32Array;

/** By NumPy's names for them, little-endian or of one byte. */
const NUMBERS: ReadonlyMap<string, NpyNumbers> = new Map<string, NpyNumbers>([
  ["<f4", Float32Array],
  ["<f8", Float64Array],
  ["|u1", Uint8Array],
  ["|i1", Int8Array],
  ["<u2", Uint16Array],
  ["<i2", Int16Array],
  ["<u4", Uint32Array],
  ["<i4", Int32Array],
]);

/** What a header says. */
export interface NpyShape {
  readonly numbers: NpyNumbers;
  readonly rows: number;
  readonly dim: number;
}

/** Whether a file that begins so is one of NumPy's. */
export function isNpy(beginning: Buffer): boolean {
  return beginning.subarray(0, MAGIC.length).toString("latin1") === MAGIC;
}

/** Where the header lies in a file that begins with `prefix`, of {@link NPY_PREFIX} bytes. Throws ERR_CORRUPT_FILE. */
export function npyHeaderPlace(prefix: Buffer): { start: number; length: number } {
  if (!isNpy(prefix)) throw corrupt("does not begin as NumPy's do");
  const major = prefix[6] ?? 0;
  if (major < 1 || major > 3) throw corrupt(`version ${major} of the format, allowed: 1 to 3`);
  const wide = major > 1;
  const length = wide ? prefix.readUInt32LE(8) : prefix.readUInt16LE(8);
  if (length > MAX_HEADER) throw corrupt(`a header of ${length} bytes, allowed: ${MAX_HEADER}`);
  return { start: wide ? 12 : 10, length };
}

/** What a header says. Throws ERR_INVALID_ARGUMENT for an array that is no matrix of numbers in rows. */
export function npyShape(header: string): NpyShape {
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape'\s*:\s*\(\s*(\d{1,15})\s*,\s*(\d{1,15})\s*,?\s*\)/.exec(header);
  const numbers = NUMBERS.get(descr ?? "");
  if (numbers === undefined) throw invalid("dtype", descr ?? header, [...NUMBERS.keys()].join(", "));
  if (order !== "False") throw invalid("order of the array", "Fortran", "C");
  if (shape === null) throw invalid("array", header, "a matrix of two dimensions");
  return { numbers, rows: Number(shape[1]), dim: Number(shape[2]) };
}

/** The head of a file of such a matrix: all that comes before its values. */
export function npyHead(descr: string, rows: number, dim: number): Buffer {
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${rows}, ${dim}), }`;
  const header = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.alloc(10);
  head.write(`${MAGIC}\x01\x00`, "latin1");
  head.writeUInt16LE(header.length, 8);
  return Buffer.concat([head, Buffer.from(header)]);
}

function corrupt(what: string): HnswError {
  return new HnswError("ERR_CORRUPT_FILE", `the file of rows: ${what}`);
}
