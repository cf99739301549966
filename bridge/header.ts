/**
 * Frame 0 of a client's message: a small JSON object, read with suspicion.
 *
 * Size and depth are bounded before parsing. The readers below are the only way by which an operation
 * takes a value out of a header. What has the wrong type breaks the protocol; what has the right type
 * and an impossible value is an invalid argument.
 */
import { invalidArgument, protocolError, show } from "./errors.ts";
import { MAX_DEPTH } from "./limits.ts";

export type Header = Readonly<Record<string, unknown>>;

const MAX_U32 = 2 ** 32 - 1;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Parses frame 0. Throws ERR_PROTOCOL for anything but a JSON object within the bounds. */
export function parseHeader(frame: Uint8Array, maxBytes: number): Header {
  if (frame.length > maxBytes) throw protocolError(`header of ${frame.length} bytes, allowed: ${maxBytes}`);
  if (depthOf(frame) > MAX_DEPTH) throw protocolError(`header nested deeper than ${MAX_DEPTH} levels`);
  const value = parseJson(frame);
  if (!isObject(value)) throw protocolError(`header is ${show(value)}, allowed: a JSON object`);
  return value;
}

function parseJson(frame: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(frame));
  } catch {
    throw protocolError("header is not JSON in UTF-8");
  }
}

/** Deepest nesting of brackets outside strings; works on bytes because UTF-8 keeps ASCII apart. */
function depthOf(json: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return deepest;
}

export function isObject(value: unknown): value is Header {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The call's id, or null where the header has none that can be answered to. */
export function readId(header: Header): number | null {
  return isUint32(header.id) ? header.id : null;
}

function isUint32(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_U32;
}

/** A number that belongs to the protocol itself (id, start, count, credits): anything odd breaks the protocol. */
export function protocolUint(header: Header, name: string, min = 0, max = MAX_U32): number {
  const value = header[name];
  if (isUint32(value) && value >= min && value <= max) return value;
  throw protocolError(`${name} is ${show(value)}, allowed: integer ${min} to ${max}`);
}

/** A number that the caller's user chose: out of range is an invalid argument. */
export function uint(header: Header, name: string, min: number, max: number): number {
  const value = number(header, name);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalidArgument(name, value, `integer ${min} to ${max}`);
}

export function number(header: Header, name: string): number {
  const value = header[name];
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw protocolError(`${name} is ${show(value)}, allowed: a finite number`);
}

export function text(header: Header, name: string, maxLength = 200): string {
  const value = header[name];
  if (typeof value === "string" && value.length <= maxLength) return value;
  throw protocolError(`${name} is ${show(value)}, allowed: a string of at most ${maxLength} characters`);
}

export function flag(header: Header, name: string): boolean {
  const value = header[name] ?? false;
  if (typeof value === "boolean") return value;
  throw protocolError(`${name} is ${show(value)}, allowed: true or false`);
}

export function object(header: Header, name: string): Header {
  const value = header[name];
  if (isObject(value)) return value;
  throw protocolError(`${name} is ${show(value)}, allowed: an object`);
}

/** Reads an optional field: missing and null are the same. */
export function optional<T>(header: Header, name: string, read: (header: Header, name: string) => T): T | undefined {
  return header[name] == null ? undefined : read(header, name);
}

const MAX_PATH = 4096;

/** A path; whether it may be read is for others to say. Throws ERR_PROTOCOL. */
export function pathText(header: Header, name: string): string {
  return text(header, name, MAX_PATH);
}
