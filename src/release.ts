/**
 * Memory that came from outside and is used up.
 */
import { native } from "./native.ts";
import { invalid } from "./validate.ts";

/** Less than this a collection finds soon enough, and to give it back would cost more. */
const WORTH_RELEASING = 64 << 10;

/**
 * Frees at once the memory behind `bytes`, if they are all of their buffer: a stream of large messages is faster over
 * memory that is still warm, and garbage of hundreds of megabytes may lie around otherwise. The array has length 0
 * afterwards, as have other views of the buffer. Small arrays, and parts of larger buffers, stay as they are.
 *
 * @example
 * ```ts
 * for await (const batch of batches) {
 *   rows.write(rows.rowsWritten, batch);
 *   release(batch);
 * }
 * ```
 */
export function release(bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array)) throw invalid("bytes", bytes, "a Uint8Array");
  const { buffer, byteLength } = bytes;
  if (byteLength < WORTH_RELEASING || byteLength < buffer.byteLength || !(buffer instanceof ArrayBuffer)) return;
  native().release(buffer);
}
