/**
 * Brings input into the core's memory, on the JavaScript thread, because nobody else may look at its arrays.
 * The async way gives the event loop a turn every few milliseconds.
 */
import { setImmediate as turn } from "node:timers/promises";
import { BitBuffer } from "./bit-buffer.ts";
import { MAX_ROWS, PointBuffer } from "./buffer.ts";
import { already, type Copying, compress, copyBits, copyDense, copySparse, type Direct, direct } from "./copying.ts";
import { csrSource, isSparse } from "./csr.ts";
import { HnswError } from "./errors.ts";
import { type DenseInput, type Form, type MatrixInput, sourceOf } from "./matrix.ts";
import { MAX_DIM } from "./row-buffer.ts";
import { MAX_SPARSE_DIM, SparseBuffer } from "./sparse-buffer.ts";
import { invalid } from "./validate.ts";

/** Longest stretch of copying before other work of the event loop gets a turn. */
const SLICE_MS = 8;

/** Input that has been checked but not yet copied. */
export interface Incoming {
  readonly rows: number;
  readonly dim: number;
  readonly form: Form;
  /** The rows in the core's memory, step by step; the generator returns them. */
  readonly steps: () => Copying;
  /** The other way to use dense rows that are few. */
  readonly direct?: Direct | undefined;
}

/** What input must be to be taken. */
export interface Wanted {
  /** How the rows are to be stored; without it, as they come. */
  readonly form?: Form | undefined;
  /** The width they must have. */
  readonly dim?: number | undefined;
}

/**
 * Looks at `input` without copying.
 *
 * Throws `ERR_INVALID_ARGUMENT`, `ERR_DIMENSION_MISMATCH`.
 */
export function incoming(name: string, input: MatrixInput, wanted: Wanted): Incoming {
  if (input instanceof PointBuffer) return fromBuffer(name, input, wanted);
  if (isSparse(input)) {
    const form = checkedForm(name, "sparse", wanted);
    const source = csrSource(name, input);
    const size = checkedSize(name, source, wanted, MAX_SPARSE_DIM);
    return { ...size, form, steps: () => copySparse(source, size.dim) };
  }
  return fromDense(name, input, wanted);
}

function fromBuffer(name: string, buffer: PointBuffer, wanted: Wanted): Incoming {
  const form = buffer instanceof SparseBuffer ? "sparse" : buffer instanceof BitBuffer ? "bits" : "dense";
  const size = checkedSize(name, buffer, wanted, MAX_SPARSE_DIM);
  return { ...size, form: checkedForm(name, form, wanted), steps: () => already(PointBuffer.contentOf(buffer)) };
}

/** Dense input is turned into whatever form is wanted. */
function fromDense(name: string, input: DenseInput, wanted: Wanted): Incoming {
  const source = sourceOf(name, input);
  const form = wanted.form ?? "dense";
  const size = checkedSize(name, source, wanted, form === "sparse" ? MAX_SPARSE_DIM : MAX_DIM);
  if (form === "dense")
    return { ...size, form, steps: () => copyDense(source, size.dim), direct: direct(source, size.dim) };
  const copy = form === "bits" ? copyBits : compress;
  return { ...size, form, steps: () => copy(source, size.dim) };
}

const FORMS: Readonly<Record<Form, string>> = {
  dense: "dense rows",
  sparse: "sparse rows",
  bits: "packed bits (uint8)",
};

function checkedForm(name: string, form: Form, { form: wanted = form }: Wanted): Form {
  if (form === wanted) return form;
  throw new HnswError("ERR_INVALID_ARGUMENT", `${name} are ${FORMS[form]}, allowed: ${FORMS[wanted]}`);
}

interface Size {
  readonly rows: number;
  readonly dim: number;
}

function checkedSize(name: string, size: Size, { dim }: Wanted, maxDim: number): Size {
  if (size.rows > MAX_ROWS) throw invalid(`rows of ${name}`, size.rows, `at most ${MAX_ROWS}`);
  // A list without rows leaves its width open.
  if (size.rows === 0 && size.dim === 0) return { rows: 0, dim: dim ?? 0 };
  if (size.dim === 0 || size.dim > maxDim) throw invalid(`columns of ${name}`, size.dim, `1 to ${maxDim}`);
  if (dim !== undefined && size.dim !== dim) {
    throw new HnswError("ERR_DIMENSION_MISMATCH", `${name} have ${size.dim} columns, the index has ${dim}`);
  }
  return { rows: size.rows, dim: size.dim };
}

/** Runs `steps` in one go. */
export function atOnce<T>(steps: Generator<void, T, void>): T {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** Runs `steps` with pauses; `check` runs after each and throws to give up. A short way is gone before it returns. */
export async function inSlices<T>(steps: Generator<void, T, void>, check: () => void): Promise<T> {
  let sliceStart = performance.now();
  let step = steps.next();
  while (!step.done) {
    if (performance.now() - sliceStart > SLICE_MS) {
      await turn();
      check();
      sliceStart = performance.now();
    }
    step = steps.next();
  }
  return step.value;
}
