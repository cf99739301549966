/**
 * Results as the server sends them: columns `indices` FixedSizeList<int32>[k] and `distances`
 * FixedSizeList<float32>[k].
 *
 *     schema | record batch | indices | padding | distances | padding
 *     schema | record batch | all four in one frame                         small batches
 *
 * The value frames are views on the result arrays: nothing is copied, so the arrays must not change
 * until ZeroMQ has sent them. A result array is made for one call and dropped after it. Where a frame
 * costs more than its bytes, they are copied into one.
 */
import { Buffer as ArrowBuffer } from "apache-arrow/fb/buffer";
import { Endianness } from "apache-arrow/fb/endianness";
import { Field } from "apache-arrow/fb/field";
import { FieldNode } from "apache-arrow/fb/field-node";
import { FixedSizeList } from "apache-arrow/fb/fixed-size-list";
import { FloatingPoint } from "apache-arrow/fb/floating-point";
import { Int } from "apache-arrow/fb/int";
import { MessageHeader } from "apache-arrow/fb/message-header";
import { Precision } from "apache-arrow/fb/precision";
import { RecordBatch } from "apache-arrow/fb/record-batch";
import { Schema } from "apache-arrow/fb/schema";
import { Type } from "apache-arrow/fb/type";
import { Builder } from "flatbuffers";
import { pad8, sealMessage } from "./message.ts";

/** Guessed: ZeroMQ's bookkeeping for a frame that it does not copy costs more than copying this little. */
const JOIN_BELOW = 8192;

/** A result of `rows x k`, contiguous, row after row. */
export interface ResultArrays {
  readonly indices: Int32Array;
  readonly distances: Float32Array;
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
    this.#schema = schemaFrame(k);
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
    if (this.#batch?.count !== count) this.#batch = { count, frame: batchFrame(count, this.#k) };
    return this.#batch.frame;
  }
}

function bytesOf(array: Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function schemaFrame(k: number): Uint8Array {
  const builder = new Builder(512);
  const indices = listField(builder, "indices", k, Type.Int, Int.createInt(builder, 32, true));
  const float32 = FloatingPoint.createFloatingPoint(builder, Precision.SINGLE);
  const distances = listField(builder, "distances", k, Type.FloatingPoint, float32);
  const fields = Schema.createFieldsVector(builder, [indices, distances]);
  Schema.startSchema(builder);
  Schema.addEndianness(builder, Endianness.Little);
  Schema.addFields(builder, fields);
  return sealMessage(builder, MessageHeader.Schema, Schema.endSchema(builder), 0);
}

function listField(builder: Builder, name: string, k: number, itemType: Type, item: number): number {
  const child = field(builder, "item", itemType, item, []);
  return field(builder, name, Type.FixedSizeList, FixedSizeList.createFixedSizeList(builder, k), [child]);
}

function field(builder: Builder, name: string, type: Type, typeOffset: number, children: number[]): number {
  const nameOffset = builder.createString(name);
  const childrenOffset = Field.createChildrenVector(builder, children);
  Field.startField(builder);
  Field.addName(builder, nameOffset);
  Field.addNullable(builder, false);
  Field.addTypeType(builder, type);
  Field.addType(builder, typeOffset);
  Field.addChildren(builder, childrenOffset);
  return Field.endField(builder);
}

function batchFrame(count: number, k: number): Uint8Array {
  const builder = new Builder(512);
  const bytes = count * k * 4;
  const buffers = [0, 0, bytes, 0, 0, bytes];
  const offsets = [0, 0, 0, pad8(bytes), pad8(bytes), pad8(bytes)];
  // Flatbuffers are built from the end, so vectors of structs are written last to first.
  RecordBatch.startBuffersVector(builder, buffers.length);
  for (let i = buffers.length - 1; i >= 0; i--) {
    ArrowBuffer.createBuffer(builder, BigInt(offsets[i] ?? 0), BigInt(buffers[i] ?? 0));
  }
  const bufferVector = builder.endVector();
  RecordBatch.startNodesVector(builder, 4);
  for (const length of [count * k, count, count * k, count]) {
    FieldNode.createFieldNode(builder, BigInt(length), 0n);
  }
  const nodeVector = builder.endVector();
  RecordBatch.startRecordBatch(builder);
  RecordBatch.addLength(builder, BigInt(count));
  RecordBatch.addNodes(builder, nodeVector);
  RecordBatch.addBuffers(builder, bufferVector);
  const batch = RecordBatch.endRecordBatch(builder);
  return sealMessage(builder, MessageHeader.RecordBatch, batch, 2 * pad8(bytes));
}
