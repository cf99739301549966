/**
 * Bytes as the server sends them: one column `bytes: uint8`.
 *
 *     schema | record batch | bytes | padding
 *
 * The byte frames are views: nothing is copied, so the bytes must not change until ZeroMQ has sent them.
 */
import { Int } from "apache-arrow/fb/int";
import { Type } from "apache-arrow/fb/type";
import { pad8 } from "./message.ts";
import { batchFrame, field, schemaFrame } from "./write.ts";

/** Makes the Arrow frames of any batch of some bytes. */
export class ByteFrames {
  readonly #bytes: Uint8Array;
  readonly #schema: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#schema = schemaFrame((builder) => [field(builder, "bytes", Type.Int, Int.createInt(builder, 8, false), [])]);
  }

  /** The frames of bytes [start, start + count). */
  batch(start: number, count: number): Uint8Array[] {
    const padding = new Uint8Array(pad8(count) - count);
    return [this.#schema, batchFrame(count, [count], [0, count]), this.#bytes.subarray(start, start + count), padding];
  }
}
