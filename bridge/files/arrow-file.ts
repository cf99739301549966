/**
 * An Arrow IPC file, or a stream in a file: one column, whatever its name, of FixedSizeList<float32>, or <uint8> for bits.
 * https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 *
 *     stream   schema | batch, body | batch, body | ... | end mark
 *     file     'ARROW1' 00 00 | stream | footer | its length i32 | 'ARROW1'      some writers leave the schema to the footer
 *
 * Read as the batches of a client are, every number compared before it is used: Arrow's own reader trusts files, and one
 * flipped byte can keep it busy for ever.
 */
import type { FileHandle } from "node:fs/promises";
import type { Field } from "apache-arrow/fb/field";
import { Footer } from "apache-arrow/fb/footer";
import { ByteBuffer } from "flatbuffers";
import { HnswError } from "../../src/index.ts";
import { BatchMetadata, columnOf, type Item, onlyField } from "../arrow/batch.ts";
import { fixedPlace } from "../arrow/fixed.ts";
import { MAX_METADATA_BYTES } from "../limits.ts";
import { batchesAt, corrupt, type RowsFile, readExactly } from "./rows-file.ts";

const MAGIC = "ARROW1";
/** Length and magic behind the footer. */
const TAIL = 4 + MAGIC.length;
/** A footer has 24 bytes for each batch: this is room for a million. */
const MAX_FOOTER = 32 << 20;
const CONTINUATION = 0xffffffff;
/** Mark and length in front of a metadata message. */
const PREFIX = 8;

/** Whether a file that begins so may be Arrow's: a file's magic, or a stream's first message. */
export function isArrow(beginning: Buffer): boolean {
  return isFile(beginning) || beginning.readUInt32LE(0) === CONTINUATION;
}

function isFile(beginning: Buffer): boolean {
  return beginning.subarray(0, MAGIC.length).toString("latin1") === MAGIC;
}

interface Shape {
  readonly rows: number;
  readonly dim: number;
  readonly item: Item;
}

/** A file of `rows` x `dim` numbers, which its batches are held to. */
export function openArrow(handle: FileHandle, beginning: Buffer, shape: Shape): RowsFile {
  const { rows, dim } = shape;
  return { rows, dim, batches: () => (isFile(beginning) ? fileBatches(handle, shape) : streamBatches(handle, shape)) };
}

async function* streamBatches(handle: FileHandle, shape: Shape) {
  const schema = await message(handle, 0);
  if (schema === undefined) return;
  const field = sound(() => columnOf(schema));
  let at = schema.length;
  for (let left = shape.rows; ; ) {
    const frame = await message(handle, at);
    if (frame === undefined) return;
    const batch = batchOf(field, frame, { ...shape, rows: left });
    yield* values(handle, at, batch, shape);
    left -= batch.count;
    at += frame.length + batch.bodyLength;
  }
}

async function* fileBatches(handle: FileHandle, shape: Shape) {
  const footer = await footerOf(handle);
  const field = sound(() => onlyField(footer.schema()));
  let left = shape.rows;
  for (let i = 0; i < footer.recordBatchesLength(); i++) {
    const at = Number(footer.recordBatches(i)?.offset() ?? -1);
    if (!(at >= 0 && Number.isSafeInteger(at))) throw corrupt(`batch ${i} at byte ${at}`);
    const frame = await message(handle, at);
    if (frame === undefined) throw corrupt(`batch ${i} is an end mark`);
    const batch = batchOf(field, frame, { ...shape, rows: left });
    yield* values(handle, at, batch, shape);
    left -= batch.count;
  }
}

async function footerOf(handle: FileHandle): Promise<Footer> {
  const { size } = await handle.stat();
  const tail = await readExactly(handle, Math.max(0, size - TAIL), TAIL);
  const length = tail.readInt32LE(0);
  if (tail.subarray(4).toString("latin1") !== MAGIC) throw corrupt("no ARROW1 at its end");
  if (length < 8 || length > Math.min(MAX_FOOTER, size - TAIL)) throw corrupt(`a footer of ${length} bytes`);
  const footer = Footer.getRootAsFooter(new ByteBuffer(await readExactly(handle, size - TAIL - length, length)));
  // A lying count is bounded by what the footer could hold: each batch has 24 bytes in it.
  if (footer.recordBatchesLength() > length / 24) throw corrupt(`${footer.recordBatchesLength()} batches`);
  return footer;
}

/** A metadata message with its prefix, or nothing at the end mark. */
async function message(handle: FileHandle, at: number): Promise<Buffer | undefined> {
  const prefix = await readExactly(handle, at, PREFIX);
  if (prefix.readUInt32LE(0) !== CONTINUATION) throw corrupt(`no Arrow message at byte ${at}`);
  const length = prefix.readUInt32LE(4);
  if (length === 0) return undefined;
  if (length > MAX_METADATA_BYTES) throw corrupt(`an Arrow message of ${length} bytes, allowed: ${MAX_METADATA_BYTES}`);
  return readExactly(handle, at, PREFIX + length);
}

/** A batch of at most `rows` rows: where its values lie behind its metadata. */
interface FileBatch {
  readonly count: number;
  readonly place: number;
  readonly bodyLength: number;
}

function batchOf(field: Field, frame: Buffer, { rows, dim, item }: Shape): FileBatch {
  return sound(() => {
    const batch = new BatchMetadata(field, frame);
    const { bodyLength } = batch;
    if (!(bodyLength >= 0 && Number.isSafeInteger(bodyLength))) throw corrupt(`a body of ${bodyLength} bytes`);
    const count = batch.length(rows);
    return { count, bodyLength, place: frame.length + fixedPlace(batch, { count, dim, item }) };
  });
}

function values(handle: FileHandle, at: number, { count, place }: FileBatch, { dim, item }: Shape) {
  return batchesAt(handle, at + place, { numbers: item === "uint8" ? Uint8Array : Float32Array, rows: count, dim });
}

/** What breaks the protocol in a message damages a file; so does what flatbuffers cannot read. */
function sound<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof HnswError && error.code !== "ERR_PROTOCOL") throw error;
    throw corrupt((error as Error).message);
  }
}
