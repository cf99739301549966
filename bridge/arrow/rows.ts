/**
 * Row batches as clients send them: one column `rows`, FixedSizeList<float32>[dim].
 *
 * Compares every number of the two metadata messages with what the header promised, and gives back the
 * bytes of the values as views on the received frames. The body is not read and not copied here.
 */
import { Endianness } from "apache-arrow/fb/endianness";
import type { Field } from "apache-arrow/fb/field";
import { FixedSizeList } from "apache-arrow/fb/fixed-size-list";
import { FloatingPoint } from "apache-arrow/fb/floating-point";
import type { Message } from "apache-arrow/fb/message";
import { MessageHeader } from "apache-arrow/fb/message-header";
import { Precision } from "apache-arrow/fb/precision";
import { RecordBatch } from "apache-arrow/fb/record-batch";
import { Schema } from "apache-arrow/fb/schema";
import { Type } from "apache-arrow/fb/type";
import { protocolError } from "../errors.ts";
import { openMessage } from "./message.ts";

/** The largest alignment that Arrow recommends. */
const MAX_ALIGNMENT = 64;

/** What a batch must hold. */
export interface BatchShape {
  readonly count: number;
  readonly dim: number;
}

/**
 * The value bytes of a batch, `count * dim * 4` in all, as views in order (more than one when the
 * sender cut the body). Throws ERR_PROTOCOL for anything but the promised batch.
 */
export function rowValues(frames: readonly Uint8Array[], shape: BatchShape): Uint8Array[] {
  checkSchema(openMessage(frames[0], MessageHeader.Schema, "schema"), shape.dim);
  const message = openMessage(frames[1], MessageHeader.RecordBatch, "record batch");
  const body = frames.slice(2);
  const bodyLength = body.reduce((sum, part) => sum + part.length, 0);
  mustBe("bodyLength", message.bodyLength(), bodyLength);
  return cut(body, valuesBuffer(message, shape, bodyLength), shape.count * shape.dim * 4);
}

function checkSchema(message: Message, dim: number): void {
  const schema = message.header(new Schema()) as Schema | null;
  mustBe("schema body", message.bodyLength(), 0);
  if (schema === null || schema.fieldsLength() !== 1) throw protocolError("schema: allowed: one field, rows");
  if (schema.endianness() !== Endianness.Little) throw protocolError("schema: allowed: little-endian");
  const field = schema.fields(0);
  if (field?.name() !== "rows") throw protocolError("schema: allowed: one field, rows");
  if (field.typeType() !== Type.FixedSizeList || field.dictionary() !== null || field.childrenLength() !== 1) {
    throw protocolError("schema: rows must be FixedSizeList<float32>");
  }
  mustBe("list size", (field.type(new FixedSizeList()) as FixedSizeList).listSize(), dim);
  checkFloat32(field.children(0));
}

function checkFloat32(field: Field | null): void {
  const plain = field?.typeType() === Type.FloatingPoint && field.dictionary() === null && field.childrenLength() === 0;
  if (!plain || (field.type(new FloatingPoint()) as FloatingPoint).precision() !== Precision.SINGLE) {
    throw protocolError("schema: rows must be FixedSizeList<float32>");
  }
}

/** Checks the record batch; the offset of its values inside the body. */
function valuesBuffer(message: Message, shape: BatchShape, bodyLength: number): number {
  const batch = message.header(new RecordBatch()) as RecordBatch | null;
  if (batch === null) throw protocolError("record batch: no header");
  if (batch.compression() !== null) throw protocolError("record batch: compression is not allowed");
  if (batch.variadicBufferCountsLength() !== 0) throw protocolError("record batch: variadic buffers are not allowed");
  mustBe("batch length", batch.length(), shape.count);
  mustBe("field nodes", batch.nodesLength(), 2);
  mustBe("buffers", batch.buffersLength(), 3);
  checkNode(batch, 0, shape.count);
  checkNode(batch, 1, shape.count * shape.dim);
  checkBuffers(batch, bodyLength);
  return valuesOffset(batch, shape.count * shape.dim * 4);
}

/** Some writers count the padding behind a buffer as part of it, up to their alignment. */
function valuesOffset(batch: RecordBatch, bytes: number): number {
  const values = batch.buffers(2);
  const length = Number(values?.length());
  if (!(length >= bytes && length < bytes + MAX_ALIGNMENT)) {
    throw protocolError(`values length is ${length}, allowed: ${bytes}, and padding below ${MAX_ALIGNMENT}`);
  }
  return Number(values?.offset());
}

function checkNode(batch: RecordBatch, at: number, length: number): void {
  const node = batch.nodes(at);
  mustBe("node length", node?.length(), length);
  mustBe("null count", node?.nullCount(), 0);
}

/** Buffers lie in order inside the body, aligned: so no offset or length can point outside, or overlap. */
function checkBuffers(batch: RecordBatch, bodyLength: number): void {
  let end = 0n;
  for (let i = 0; i < 3; i++) {
    const buffer = batch.buffers(i);
    const offset = buffer?.offset() ?? -1n;
    const length = buffer?.length() ?? -1n;
    const inside = length >= 0n && offset >= end && offset + length <= BigInt(bodyLength);
    if (!inside || offset % 8n !== 0n) {
      throw protocolError(`buffer ${i} at ${offset}, ${length} bytes, in a body of ${bodyLength}`);
    }
    end = offset + length;
  }
}

function mustBe(what: string, seen: bigint | number | undefined, allowed: number): void {
  if (seen === undefined || BigInt(seen) !== BigInt(allowed)) {
    throw protocolError(`${what} is ${seen}, allowed: ${allowed}`);
  }
}

/** The part [offset, offset + length) of a body that is cut into parts. */
function cut(parts: readonly Uint8Array[], offset: number, length: number): Uint8Array[] {
  const views: Uint8Array[] = [];
  let partStart = 0;
  for (const part of parts) {
    const from = Math.max(offset - partStart, 0);
    const to = Math.min(offset + length - partStart, part.length);
    if (from < to) views.push(part.subarray(from, to));
    partStart += part.length;
  }
  return views;
}
