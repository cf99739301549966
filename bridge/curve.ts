/**
 * CURVE keys: a server's long-term pair in two files, in ZeroMQ's certificate format, as `zmq.auth` of pyzmq and czmq
 * write and read them. Clients know the public half; their own pairs are made for each connection.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { HnswError } from "../src/index.ts";

/** Keys as Z85 text of 40 characters. */
export interface CurveKeys {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** The two files of a pair. */
export interface KeyFiles {
  /** For clients: `NAME.key`. */
  readonly publicFile: string;
  /** For the server alone, of mode 0600: `NAME.key_secret`. */
  readonly secretFile: string;
}

const KEY = /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/;

/** Writes a pair to `NAME.key` and `NAME.key_secret`. Throws when one of them is there already. */
export function writeKeys(name: string, { publicKey, secretKey }: CurveKeys): KeyFiles {
  const publicFile = `${name}.key`;
  const secretFile = `${name}.key_secret`;
  const lines = ["metadata", "curve", `    public-key = "${publicKey}"`];
  write(secretFile, [...lines, `    secret-key = "${secretKey}"`], 0o600);
  write(publicFile, lines, 0o644);
  return { publicFile, secretFile };
}

function write(path: string, lines: readonly string[], mode: number): void {
  try {
    writeFileSync(path, `${lines.join("\n")}\n`, { mode, flag: "wx" });
  } catch (error) {
    throw new HnswError("ERR_INVALID_ARGUMENT", `cannot write ${path}: ${(error as Error).message}`);
  }
}

/** A server's pair. Throws ERR_INVALID_ARGUMENT for a file that others can read, or that holds no pair. */
export function readKeys(path: string): CurveKeys {
  const text = read(path);
  if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) {
    throw new HnswError("ERR_INVALID_ARGUMENT", `${path} can be read by others, allowed: mode 0600`);
  }
  return { publicKey: keyIn(text, "public-key", path), secretKey: keyIn(text, "secret-key", path) };
}

/** The public half, of either file. */
export function readPublicKey(path: string): string {
  return keyIn(read(path), "public-key", path);
}

/** A public key given as text. Throws ERR_INVALID_ARGUMENT; the text may be a secret, so it is not shown. */
export function checkKey(key: string): string {
  if (KEY.test(key)) return key;
  throw new HnswError("ERR_INVALID_ARGUMENT", `a key of ${key.length} characters, allowed: 40 of Z85`);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new HnswError("ERR_INVALID_ARGUMENT", `cannot read ${path}: ${(error as Error).message}`);
  }
}

function keyIn(text: string, name: string, path: string): string {
  const key = new RegExp(`^\\s*${name}\\s*=\\s*"([^"]*)"`, "m").exec(text)?.[1];
  if (key !== undefined && KEY.test(key)) return key;
  throw new HnswError("ERR_INVALID_ARGUMENT", `${path} holds no ${name}, allowed: a file that keygen wrote`);
}
