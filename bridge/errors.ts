/**
 * How the service answers for what goes wrong: makes the protocol's own errors, and turns anything
 * thrown into a code and a message. Codes are those of the TypeScript API; none are invented here.
 */
import { type ErrorCode, HnswError } from "../src/index.ts";

/** Long enough for any list of allowed values, short enough that an echo of hostile input costs nothing. */
const MAX_MESSAGE = 2000;

/** The protocol was not followed. */
export function protocolError(message: string): HnswError {
  return new HnswError("ERR_PROTOCOL", message);
}

/** A value outside its range: what it is, what was seen, what is allowed. */
export function invalidArgument(name: string, seen: unknown, allowed: string): HnswError {
  return new HnswError("ERR_INVALID_ARGUMENT", `${name} is ${show(seen)}, allowed: ${allowed}`);
}

/** A short picture of a client's value for a message. */
export function show(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  /** True when the cause is a defect of the server and belongs into its log. */
  readonly unexpected: boolean;
}

/** Anything thrown, as the client may see it: details of unexpected errors stay in the log. */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof HnswError) {
    return {
      code: thrown.code,
      message: thrown.message.slice(0, MAX_MESSAGE),
      unexpected: thrown.code === "ERR_INTERNAL",
    };
  }
  if (thrown instanceof RangeError && /alloc|array (buffer )?length/i.test(thrown.message)) {
    return { code: "ERR_OUT_OF_MEMORY", message: "the result does not fit in memory", unexpected: false };
  }
  return { code: "ERR_INTERNAL", message: "internal error; the server's log has the details", unexpected: true };
}
