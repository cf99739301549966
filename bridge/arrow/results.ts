/**
 * Results as the server sends them: columns `indices` FixedSizeList<int32>[k] and `distances`
 * FixedSizeList<float32>[k].
 *
 *     schema | record batch | indices | padding | distances | padding
 *     schema | record batch | all four in one frame                         small batches
 *     indices distances                                                     small results, if the client takes them so
 *
 * The value frames are views on the result arrays: nothing is copied, so the arrays must not change
 * until ZeroMQ has sent them. A result array is made for one call and dropped after it. Where a frame
 * costs more than its bytes, they are copied into one.
 */
import { FixedSizeList } from "apache-arrow/fb/fixed-size-list";
import { FloatingPoint } from "apache-arrow/fb/floating-point";
import { Int } from "apache-arrow/fb/int";
import { Precision } from "apache-arrow/fb/precision";
import { Type } from "apache-arrow/fb/type";
import type { Builder } from "flatbuffers";
import { pad8 } from "./message.ts";
import { batchFrame, field, schemaFrame } from "./write.ts";

/** Guessed: ZeroMQ's bookkeeping for a frame that it does not copy costs more than copying this little. */
const JOIN_BELOW = 8192;

/** A result of `rows x k`, contiguous, row after row. */
export interface ResultArrays {
  readonly indices: Int32Array;
  readonly distances: Float32Array;
}

/** Bytes of the largest result that may go bare. Arrow's metadata has 550 bytes in frames of their own. */
const MOST_BARE = 8192;

/** A whole result as one frame, indices before distances, without Arrow; undefined when it is too large for that. */
export function bareFrame({ indices, distances }: ResultArrays): Uint8Array | undefined {
  const bytes = indices.byteLength + distances.byteLength;
  return bytes > MOST_BARE ? undefined : Buffer.concat([bytesOf(indices), bytesOf(distances)], bytes);
}

/** Makes the Arrow frames of any batch of one result. */
export class ResultFrames {
  readonly #arrays: ResultArrays;
  readonly #k: number;
  readonly #schema: Uint8Array;
  #batch: { count: number; frame: Uint8Array } | undefined;

  constructor(arrays: ResultArrays, k: number) {
    this.#arrays = arrays;
    this.#k = k;
    this.#schema = resultSchema(k);
  }

  /** The frames of rows [start, start + count). */
  batch(start: number, count: number): Uint8Array[] {
    const from = start * this.#k;
    const to = from + count * this.#k;
    const padding = new Uint8Array(pad8(4 * (to - from)) - 4 * (to - from));
    const indices = bytesOf(this.#arrays.indices.subarray(from, to));
    const distances = bytesOf(this.#arrays.distances.subarray(from, to));
    const body = [indices, padding, distances, padding];
    const joined = indices.length < JOIN_BELOW / 2 ? [Buffer.concat(body)] : body;
    return [this.#schema, this.#batchFrame(count), ...joined];
  }

  /** All batches but the last have the same count, hence the same metadata. */
  #batchFrame(count: number): Uint8Array {
    if (this.#batch?.count === count) return this.#batch.frame;
    const values = count * this.#k;
    const frame = batchFrame(count, [count, values, count, values], [0, 0, 4 * values, 0, 0, 4 * values]);
    this.#batch = { count, frame };
    return frame;
  }
}

function bytesOf(array: Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function resultSchema(k: number): Uint8Array {
  return schemaFrame((builder) => {
    const indices = listField(builder, "indices", k, Type.Int, Int.createInt(builder, 32, true));
    const float32 = FloatingPoint.createFloatingPoint(builder, Precision.SINGLE);
    return [indices, listField(builder, "distances", k, Type.FloatingPoint, float32)];
  });
}

function listField(builder: Builder, name: string, k: number, itemType: Type, item: number): number {
  const child = field(builder, "item", itemType, item, []);
  return field(builder, name, Type.FixedSizeList, FixedSizeList.createFixedSizeList(builder, k), [child]);
}
