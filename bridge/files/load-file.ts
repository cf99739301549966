/** An index out of a file that the client named, instead of bytes that it sent. Never mapped: whoever cuts the file would end the server. */
import type { FileHandle } from "node:fs/promises";
import { invalidArgument } from "../errors.ts";
import type { Memory } from "../memory.ts";
import { DESCRIPTORS, openAllowed } from "./allowed.ts";

/** Refuses at once what cannot be allowed: the same words as for rows. */
export function checkAllowsPaths(allowed: readonly string[]): void {
  if (allowed.length === 0)
    throw invalidArgument("path", "given", "only at a server that was started with --allow-path");
}

/** What an index is made of: a path that is safe to open, or the bytes. */
export type Content = string | Uint8Array;

/** What `make` makes of the file at `path`. Throws ERR_INVALID_ARGUMENT for one that must not be read, and what `make` throws. */
export async function ofNamed<T>(
  path: string,
  allowed: readonly string[],
  memory: Memory,
  make: (content: Content) => Promise<T>,
): Promise<T> {
  const handle = await openAllowed(path, allowed);
  try {
    memory.fit("index", (await handle.stat()).size);
    return await make(await contentOf(handle));
  } finally {
    await handle.close();
  }
}

/** By its descriptor, where files have names by that: what was looked at is what is read. */
async function contentOf(handle: FileHandle): Promise<Content> {
  return DESCRIPTORS === undefined ? handle.readFile() : `${DESCRIPTORS}/${handle.fd}`;
}
