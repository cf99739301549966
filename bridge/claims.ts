/**
 * Fields that are too large for a header: a JSON array where they are small, else the name of a value that
 * was put before. A value that is named is claimed by the call, whatever becomes of the call then.
 */
import type { Call } from "./call.ts";
import { invalidArgument, protocolError, show } from "./errors.ts";
import { type Header, isObject, text } from "./header.ts";
import type { Value, ValueItem } from "./values.ts";

/** Who may claim values. */
export type Claiming = Pick<Call, "claim">;

/** A list of numbers. Throws ERR_PROTOCOL for anything else, ERR_UNKNOWN_ID, ERR_INVALID_ARGUMENT for another dtype. */
export function numbersOf(call: Claiming, header: Header, name: string): number[] | Float32Array {
  return arrayOf(header, name) ?? claimed(call, header, name, "float32").floats;
}

/** A list of integers; whether they are any is for the API to check. Throws as {@link numbersOf}. */
export function integersOf(call: Claiming, header: Header, name: string): number[] | Int32Array {
  return arrayOf(header, name) ?? claimed(call, header, name, "int32").integers;
}

/** Bytes, which have no small form. Throws as {@link numbersOf}. */
export function bytesOf(call: Claiming, header: Header, name: string): Uint8Array {
  return claimed(call, header, name, "uint8").bytes;
}

function arrayOf(header: Header, name: string): number[] | undefined {
  const list: unknown = header[name];
  if (!Array.isArray(list)) return undefined;
  const at = list.findIndex((item) => typeof item !== "number" || !Number.isFinite(item));
  if (at >= 0) throw protocolError(`${name}[${at}] is ${show(list[at])}, allowed: a finite number`);
  return list;
}

function claimed(call: Claiming, header: Header, name: string, item: ValueItem): Value {
  const reference = header[name];
  if (!isObject(reference)) throw protocolError(`${name} is ${show(reference)}, allowed: {"value": id} of ${item}`);
  const value = call.claim(text(reference, "value"));
  if (value.item !== item) throw invalidArgument(`dtype of the value for ${name}`, value.item, item);
  return value;
}
