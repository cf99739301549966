/**
 * What servers that were killed left behind: a socket file that nobody answers at, alone in its directory.
 *
 * Between the moment that a socket file appears and the one that it is listened at, a living server looks the same. So the
 * directory's name tells whose it is, and only what is old or of a process that is gone is removed.
 */
import { lstatSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

export const SOCKET = "server.sock";
const PREFIX = "hnsw-bridge-";

/** A listener that does not even take a connection for so long is busy or stopped, but there. */
const PROBE_MS = 200;
/** A server listens long before; one that was given the number of a process that is gone is found so too. */
const OLD_MS = 60_000;
/** Directories looked at in one go. */
const MAX_LOOKED_AT = 200;

/** How this process's directory is called, before what makes it unique. */
export function directoryPrefix(): string {
  return `${PREFIX}${process.pid}-`;
}

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
  const names = readdirSync(base).filter((name) => name.startsWith(PREFIX));
  await Promise.all(names.slice(0, MAX_LOOKED_AT).map((name) => sweep(base, name)));
}

async function sweep(base: string, name: string): Promise<void> {
  try {
    const directory = join(base, name);
    const status = lstatSync(directory);
    if (!status.isDirectory() || status.uid !== process.geteuid?.()) return;
    const content = readdirSync(directory);
    if (content.some((file) => file !== SOCKET)) return;
    if (isRunning(name) && Date.now() - status.mtimeMs < OLD_MS) return;
    const socket = join(directory, SOCKET);
    if (content.length > 0 && (await isAnswered(socket))) return;
    rmSync(socket, { force: true });
    rmdirSync(directory);
  } catch {
    // Another server sweeps as well, or the directory is not ours to remove.
  }
}

/** Whether the process that a directory is named after is there, or may be. */
function isRunning(name: string): boolean {
  const pid = Number(name.slice(PREFIX.length).split("-", 1)[0]);
  if (!(Number.isSafeInteger(pid) && pid > 0)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
