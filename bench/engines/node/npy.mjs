// Reads float32 .npy files (numpy's format, versions 1 to 3), C order.
import { readFileSync } from "node:fs";

/** `{ data: Float32Array, shape: [rows, dim] }`, as the package ndarray has them. Throws for anything else. */
export function readNpy(file) {
  const bytes = readFileSync(file);
  const long = bytes[6] > 1;
  const start = long ? 12 : 10;
  const end = start + (long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.toString("latin1", start, end);
  if (!header.includes("'<f4'") || !header.includes("'fortran_order': False")) {
    throw new Error(`${file}: no float32 rows in C order`);
  }
  const shape = header
    .match(/'shape': \(([^)]*)\)/)[1]
    .split(",")
    .map(Number)
    .slice(0, 2);
  return { data: aligned(bytes, end), shape };
}

/** The values without a copy; numpy pads its header so that they are aligned, whatever the Buffer's offset is. */
function aligned(bytes, offset) {
  const place = bytes.byteOffset + offset;
  if (place % 4 === 0) return new Float32Array(bytes.buffer, place, (bytes.length - offset) / 4);
  return new Float32Array(bytes.buffer.slice(place, bytes.byteOffset + bytes.length));
}
