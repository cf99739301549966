/**
 * Arrow frames by the public API of apache-arrow, independent of the server's own reader and writer.
 */
import {
  Field,
  FixedSizeList,
  Float32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
} from "apache-arrow";

export interface Matrix {
  readonly data: Float32Array;
  readonly rows: number;
  readonly dim: number;
}

/** Uniform rows in [0, 1) from a 32-bit seed (mulberry32). */
export function randomMatrix(rows: number, dim: number, seed: number): Matrix {
  const next = random(seed);
  return { data: Float32Array.from({ length: rows * dim }, next), rows, dim };
}

export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function slice(matrix: Matrix, start: number, count: number): Matrix {
  const { dim } = matrix;
  return { data: matrix.data.subarray(start * dim, (start + count) * dim), rows: count, dim };
}

/** Schema, record batch and body frames of a row batch. */
export function rowFrames(matrix: Matrix): [Buffer, Buffer, Buffer] {
  return splitStream(Buffer.from(tableToIPC(rowTable(matrix), "stream")));
}

export function rowTable({ data, rows, dim }: Matrix, name = "rows"): Table {
  const item = new Field("item", new Float32(), false);
  const type = new FixedSizeList(dim, item);
  const child = makeData({ type: new Float32(), length: rows * dim, nullCount: 0, data: data.slice() });
  const column = makeData({ type, length: rows, nullCount: 0, child });
  const schema = new Schema([new Field(name, type, false)]);
  const struct = makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children: [column] });
  return new Table([new RecordBatch(schema, struct)]);
}

/** Cuts an IPC stream of one batch into schema, record batch and body. */
export function splitStream(stream: Buffer): [Buffer, Buffer, Buffer] {
  const schemaEnd = 8 + stream.readInt32LE(4);
  const batchEnd = schemaEnd + 8 + stream.readInt32LE(schemaEnd + 4);
  const endOfStream = stream.length >= 8 && stream.readInt32LE(stream.length - 4) === 0 ? 8 : 0;
  return [
    Buffer.from(stream.subarray(0, schemaEnd)),
    Buffer.from(stream.subarray(schemaEnd, batchEnd)),
    Buffer.from(stream.subarray(batchEnd, stream.length - endOfStream)),
  ];
}

export interface ResultBatch {
  readonly indices: Int32Array;
  readonly distances: Float32Array;
}

/** Reads a result batch the way any Arrow reader would: the frames end to end are a stream. */
export function readResult(frames: readonly Uint8Array[]): ResultBatch & { rows: number; k: number } {
  const table = tableFromIPC(Buffer.concat(frames));
  const batch = table.batches[0];
  const indices = batch?.getChild("indices")?.data[0];
  const distances = batch?.getChild("distances")?.data[0];
  if (batch === undefined || indices === undefined || distances === undefined) throw new Error("not a result batch");
  const k = (indices.type as FixedSizeList).listSize;
  return {
    rows: batch.numRows,
    k,
    indices: Int32Array.from(indices.children[0]?.values as Int32Array),
    distances: Float32Array.from(distances.children[0]?.values as Float32Array),
  };
}
