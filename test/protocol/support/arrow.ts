/**
 * Arrow frames by the public API of apache-arrow, independent of the server's own reader and writer.
 */
import {
  type Data,
  Field,
  FixedSizeList,
  Float32,
  Int32,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Uint8,
  Uint32,
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

/** Sparse rows in memory; `data` of row i lies in `indptr[i]` to `indptr[i + 1]`. */
export interface Csr {
  readonly indptr: Int32Array;
  readonly indices: Uint32Array;
  readonly data: Float32Array;
  readonly rows: number;
  readonly dim: number;
}

/** Sparse rows of `least` to `most` entries in (0, 1], columns ascending, from a 32-bit seed. */
export function randomCsr(rows: number, dim: number, most: number, seed: number, least = 0): Csr {
  const next = random(seed);
  const columns = Array.from({ length: rows }, () => {
    const length = least + Math.floor(next() * (most + 1 - least));
    const chosen = Array.from({ length }, () => Math.floor(next() * dim));
    return [...new Set(chosen)].sort((a, b) => a - b);
  });
  const indices = Uint32Array.from(columns.flat());
  const indptr = new Int32Array(rows + 1);
  for (const [row, { length }] of columns.entries()) indptr[row + 1] = (indptr[row] ?? 0) + length;
  return { indptr, indices, data: Float32Array.from(indices, () => 1 - next()), rows, dim };
}

export function csrSlice(csr: Csr, start: number, count: number): Csr {
  const [from = 0, to = 0] = [csr.indptr[start], csr.indptr[start + count]];
  const indptr = csr.indptr.slice(start, start + count + 1).map((offset) => offset - from);
  const [indices, data] = [csr.indices.slice(from, to), csr.data.slice(from, to)];
  return { ...csr, indptr, indices, data, rows: count };
}

/** The fields by which a header promises sparse rows. */
export function csrShape({ rows, dim, data }: Csr) {
  return { rows, dim, dtype: "float32", layout: "csr", nnz: data.length };
}

/** Schema, record batch and body frames of a row batch. */
export function rowFrames(matrix: Matrix): [Buffer, Buffer, Buffer] {
  return splitStream(Buffer.from(tableToIPC(rowTable(matrix), "stream")));
}

export function rowTable(matrix: Matrix, name = "rows"): Table {
  return fixedTable(matrix.data, matrix.dim, name);
}

/** Frames of a batch of any kind of number, `dim` in a row. */
export function fixedFrames(data: Float32Array | Int32Array | Uint8Array, dim: number): [Buffer, Buffer, Buffer] {
  return splitStream(Buffer.from(tableToIPC(fixedTable(data, dim), "stream")));
}

function fixedTable(data: Float32Array | Int32Array | Uint8Array, dim: number, name = "rows"): Table {
  const length = data.length / dim;
  const itemType =
    data instanceof Float32Array ? new Float32() : data instanceof Int32Array ? new Int32() : new Uint8();
  const child = makeData({ type: itemType, length: data.length, nullCount: 0, data: data.slice() } as never);
  const type = new FixedSizeList(dim, new Field("item", itemType, false));
  return oneColumn(name, makeData({ type, length, nullCount: 0, child } as never));
}

/** Frames of a batch of sparse rows. `names` are those of the struct's fields. */
export function csrFrames(csr: Csr, names = ["index", "value"]): [Buffer, Buffer, Buffer] {
  return splitStream(Buffer.from(tableToIPC(csrTable(csr, names), "stream")));
}

export function csrTable({ indptr, indices, data, rows }: Csr, [index = "", value = ""]: string[]): Table {
  const children = [
    makeData({ type: new Uint32(), length: indices.length, nullCount: 0, data: indices.slice() }),
    makeData({ type: new Float32(), length: data.length, nullCount: 0, data: data.slice() }),
  ];
  const struct = new Struct([new Field(index, new Uint32(), false), new Field(value, new Float32(), false)]);
  const child = makeData({ type: struct, length: data.length, nullCount: 0, children });
  const type = new List(new Field("item", struct, false));
  return oneColumn("rows", makeData({ type, length: rows, nullCount: 0, valueOffsets: indptr.slice(), child }));
}

function oneColumn(name: string, column: Data): Table {
  const schema = new Schema([new Field(name, column.type, false)]);
  const struct = makeData({ type: new Struct(schema.fields), length: column.length, nullCount: 0, children: [column] });
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

/** Reads a batch of bytes the way any Arrow reader would. */
export function readBytes(frames: readonly Uint8Array[]): Uint8Array {
  const column = tableFromIPC(Buffer.concat(frames)).getChild("bytes")?.data[0];
  if (column === undefined) throw new Error("not a batch of bytes");
  return Uint8Array.from(column.values as Uint8Array);
}
