/**
 * Bytes of a dump on their way into the core: copied, because the core reads them on other threads, while the
 * caller's array may change.
 */
import { wrapped } from "./errors.ts";
import { type NativeBytes, native } from "./native.ts";
import { invalid } from "./validate.ts";

/** Bytes copied at a time: less than a millisecond. */
const CHUNK_BYTES = 1 << 22;

/** Copies `bytes` step by step. Throws `ERR_INVALID_ARGUMENT`, `ERR_OUT_OF_MEMORY`. */
export function bytesIn(bytes: Uint8Array): Generator<void, NativeBytes, void> {
  if (!(bytes instanceof Uint8Array)) throw invalid("bytes", bytes, "a Uint8Array");
  return copying(bytes);
}

function* copying(bytes: Uint8Array): Generator<void, NativeBytes, void> {
  const target = wrapped(() => native().NativeBytes.allocate(bytes.length));
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    const chunk = bytes.subarray(start, start + CHUNK_BYTES);
    wrapped(() => target.push(chunk));
    yield;
  }
  return target;
}
