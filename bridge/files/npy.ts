/** NumPy's file of one array, whose rows are read batch by batch. */
import type { FileHandle } from "node:fs/promises";
import { NPY_PREFIX, npyHeaderPlace, npyShape } from "../../src/npy.ts";
import { batchesAt, type RowsFile, readExactly } from "./rows-file.ts";

/** Reads the head of a file. Rejects with ERR_CORRUPT_FILE, or ERR_INVALID_ARGUMENT for an array that is no matrix of numbers. */
export async function openNpy(handle: FileHandle): Promise<RowsFile> {
  const { start, length } = npyHeaderPlace(await readExactly(handle, 0, NPY_PREFIX));
  const { numbers, rows, dim } = npyShape((await readExactly(handle, start, length)).toString("utf8"));
  return { rows, dim, batches: () => batchesAt(handle, start + length, { numbers, rows, dim }) };
}
