/**
 * Reads arrays out of numpy's .npz files: a zip (stored or deflated) of little-endian, C-order .npy files.
 */
import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

export interface NpyArray {
  readonly shape: number[];
  readonly data: Uint8Array | Uint16Array | Int32Array | Float32Array | Float64Array;
}

const END_OF_DIRECTORY = 0x06054b50;
const DTYPES: Readonly<Record<string, (bytes: ArrayBuffer) => NpyArray["data"]>> = {
  "|u1": (bytes) => new Uint8Array(bytes),
  "<u2": (bytes) => new Uint16Array(bytes),
  "<i4": (bytes) => new Int32Array(bytes),
  "<f4": (bytes) => new Float32Array(bytes),
  "<f8": (bytes) => new Float64Array(bytes),
};

/** The arrays called `names` in the file at `path`. */
export function readNpz<Name extends string>(path: string, names: readonly Name[]): Record<Name, NpyArray> {
  const zip = readFileSync(path);
  const entries = directory(zip);
  const read = (name: Name) => {
    const at = entries.get(`${name}.npy`);
    if (at === undefined) throw new Error(`${path} has no array ${name}`);
    return [name, parseNpy(content(zip, at))] as const;
  };
  return Object.fromEntries(names.map(read)) as Record<Name, NpyArray>;
}

/** From file names to the places of their entries in the central directory. */
function directory(zip: Buffer): Map<string, number> {
  let end = zip.length - 22;
  while (end > 0 && zip.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  const entries = new Map<string, number>();
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = zip.readUInt16LE(at + 28);
    entries.set(zip.toString("utf8", at + 46, at + 46 + nameLength), at);
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return entries;
}

function content(zip: Buffer, entry: number): Buffer {
  const method = zip.readUInt16LE(entry + 10);
  const size = zip.readUInt32LE(entry + 20);
  const local = zip.readUInt32LE(entry + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const bytes = zip.subarray(start, start + size);
  return method === 8 ? inflateRawSync(bytes) : bytes;
}

function parseNpy(file: Buffer): NpyArray {
  const wide = file[6] !== 1;
  const start = wide ? 12 : 10;
  const headerLength = wide ? file.readUInt32LE(8) : file.readUInt16LE(8);
  const header = file.toString("latin1", start, start + headerLength);
  const dtype = header.match(/'descr': '([^']+)'/)?.[1] ?? "";
  const shape = (header.match(/'shape': \(([^)]*)\)/)?.[1] ?? "").split(",").filter((part) => part.trim() !== "");
  const make = DTYPES[dtype];
  if (make === undefined || header.includes("'fortran_order': True")) throw new Error(`cannot read ${header}`);
  const body = Uint8Array.from(file.subarray(start + headerLength));
  return { shape: shape.map(Number), data: make(body.buffer) };
}
