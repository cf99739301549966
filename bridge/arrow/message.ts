/**
 * Encapsulated Arrow IPC messages, metadata only.
 *
 *     FF FF FF FF | length i32 | flatbuffer Message | padding     8 + length is a multiple of 8
 *
 * Reads and writes that envelope over the flatbuffer classes that Apache Arrow generates from its own
 * schema. Bodies never pass through here. Reading an accessor with a lying offset gives a wrong number
 * and touches nothing outside the frame; whoever reads must compare every number with what was promised,
 * and must not loop over a length it has not compared.
 */
import { Message } from "apache-arrow/fb/message";
import type { MessageHeader } from "apache-arrow/fb/message-header";
import { MetadataVersion } from "apache-arrow/fb/metadata-version";
import { type Builder, ByteBuffer } from "flatbuffers";
import { protocolError } from "../errors.ts";
import { MAX_METADATA_BYTES } from "../limits.ts";

const CONTINUATION = 0xffffffff;
const PREFIX = 8;

/** Rounds up to a multiple of 8, the alignment of everything in Arrow IPC. */
export function pad8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** Opens a frame that must hold exactly one metadata message of the given kind. */
export function openMessage(frame: Uint8Array | undefined, kind: MessageHeader, what: string): Message {
  if (frame === undefined) throw protocolError(`the ${what} frame is missing`);
  const message = Message.getRootAsMessage(new ByteBuffer(envelope(frame, what)));
  const version = message.version();
  if (version !== MetadataVersion.V5 && version !== MetadataVersion.V4) {
    throw protocolError(`${what}: Arrow metadata version ${version}, allowed: V4, V5`);
  }
  if (message.headerType() !== kind) throw protocolError(`${what}: message type ${message.headerType()}`);
  return message;
}

function envelope(frame: Uint8Array, what: string): Uint8Array {
  if (frame.length < PREFIX + 8 || frame.length > MAX_METADATA_BYTES) {
    throw protocolError(`${what}: ${frame.length} bytes, allowed: 16 to ${MAX_METADATA_BYTES}`);
  }
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const length = view.getUint32(4, true);
  if (view.getUint32(0, true) !== CONTINUATION || length !== frame.length - PREFIX) {
    throw protocolError(`${what}: not one encapsulated Arrow message`);
  }
  return frame.subarray(PREFIX);
}

/** Finishes a message around `header` and gives the frame, padded. */
export function sealMessage(builder: Builder, kind: MessageHeader, header: number, bodyLength: number): Uint8Array {
  Message.startMessage(builder);
  Message.addVersion(builder, MetadataVersion.V5);
  Message.addHeaderType(builder, kind);
  Message.addHeader(builder, header);
  Message.addBodyLength(builder, BigInt(bodyLength));
  Message.finishMessageBuffer(builder, Message.endMessage(builder));
  const flatbuffer = builder.asUint8Array();
  const frame = new Uint8Array(PREFIX + pad8(flatbuffer.length));
  const view = new DataView(frame.buffer);
  view.setUint32(0, CONTINUATION, true);
  view.setUint32(4, frame.length - PREFIX, true);
  frame.set(flatbuffer, PREFIX);
  return frame;
}
