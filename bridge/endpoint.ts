/**
 * Where a server listens: a socket in a private directory, or a loopback port with a token.
 *
 * The directory is the access control of ipc: mode 0700, owned by this user, no link. On tcp anyone who reaches the
 * port can connect, so a token is demanded; beyond loopback CURVE besides, so that it cannot be read on the way.
 */
import { lstatSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { HnswError } from "../src/index.ts";
import { directoryPrefix, isAnswered, SOCKET, sweepStale } from "./stale.ts";

/** Bytes of a socket path that the system takes: sun_path less its end mark. */
const MAX_PATH = process.platform === "linux" ? 107 : 103;

/** A place to bind to. `release` removes what was made for it. */
export interface Endpoint {
  readonly address: string;
  release(): void;
}

/** A private directory for an ipc socket. `where` is "auto" or a directory. */
export async function ipcEndpoint(where: string): Promise<Endpoint> {
  if (process.platform === "win32") throw refused("ipc is not available on Windows; use tcp with a token");
  const { directory, made } = where === "auto" ? await autoDirectory() : namedDirectory(resolve(where));
  const path = join(directory, SOCKET);
  const release = () => {
    rmSync(path, { force: true });
    if (made) removeIfEmpty(directory);
  };
  try {
    checkLength(path);
    await removeStale(path);
  } catch (error) {
    if (made) removeIfEmpty(directory);
    throw error;
  }
  return { address: `ipc://${path}`, release };
}

async function autoDirectory(): Promise<{ directory: string; made: boolean }> {
  const runtime = process.env.XDG_RUNTIME_DIR;
  const base = runtime !== undefined && isPrivate(runtime) ? runtime : tmpdir();
  await sweepStale(base);
  return { directory: mkdtempSync(join(base, directoryPrefix())), made: true };
}

function namedDirectory(directory: string): { directory: string; made: boolean } {
  const made = mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined;
  const problem = privacyProblem(directory);
  if (problem !== undefined) throw refused(`${directory} ${problem}; allowed: a directory of yours with mode 0700`);
  return { directory, made };
}

function isPrivate(directory: string): boolean {
  try {
    return privacyProblem(directory) === undefined;
  } catch {
    return false;
  }
}

function privacyProblem(directory: string): string | undefined {
  const status = lstatSync(directory);
  if (!status.isDirectory()) return "is not a directory";
  if (status.uid !== process.geteuid?.()) return `belongs to user ${status.uid}`;
  if ((status.mode & 0o077) !== 0) return `has mode 0${(status.mode & 0o777).toString(8)}`;
  return undefined;
}

function checkLength(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH) throw refused(`socket path of ${bytes} bytes, allowed: ${MAX_PATH}: ${path}`);
}

/** A socket file without a server behind it is removed; one with a server is left alone. */
async function removeStale(path: string): Promise<void> {
  if (await isAnswered(path)) throw refused(`a server is already listening at ${path}`);
  rmSync(path, { force: true });
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Something else was put there, or it is gone already.
  }
}

/** A tcp address. `hostPort` is HOST:PORT, port 0 for any free one; beyond loopback the connection must be encrypted. */
export function tcpEndpoint(hostPort: string, token: string | undefined, encrypted: boolean): Endpoint {
  const { host, port } = readAddress(hostPort);
  if (!isLoopback(host) && isIP(host) === 0) {
    throw refused(`tcp host ${JSON.stringify(host)}, allowed: localhost, or an address of this machine`);
  }
  if (!isLoopback(host) && !encrypted) {
    throw refused(`tcp host ${JSON.stringify(host)} is beyond loopback and needs CURVE keys: --curve-key FILE`);
  }
  if (!token) throw refused("tcp needs a token: --token-file FILE, or HNSW_BRIDGE_TOKEN in the environment");
  const literal = isIP(host) === 6 ? `[${host}]` : host === "localhost" ? "127.0.0.1" : host;
  return { address: `tcp://${literal}:${port === 0 ? "*" : port}`, release: () => {} };
}

/** HOST:PORT of loopback, taken apart. Throws ERR_INVALID_ARGUMENT for any other. */
export function loopbackAddress(hostPort: string): Address {
  const { host, port } = readAddress(hostPort);
  if (!isLoopback(host)) throw refused(`host ${JSON.stringify(host)}, allowed: 127.0.0.1, ::1, localhost`);
  return { host: host === "localhost" ? "127.0.0.1" : host, port };
}

interface Address {
  readonly host: string;
  readonly port: number;
}

function readAddress(hostPort: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(hostPort);
  const host = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  if (match === null || port > 65535) throw refused(`address ${JSON.stringify(hostPort)}, allowed: HOST:PORT`);
  return { host, port };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function refused(message: string): HnswError {
  return new HnswError("ERR_INVALID_ARGUMENT", message);
}
