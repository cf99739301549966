/**
 * Which files a client may have read: regular ones inside a directory that the server was started with. Links are
 * followed first, so that none leads out; and what is opened is looked at again, so that none is swapped in between.
 */
import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath } from "node:fs/promises";
import { isAbsolute, sep } from "node:path";
import { HnswError } from "../../src/index.ts";
import { show } from "../errors.ts";

/** Where the system tells what an open file is called; the check of it is left out elsewhere. */
export const DESCRIPTORS = process.platform === "linux" ? "/proc/self/fd" : undefined;

/** The directories, links followed. Rejects with ERR_INVALID_ARGUMENT for one that is not there. */
export function allowedDirectories(paths: readonly string[]): Promise<string[]> {
  return Promise.all(
    paths.map((path) =>
      realpath(path).catch((error: Error) => {
        throw new HnswError("ERR_INVALID_ARGUMENT", `--allow-path ${path}: ${error.message}`);
      }),
    ),
  );
}

/**
 * Opens a file for reading. Rejects with ERR_INVALID_ARGUMENT, in the same words for a file that is not there and for
 * one that must not be read: a client learns nothing about files elsewhere.
 */
export async function openAllowed(path: string, allowed: readonly string[]): Promise<FileHandle> {
  const refused = new HnswError(
    "ERR_INVALID_ARGUMENT",
    `path is ${show(path)}, allowed: the absolute path of a file inside a directory that the server may read`,
  );
  if (!isAbsolute(path) || path.includes("\0")) throw refused;
  const real = await realpath(path).catch(() => "");
  if (!isInside(real, allowed)) throw refused;
  // Without waiting: a pipe would block a thread until somebody writes.
  const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (handle === undefined) throw refused;
  if (await isWhatItWas(handle, allowed)) return handle;
  await handle.close();
  throw refused;
}

async function isWhatItWas(handle: FileHandle, allowed: readonly string[]): Promise<boolean> {
  if (!(await handle.stat()).isFile()) return false;
  return DESCRIPTORS === undefined || isInside(await readlink(`${DESCRIPTORS}/${handle.fd}`), allowed);
}

function isInside(path: string, directories: readonly string[]): boolean {
  return directories.some((directory) => path.startsWith(directory === sep ? sep : directory + sep));
}
