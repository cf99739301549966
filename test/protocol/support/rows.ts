/** Rows of any form as a client sends them: what the header promises, and the frames of any part. */
import { type Csr, csrFrames, csrShape, csrSlice, fixedFrames, type Matrix, rowFrames, slice } from "./arrow.ts";

export interface Rows {
  readonly rows: number;
  /** The header's fields that promise them. */
  readonly shape: object;
  readonly frames: (start: number, count: number) => Buffer[];
}

export function denseRows(matrix: Matrix): Rows {
  const { rows, dim } = matrix;
  return {
    rows,
    shape: { rows, dim, dtype: "float32" },
    frames: (start, count) => rowFrames(slice(matrix, start, count)),
  };
}

export function sparseRows(csr: Csr): Rows {
  return {
    rows: csr.rows,
    shape: csrShape(csr),
    frames: (start, count) => csrFrames(csrSlice(csr, start, count)),
  };
}

/** A matrix of any kind of number: packed bits, or what `put` takes. */
export function numberRows(data: Float32Array | Int32Array | Uint8Array, dim: number): Rows {
  const dtype = data instanceof Float32Array ? "float32" : data instanceof Int32Array ? "int32" : "uint8";
  const rows = data.length / dim;
  return {
    rows,
    shape: { rows, dim, dtype },
    frames: (start, count) => fixedFrames(data.subarray(start * dim, (start + count) * dim), dim),
  };
}

/** One upload behind the other, where the operation takes two. No batch must cross the border. */
export function inOrder(first: Rows, second: Rows): Rows {
  return {
    rows: first.rows + second.rows,
    shape: {},
    frames: (start, count) =>
      start < first.rows ? first.frames(start, count) : second.frames(start - first.rows, count),
  };
}
