/**
 * What a header promises to send: form, shape, weight, and the memory it will need.
 *
 * Reading a promise allocates nothing. `open` makes the memory, and says how batches are placed in it; it is
 * called when everything else about the call has been checked.
 */
import { BitBuffer, RowBuffer, SparseBuffer } from "../src/index.ts";
import { ITEM_BYTES, type Item } from "./arrow/batch.ts";
import { sparseBytes } from "./arrow/sparse.ts";
import { protocolError, show } from "./errors.ts";
import { type Header, uint } from "./header.ts";
import type { Limits } from "./limits.ts";
import { FixedPlacement, type Placement, SparsePlacement } from "./placement.ts";
import type { Service } from "./service.ts";
import type { Value, ValueItem, Values } from "./values.ts";

/** Forms of rows, as indices have them. */
export type Form = "dense" | "sparse" | "bits";

/** Memory of the engine for rows. */
export type RowMemory = RowBuffer | SparseBuffer | BitBuffer;

/** Dense rows in JavaScript's memory, which the API takes as well. */
export interface FewRows extends Disposable {
  readonly data: Float32Array;
  readonly shape: readonly [rows: number, dim: number];
}

/** Something that is going to be sent. */
export interface Promised<Content extends Disposable = RowMemory> {
  readonly rows: number;
  readonly dim: number;
  /** The numbers it is made of; none where rows differ in length. */
  readonly item?: Item;
  /** What it weighs on the wire, in the limits' eyes. */
  readonly wireBytes: number;
  /** What it will take in memory. */
  readonly memoryBytes: number;
  /** Makes room for it. Throws ERR_OUT_OF_MEMORY. */
  readonly open: (service: Service) => Destination<Content>;
}

/** Memory that is waiting to be filled. */
export interface Destination<Content extends Disposable> {
  readonly content: Content;
  readonly placement: Placement;
}

/** Rows that are going to be sent. */
export interface PromisedRows extends Promised {
  readonly form: Form;
}

/** Dense rows and bits are padded to whole cache lines in memory. */
const LINE_BYTES = 64;
/** A sparse row has an offset in memory, an entry a column and a value. */
const ROW_START_BYTES = 8;
const ENTRY_BYTES = 8;

/** Reads the promise of rows. Throws ERR_PROTOCOL, ERR_INVALID_ARGUMENT. */
export function promisedRows(header: Header, limits: Limits): PromisedRows {
  const item = dtype(header, ["float32", "uint8"]);
  const layout = header.layout ?? "dense";
  if (layout !== "dense" && layout !== "csr") throw protocolError(`layout is ${show(layout)}, allowed: "dense", "csr"`);
  if (layout === "dense") return item === "uint8" ? bits(header, limits) : dense(header, limits);
  if (item !== "float32") throw protocolError(`dtype of layout csr is ${show(item)}, allowed: "float32"`);
  return sparse(header, limits);
}

function dense(header: Header, limits: Limits): PromisedRows {
  const shape = fixedShape(header, "float32", limits);
  return {
    ...shape,
    item: "float32",
    form: "dense",
    open: ({ counters }) => {
      const content = RowBuffer.allocate(shape.rows, shape.dim);
      return { content, placement: new FixedPlacement(content, "float32", counters) };
    },
  };
}

/** The same rows kept in JavaScript's memory: for a handful, memory of the engine takes longer to make than to fill. */
export function fewRows({ rows, dim, wireBytes, memoryBytes }: PromisedRows): Promised<FewRows> {
  const open = ({ counters }: Service) => {
    const data = new Float32Array(rows * dim);
    const bytes = new Uint8Array(data.buffer);
    const rowBytes = 4 * dim;
    const memory = { rows, rowBytes, write: (row: number, part: Uint8Array) => bytes.set(part, row * rowBytes) };
    const content: FewRows = { data, shape: [rows, dim], [Symbol.dispose]: () => {} };
    return { content, placement: new FixedPlacement(memory, "float32", counters) };
  };
  return { rows, dim, item: "float32", wireBytes, memoryBytes, open };
}

function bits(header: Header, limits: Limits): PromisedRows {
  const shape = fixedShape(header, "uint8", limits);
  return {
    ...shape,
    item: "uint8",
    form: "bits",
    open: ({ counters }) => {
      const content = BitBuffer.allocate(shape.rows, shape.dim);
      return { content, placement: new FixedPlacement(content, "uint8", counters) };
    },
  };
}

function sparse(header: Header, limits: Limits): PromisedRows {
  const rows = uint(header, "rows", 0, limits.maxRows);
  const dim = uint(header, "dim", 1, limits.maxSparseDim);
  const nnz = uint(header, "nnz", 0, rows === 0 ? 0 : Number.MAX_SAFE_INTEGER);
  return {
    form: "sparse",
    rows,
    dim,
    wireBytes: sparseBytes(rows, nnz),
    memoryBytes: rows * ROW_START_BYTES + nnz * ENTRY_BYTES,
    open: ({ counters }) => {
      const content = SparseBuffer.allocate(rows, dim, nnz);
      return { content, placement: new SparsePlacement(content, limits.maxRowEntries, counters) };
    },
  };
}

/** Reads the promise of a value for a session. Throws ERR_PROTOCOL, ERR_INVALID_ARGUMENT. */
export function promisedValue(header: Header, limits: Limits, values: Values): Promised<Value> {
  const item = dtype(header, ["float32", "int32", "uint8"]);
  const shape = fixedShape(header, item, limits);
  return {
    ...shape,
    memoryBytes: shape.wireBytes,
    open: ({ counters }) => {
      const content = values.allocate(item, shape.rows, shape.dim, limits);
      return { content, placement: new FixedPlacement(content, item, counters) };
    },
  };
}

function dtype<T extends ValueItem>(header: Header, allowed: readonly T[]): T {
  const seen = allowed.find((item) => item === header.dtype);
  if (seen !== undefined) return seen;
  throw protocolError(`dtype is ${show(header.dtype)}, allowed: ${allowed.map((item) => `"${item}"`).join(", ")}`);
}

function fixedShape(header: Header, item: Item, limits: Limits) {
  const rows = uint(header, "rows", 0, limits.maxRows);
  const dim = uint(header, "dim", 1, limits.maxDim);
  const rowBytes = dim * ITEM_BYTES[item];
  const padded = Math.ceil(rowBytes / LINE_BYTES) * LINE_BYTES;
  return { rows, dim, wireBytes: rows * rowBytes, memoryBytes: rows * padded };
}
