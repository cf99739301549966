/** Values of the command line, read with suspicion. What is wrong with one is wrong usage. */
import { readFileSync, statSync } from "node:fs";
import { HnswError } from "../src/index.ts";

export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** A wrong command line, as opposed to a failure. */
export class UsageError extends Error {}

/** A value of text, or undefined. */
export function textOf(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/** One of a few words. */
export function wordOf<T extends string>(values: Values, name: string, allowed: readonly T[], otherwise: T): T {
  const value = textOf(values, name) ?? otherwise;
  const word = allowed.find((each) => each === value);
  if (word === undefined) throw new UsageError(`--${name} ${value}, allowed: ${allowed.join(", ")}`);
  return word;
}

/** An integer of at least 1. */
export function countOf(values: Values, name: string): number | undefined {
  const value = textOf(values, name);
  if (value === undefined) return undefined;
  const count = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (count < 1) throw new UsageError(`--${name} ${value}, allowed: an integer of at least 1`);
  return count;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["K", 2 ** 10],
  ["M", 2 ** 20],
  ["G", 2 ** 30],
  ["T", 2 ** 40],
]);

/** Bytes, with K, M, G or T of 1024. */
export function bytesOf(values: Values, name: string): number | undefined {
  const value = textOf(values, name);
  if (value === undefined) return undefined;
  const [, digits = "", unit = ""] = /^(\d{1,12}(?:\.\d+)?)([KMGT]?)i?B?$/i.exec(value) ?? [];
  const bytes = Math.floor(Number(digits) * (UNITS.get(unit.toUpperCase()) ?? 0));
  if (!(bytes >= 1)) throw new UsageError(`--${name} ${value}, allowed: bytes, as 8G or 500M`);
  return bytes;
}

/** Seconds above 0. */
export function secondsOf(values: Values, name: string, otherwise: number): number {
  const seconds = Number(values[name] ?? otherwise);
  if (!(seconds > 0)) throw new UsageError(`--${name} ${values[name]}, allowed: seconds above 0`);
  return seconds;
}

/** A token kept in a file of the user's own. Throws ERR_INVALID_ARGUMENT when others can read it, or it is empty. */
export function tokenFileOf(values: Values): string | undefined {
  const file = textOf(values, "token-file");
  if (file === undefined) return undefined;
  if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0) {
    throw new HnswError("ERR_INVALID_ARGUMENT", `${file} can be read by others, allowed: mode 0600`);
  }
  const token = readFileSync(file, "utf8").trim();
  if (token === "") throw new HnswError("ERR_INVALID_ARGUMENT", `${file} holds no token`);
  return token;
}
