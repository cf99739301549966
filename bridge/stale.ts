/**
 * What servers that were killed left behind: a socket file that nobody answers at, alone in its directory.
 */
import { lstatSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

export const SOCKET = "server.sock";
/** How directories of local servers are called, before what makes each unique. */
export const DIRECTORY_PREFIX = "hnsw-bridge-";

/** A listener that does not even take a connection for so long is busy or stopped, but there. */
const PROBE_MS = 200;
/** An empty directory may belong to a server that is about to listen. */
const EMPTY_FOR_MS = 60_000;
/** Directories looked at in one go. */
const MAX_LOOKED_AT = 200;

/** Whether somebody listens at a socket file. */
export function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const end = (answered: boolean) => {
      probe.destroy();
      resolve(answered);
    };
    probe.setTimeout(PROBE_MS, () => end(true));
    probe.once("connect", () => end(true)).once("error", () => end(false));
  });
}

/** Removes this user's directories under `base` whose servers are gone. What cannot be removed is left. */
export async function sweepStale(base: string): Promise<void> {
  const names = readdirSync(base).filter((name) => name.startsWith(DIRECTORY_PREFIX));
  await Promise.all(names.slice(0, MAX_LOOKED_AT).map((name) => sweep(join(base, name))));
}

async function sweep(directory: string): Promise<void> {
  try {
    const status = lstatSync(directory);
    if (!status.isDirectory() || status.uid !== process.geteuid?.()) return;
    const content = readdirSync(directory);
    if (content.length > 1 || (content.length === 1 && content[0] !== SOCKET)) return;
    if (content.length === 0 && Date.now() - status.mtimeMs < EMPTY_FOR_MS) return;
    const socket = join(directory, SOCKET);
    if (content.length === 1 && (await isAnswered(socket))) return;
    rmSync(socket, { force: true });
    rmdirSync(directory);
  } catch {
    // Another server sweeps as well, or the directory is not ours to remove.
  }
}
