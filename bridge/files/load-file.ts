/** An index out of a file that the client named, instead of bytes that it sent. Never mapped: whoever cuts the file would end the server. */
import type { FileHandle } from "node:fs/promises";
import { HnswIndex, type RestoreOptions } from "../../src/index.ts";
import { invalidArgument } from "../errors.ts";
import type { Memory } from "../memory.ts";
import { DESCRIPTORS, openAllowed } from "./allowed.ts";

/** Refuses at once what cannot be allowed: the same words as for rows. */
export function checkAllowsPaths(allowed: readonly string[]): void {
  if (allowed.length === 0)
    throw invalidArgument("path", "given", "only at a server that was started with --allow-path");
}

/** The index in the file at `path`. Throws ERR_INVALID_ARGUMENT for one that must not be read, and what `load` and `restore` throw. */
export async function loadNamed(
  path: string,
  allowed: readonly string[],
  memory: Memory,
  options: RestoreOptions,
): Promise<HnswIndex> {
  const handle = await openAllowed(path, allowed);
  try {
    memory.fit("index", (await handle.stat()).size);
    return await loadOpen(handle, options);
  } finally {
    await handle.close();
  }
}

/** By its descriptor, where files have names by that: what was looked at is what is read. */
async function loadOpen(handle: FileHandle, options: RestoreOptions): Promise<HnswIndex> {
  if (DESCRIPTORS !== undefined) return HnswIndex.load(`${DESCRIPTORS}/${handle.fd}`, options);
  return HnswIndex.restore(await handle.readFile(), options);
}
