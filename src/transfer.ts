/**
 * Brings input into the core's memory, on the JavaScript thread, because nobody else may look at its arrays.
 * The async way gives the event loop a turn every few milliseconds.
 */
import { setImmediate as turn } from "node:timers/promises";
import { MAX_ROWS } from "./buffer.ts";
import { HnswError, wrapped } from "./errors.ts";
import { type MatrixInput, type Source, sourceOf } from "./matrix.ts";
import type { NativeRows } from "./native.ts";
import { allocateRows, MAX_DIM, RowBuffer } from "./row-buffer.ts";
import { CHUNK_VALUES } from "./scratch.ts";
import { invalid } from "./validate.ts";

/** Longest stretch of copying before other work of the event loop gets a turn. */
const SLICE_MS = 8;

/** Input that has been checked but not yet copied. */
export interface Incoming {
  readonly rows: number;
  readonly dim: number;
  /** The rows in the core's memory, step by step; the generator returns them. */
  readonly steps: () => Generator<void, NativeRows, void>;
}

/**
 * Looks at `input` without copying. `dim` is the width it must have, where there is one.
 *
 * Throws `ERR_INVALID_ARGUMENT`, `ERR_DIMENSION_MISMATCH`.
 */
export function incoming(name: string, input: MatrixInput, dim?: number): Incoming {
  if (input instanceof RowBuffer) {
    return { ...checkedSize(name, input, dim), steps: () => already(RowBuffer.contentOf(input)) };
  }
  const source = sourceOf(name, input);
  const size = checkedSize(name, source, dim);
  return { ...size, steps: () => copying(source, size) };
}

interface Size {
  readonly rows: number;
  readonly dim: number;
}

function checkedSize(name: string, size: Size, dim: number | undefined): Size {
  if (size.rows > MAX_ROWS) throw invalid(`rows of ${name}`, size.rows, `at most ${MAX_ROWS}`);
  // A list without rows leaves its width open.
  if (size.rows === 0 && size.dim === 0) return { rows: 0, dim: dim ?? 0 };
  if (size.dim === 0 || size.dim > MAX_DIM) throw invalid(`columns of ${name}`, size.dim, `1 to ${MAX_DIM}`);
  if (dim !== undefined && size.dim !== dim) {
    throw new HnswError("ERR_DIMENSION_MISMATCH", `${name} have ${size.dim} columns, the index has ${dim}`);
  }
  return { rows: size.rows, dim: size.dim };
}

// biome-ignore lint/correctness/useYield: nothing is left to do, but the caller drives a generator.
function* already(content: NativeRows): Generator<void, NativeRows, void> {
  return content;
}

function* copying(source: Source, { rows, dim }: Size): Generator<void, NativeRows, void> {
  const target = allocateRows(rows, dim);
  const chunk = Math.max(1, Math.floor(CHUNK_VALUES / dim));
  for (let start = 0; start < rows; start += chunk) {
    const count = Math.min(chunk, rows - start);
    wrapped(() => source.copy(target, start, count));
    yield;
  }
  return target;
}

/** Copies in one go. */
export function transferSync(input: Incoming): NativeRows {
  const steps = input.steps();
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** Copies with pauses; `check` runs after each and throws to give up. Small input is copied before it returns. */
export async function transfer(input: Incoming, check: () => void): Promise<NativeRows> {
  const steps = input.steps();
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
