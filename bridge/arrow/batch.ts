/**
 * A received batch of one column `rows`, before anybody has looked at its content.
 *
 *     schema | record batch | body, cut anywhere
 *
 * Opens the two metadata messages and compares every number in them with what was promised: nodes, nulls,
 * and where buffers lie. So no offset or length can point outside the body, or overlap. Which nodes and
 * buffers there must be is known by the readers of the forms (fixed.ts, sparse.ts). Bodies are not read here.
 */
import { Endianness } from "apache-arrow/fb/endianness";
import type { Field } from "apache-arrow/fb/field";
import { FloatingPoint } from "apache-arrow/fb/floating-point";
import { Int } from "apache-arrow/fb/int";
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

/** Numbers that rows are made of. */
export type Item = "float32" | "int32" | "uint8" | "uint32";

/** Bytes of one number. */
export const ITEM_BYTES: Readonly<Record<Item, number>> = { float32: 4, int32: 4, uint8: 1, uint32: 4 };

/** The part of a body where a buffer lies. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** What the metadata says of a batch. All methods throw ERR_PROTOCOL for what is not as it must be. */
export class BatchMetadata {
  /** The only column. */
  readonly field: Field;
  /** Bytes of the body, as the batch says. */
  readonly bodyLength: number;
  readonly #batch: RecordBatch;

  constructor(field: Field, batch: Uint8Array | undefined) {
    this.field = field;
    const message = openMessage(batch, MessageHeader.RecordBatch, "record batch");
    this.bodyLength = Number(message.bodyLength());
    this.#batch = plainBatch(message);
  }

  /** Rows of the batch: 0 to `most`. */
  length(most: number): number {
    const length = this.#batch.length();
    if (length < 0n || length > BigInt(most)) throw protocolError(`batch length is ${length}, allowed: 0 to ${most}`);
    return Number(length);
  }

  /** The length of a node that the header does not tell: 0 to `most`. */
  nodeLength(at: number, most: number): number {
    const length = this.#batch.nodes(at)?.length() ?? -1n;
    if (length < 0n || length > BigInt(most)) throw protocolError(`node length is ${length}, allowed: 0 to ${most}`);
    return Number(length);
  }

  /** Checks the nodes, the first of which is the batch itself, and gives the places of the `buffers` buffers. */
  spans(nodes: readonly number[], buffers: number): Span[] {
    mustBe("batch length", this.#batch.length(), nodes[0]);
    mustBe("field nodes", this.#batch.nodesLength(), nodes.length);
    mustBe("buffers", this.#batch.buffersLength(), buffers);
    for (const [at, length] of nodes.entries()) this.#checkNode(at, length);
    return this.#spans(buffers);
  }

  #checkNode(at: number, length: number): void {
    const node = this.#batch.nodes(at);
    mustBe("node length", node?.length(), length);
    mustBe("null count", node?.nullCount(), 0);
  }

  #spans(buffers: number): Span[] {
    const spans: Span[] = [];
    let end = 0n;
    for (let i = 0; i < buffers; i++) {
      const buffer = this.#batch.buffers(i);
      const offset = buffer?.offset() ?? -1n;
      const length = buffer?.length() ?? -1n;
      const inside = length >= 0n && offset >= end && offset + length <= BigInt(this.bodyLength);
      if (!inside || offset % 8n !== 0n) {
        throw protocolError(`buffer ${i} at ${offset}, ${length} bytes, in a body of ${this.bodyLength}`);
      }
      end = offset + length;
      spans.push({ offset: Number(offset), length: Number(length) });
    }
    return spans;
  }
}

/** A batch whose envelope is sound: the metadata, and all of the body. */
export class ReceivedBatch extends BatchMetadata {
  readonly #body: readonly Uint8Array[];

  constructor(frames: readonly Uint8Array[]) {
    super(columnOf(frames[0]), frames[1]);
    if (this.field.name() !== "rows") throw protocolError("schema: allowed: one field, rows");
    this.#body = frames.slice(2);
    const bytes = this.#body.reduce((sum, part) => sum + part.length, 0);
    mustBe("bodyLength", this.bodyLength, bytes);
  }

  /** Checks the nodes, the first of which is the batch itself, and gives the `buffers` buffers. */
  buffers(nodes: readonly number[], buffers: number): Buffers {
    return new Buffers(this.spans(nodes, buffers), this.#body);
  }
}

/** The buffers of a batch, whose places have been checked. */
export class Buffers {
  readonly #spans: readonly Span[];
  readonly #body: readonly Uint8Array[];

  constructor(spans: readonly Span[], body: readonly Uint8Array[]) {
    this.#spans = spans;
    this.#body = body;
  }

  /**
   * The `bytes` bytes of a buffer, as views on the received frames in order: more than one where the sender
   * cut the body. Some writers count the padding behind a buffer as part of it, up to their alignment.
   */
  views(at: number, bytes: number): Uint8Array[] {
    return cut(this.#body, placeOf(this.#spans, at, bytes), bytes);
  }
}

/** Where the `bytes` bytes of a buffer begin in the body. */
export function placeOf(spans: readonly Span[], at: number, bytes: number): number {
  const { offset, length } = spans[at] ?? { offset: 0, length: -1 };
  if (length >= bytes && length < bytes + MAX_ALIGNMENT) return offset;
  throw protocolError(`buffer ${at} has ${length} bytes, allowed: ${bytes}, and padding below ${MAX_ALIGNMENT}`);
}

/** The only column of a schema message. */
export function columnOf(frame: Uint8Array | undefined): Field {
  const message = openMessage(frame, MessageHeader.Schema, "schema");
  mustBe("schema body", message.bodyLength(), 0);
  return onlyField(message.header(new Schema()) as Schema | null);
}

/** The only column of a schema. */
export function onlyField(schema: Schema | null): Field {
  if (schema === null || schema.fieldsLength() !== 1) throw protocolError("schema: allowed: one field, rows");
  if (schema.endianness() !== Endianness.Little) throw protocolError("schema: allowed: little-endian");
  const field = schema.fields(0);
  if (field === null) throw protocolError("schema: allowed: one field, rows");
  return field;
}

function plainBatch(message: Message): RecordBatch {
  const batch = message.header(new RecordBatch()) as RecordBatch | null;
  if (batch === null) throw protocolError("record batch: no header");
  if (batch.compression() !== null) throw protocolError("record batch: compression is not allowed");
  if (batch.variadicBufferCountsLength() !== 0) throw protocolError("record batch: variadic buffers are not allowed");
  return batch;
}

/** Whether `field` is of `type`, without dictionary, with that many children. */
export function isPlain(field: Field | null, type: Type, children: number): field is Field {
  return field?.typeType() === type && field.dictionary() === null && field.childrenLength() === children;
}

/** Whether `field` holds plain numbers of `item`. */
export function holds(field: Field | null, item: Item): boolean {
  if (item === "float32") {
    if (!isPlain(field, Type.FloatingPoint, 0)) return false;
    return (field.type(new FloatingPoint()) as FloatingPoint).precision() === Precision.SINGLE;
  }
  if (!isPlain(field, Type.Int, 0)) return false;
  const type = field.type(new Int()) as Int;
  return type.bitWidth() === 8 * ITEM_BYTES[item] && type.isSigned() === (item === "int32");
}

export function mustBe(what: string, seen: bigint | number | undefined, allowed: number | undefined): void {
  if (seen === undefined || allowed === undefined || BigInt(seen) !== BigInt(allowed)) {
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
