/**
 * Checks at the door. Each throws `ERR_INVALID_ARGUMENT` naming the option, the value seen and what is allowed.
 * An option that is `undefined` counts as not given.
 */
import { HnswError } from "./errors.ts";

const SHOWN_CHARACTERS = 60;

/** A short form of any value for an error message; never throws. */
export function show(value: unknown): string {
  if (typeof value === "string") return shorten(JSON.stringify(value));
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return `an object (${nameOf(value)})`;
  return String(value);
}

function shorten(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}...`;
}

function nameOf(value: object): string {
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "Object";
}

/** The error for a bad value of `name`. */
export function invalid(name: string, seen: unknown, allowed: string): HnswError {
  return new HnswError("ERR_INVALID_ARGUMENT", `${name} is ${show(seen)}, allowed: ${allowed}`);
}

/** A number or 64-bit integer as a number; NaN for what is neither. */
export function numberOf(value: unknown): number {
  return typeof value === "number" ? value : typeof value === "bigint" ? Number(value) : Number.NaN;
}

/** `value` as a record with no keys but `allowed`; `undefined` gives an empty one. */
export function checkedKeys<T extends object>(name: string, value: T | undefined, allowed: readonly string[]): T {
  if (value === undefined) return {} as T;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(name, value, `an object with the keys ${allowed.join(", ")}`);
  }
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key)) {
      const seen = `${key}: ${show((value as Record<string, unknown>)[key])}`;
      throw new HnswError(
        "ERR_INVALID_ARGUMENT",
        `${name} has an unknown key, ${shorten(seen)}, allowed: ${allowed.join(", ")}`,
      );
    }
  }
  return value;
}

/** An integer from `low` to `high`, or `fallback` if not given. */
export function integerOr<F>(name: string, value: number | undefined, low: number, high: number, fallback: F) {
  if (value === undefined) return fallback;
  if (!Number.isInteger(value) || value < low || value > high) {
    throw invalid(name, value, `an integer from ${low} to ${high}`);
  }
  return value;
}

/** A number, or `undefined` if not given. */
export function realNumber(name: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number" || Number.isNaN(value)) throw invalid(name, value, "a number");
  return value;
}

/** A number from `low` to `high`, or `undefined` if not given. */
export function realBetween(name: string, value: number | undefined, low: number, high: number): number | undefined {
  const number = realNumber(name, value);
  if (number !== undefined && (number < low || number > high))
    throw invalid(name, value, `a number from ${low} to ${high}`);
  return number;
}

/** One of `allowed`, or `fallback` if not given. */
export function oneOf<T extends string, F extends T | undefined>(
  name: string,
  value: T | undefined,
  allowed: readonly T[],
  fallback: F,
): T | F {
  if (value === undefined) return fallback;
  if (!allowed.includes(value)) throw invalid(name, value, allowed.map((choice) => `"${choice}"`).join(", "));
  return value;
}

/** `true` or `false`, or `fallback` if not given. */
export function booleanOr(name: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== "boolean") throw invalid(name, value, "true, false");
  return value;
}

/** `signal` and `onProgress`, as every long call takes them. */
export function checkedCall<T extends { signal?: unknown; onProgress?: unknown }>(call: T): T {
  if (call.signal !== undefined && !(call.signal instanceof AbortSignal)) {
    throw invalid("signal", call.signal, "an AbortSignal");
  }
  if (call.onProgress !== undefined && typeof call.onProgress !== "function") {
    throw invalid("onProgress", call.onProgress, "a function");
  }
  return call;
}
