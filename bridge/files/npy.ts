/**
 * NumPy's file of one array: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 *     93 'NUMPY' | major u8 | minor u8 | header length u16 or u32 | header, a Python dict | values
 */
import type { FileHandle } from "node:fs/promises";
import {
  batchesAt,
  corrupt,
  type MatrixShape,
  type Numbers,
  type RowsFile,
  readExactly,
  unsupported,
} from "./rows-file.ts";

const MAGIC = "\x93NUMPY";
/** Magic, versions, the shorter form of the length. */
const PREFIX = 10;
/** Real headers have about 120 bytes. */
const MAX_HEADER = 64 << 10;

/** Numbers by NumPy's names for them, little-endian or of one byte. */
const NUMBERS: ReadonlyMap<string, Numbers> = new Map<string, Numbers>([
  ["<f4", Float32Array],
  ["<f8", Float64Array],
  ["|u1", Uint8Array],
  ["|i1", Int8Array],
  ["<u2", Uint16Array],
  ["<i2", Int16Array],
  ["<u4", Uint32Array],
  ["<i4", Int32Array],
]);

/** Whether a file that begins so is one of NumPy's. */
export function isNpy(beginning: Uint8Array): boolean {
  return Buffer.from(beginning.subarray(0, MAGIC.length)).toString("latin1") === MAGIC;
}

/** Reads the head of a file. Rejects with ERR_CORRUPT_FILE, or ERR_INVALID_ARGUMENT for an array that is no matrix of numbers. */
export async function openNpy(handle: FileHandle): Promise<RowsFile> {
  const prefix = await readExactly(handle, 0, PREFIX);
  const major = prefix[6] ?? 0;
  if (major < 1 || major > 3) throw corrupt(`version ${major} of the format, allowed: 1 to 3`);
  const wide = major > 1;
  const length = wide ? (await readExactly(handle, 8, 4)).readUInt32LE() : prefix.readUInt16LE(8);
  if (length > MAX_HEADER) throw corrupt(`a header of ${length} bytes, allowed: ${MAX_HEADER}`);
  const start = wide ? PREFIX + 2 : PREFIX;
  const header = (await readExactly(handle, start, length)).toString("utf8");
  const { numbers, rows, dim } = readHeader(header);
  return { rows, dim, batches: () => batchesAt(handle, start + length, { numbers, rows, dim }) };
}

function readHeader(header: string): MatrixShape {
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape'\s*:\s*\(\s*(\d{1,15})\s*,\s*(\d{1,15})\s*,?\s*\)/.exec(header);
  const numbers = NUMBERS.get(descr ?? "");
  if (numbers === undefined) throw unsupported("dtype", descr ?? header, [...NUMBERS.keys()].join(", "));
  if (order !== "False") throw unsupported("order of the array", "Fortran", "C");
  if (shape === null) throw unsupported("array", header, "a matrix of two dimensions");
  return { numbers, rows: Number(shape[1]), dim: Number(shape[2]) };
}
