/**
 * Rows out of a file the client named, instead of a stream: opened, compared with what the call promised, and placed batch
 * by batch, so that they never exist twice.
 */
import { endianness } from "node:os";
import { HnswError } from "../../src/index.ts";
import { isNpy } from "../../src/npy.ts";
import type { Call } from "../call.ts";
import { invalidArgument } from "../errors.ts";
import type { Placement } from "../placement.ts";
import type { Promised } from "../promised.ts";
import { openAllowed } from "./allowed.ts";
import { isArrow, openArrow } from "./arrow-file.ts";
import { openNpy } from "./npy.ts";
import { corrupt, type RowsFile, readExactly, type Values } from "./rows-file.ts";

/** Longest beginning that tells the format. */
const BEGINNING = 8;

/** Places the rows of the file at `path`. Rejects with ERR_INVALID_ARGUMENT, ERR_DIMENSION_MISMATCH, ERR_CORRUPT_FILE. */
export async function placeFile(
  call: Call,
  path: string,
  promised: Promised<Disposable>,
  placement: Placement,
  allowed: readonly string[],
): Promise<void> {
  const { rows, dim, item } = promised;
  if (item === undefined) throw invalidArgument("path", path, "only for dense rows and bits");
  if (endianness() !== "LE") throw invalidArgument("byte order of this machine", "big", "little");
  const handle = await openAllowed(path, allowed);
  try {
    const beginning = await readExactly(handle, 0, BEGINNING);
    if (isNpy(beginning)) await place(call, await openNpy(handle), promised, placement);
    else if (isArrow(beginning)) {
      await place(call, openArrow(handle, beginning, { rows, dim, item }), promised, placement);
    } else
      throw invalidArgument(
        "format of the file",
        `unknown, it begins with ${beginning.toString("hex")}`,
        ".npy, Arrow IPC",
      );
  } finally {
    await handle.close();
  }
}

async function place(call: Call, file: RowsFile, promised: Promised<Disposable>, placement: Placement): Promise<void> {
  const { rows, dim } = promised;
  if (file.rows !== rows || file.dim !== dim) {
    throw new HnswError(
      "ERR_DIMENSION_MISMATCH",
      `the file has ${file.rows} x ${file.dim}, the call promised ${rows} x ${dim}`,
    );
  }
  await call.tell(async (onProgress) => {
    let start = 0;
    for await (const { count, values } of file.batches()) {
      call.throwIfStopped();
      if (start + count > rows) throw corrupt(`more than the ${rows} rows that were promised`);
      const frames = [bytesOf(values, promised.item)];
      placement.place({ start, count, frames, bare: true, most: Number.POSITIVE_INFINITY });
      start += count;
      onProgress({ phase: "reading", done: start, total: rows });
    }
    if (start !== rows) throw corrupt(`${start} of the ${rows} rows that were promised`);
  });
}

/** The numbers as the index takes them. Bits are bytes already; all else becomes float32. */
function bytesOf(values: Values, item: string | undefined): Uint8Array {
  if (item === "uint8") {
    if (values instanceof Uint8Array) return values;
    throw invalidArgument("numbers of the file", values.constructor.name, "bytes, for rows of bits");
  }
  const floats = values instanceof Float32Array ? values : Float32Array.from(values);
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}
