/** The metadata messages of batches that the server sends: fields, schemas, record batches. */
import { Buffer as ArrowBuffer } from "apache-arrow/fb/buffer";
import { Endianness } from "apache-arrow/fb/endianness";
import { Field } from "apache-arrow/fb/field";
import { FieldNode } from "apache-arrow/fb/field-node";
import { MessageHeader } from "apache-arrow/fb/message-header";
import { RecordBatch } from "apache-arrow/fb/record-batch";
import { Schema } from "apache-arrow/fb/schema";
import type { Type } from "apache-arrow/fb/type";
import { Builder } from "flatbuffers";
import { pad8, sealMessage } from "./message.ts";

/** A field that is never null. `typeOffset` is where its type was written. */
export function field(builder: Builder, name: string, type: Type, typeOffset: number, children: number[]): number {
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

/** The schema frame of the fields that `write` makes. */
export function schemaFrame(write: (builder: Builder) => number[]): Uint8Array {
  const builder = new Builder(512);
  const fields = Schema.createFieldsVector(builder, write(builder));
  Schema.startSchema(builder);
  Schema.addEndianness(builder, Endianness.Little);
  Schema.addFields(builder, fields);
  return sealMessage(builder, MessageHeader.Schema, Schema.endSchema(builder), 0);
}

/** The record batch frame of `count` rows: lengths of the nodes, bytes of the buffers, which lie padded one after the other. */
export function batchFrame(count: number, nodes: readonly number[], buffers: readonly number[]): Uint8Array {
  const builder = new Builder(512);
  const buffersAt = buffersVector(builder, buffers);
  RecordBatch.startNodesVector(builder, nodes.length);
  for (const length of nodes.toReversed()) FieldNode.createFieldNode(builder, BigInt(length), 0n);
  const nodesAt = builder.endVector();
  RecordBatch.startRecordBatch(builder);
  RecordBatch.addLength(builder, BigInt(count));
  RecordBatch.addNodes(builder, nodesAt);
  RecordBatch.addBuffers(builder, buffersAt);
  const batch = RecordBatch.endRecordBatch(builder);
  return sealMessage(builder, MessageHeader.RecordBatch, batch, bodyBytes(buffers));
}

/** Flatbuffers are built from the end, so vectors of structs are written last to first. */
function buffersVector(builder: Builder, buffers: readonly number[]): number {
  RecordBatch.startBuffersVector(builder, buffers.length);
  let offset = bodyBytes(buffers);
  for (const bytes of buffers.toReversed()) {
    offset -= pad8(bytes);
    ArrowBuffer.createBuffer(builder, BigInt(offset), BigInt(bytes));
  }
  return builder.endVector();
}

function bodyBytes(buffers: readonly number[]): number {
  return buffers.reduce((sum, bytes) => sum + pad8(bytes), 0);
}
