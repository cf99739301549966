/**
 * The numbers that bound what clients may make the server hold. `hello` tells them to clients;
 * docs/protocol.md section 9 explains each. Sizes in bytes.
 */
import { availableParallelism } from "node:os";

export interface Limits {
  readonly headerBytes: number;
  readonly inlineBytes: number;
  readonly batchBytes: number;
  readonly window: number;
  readonly maxCredits: number;
  readonly maxCalls: number;
  readonly maxClients: number;
  readonly maxIndexes: number;
  readonly maxRunning: number;
  readonly sendQueue: number;
  readonly maxRows: number;
  readonly maxDim: number;
  readonly maxSparseDim: number;
  readonly maxRowEntries: number;
  readonly maxK: number;
  readonly maxValues: number;
  readonly valueBytes: number;
}

const MIB = 1 << 20;

export const DEFAULT_LIMITS: Limits = {
  headerBytes: 64 << 10,
  inlineBytes: MIB,
  batchBytes: 4 * MIB,
  window: 4,
  maxCredits: 64,
  maxCalls: 256,
  maxClients: 4096,
  maxIndexes: 65_536,
  // Each may use all cores; with one, a second client would wait for the whole of a first one's graph.
  maxRunning: Math.max(2, availableParallelism()),
  sendQueue: 65_536,
  maxRows: 2 ** 31 - 1,
  // One row of float32 must fit one batch.
  maxDim: MIB,
  // Columns are 32-bit integers, and the engine keeps the last one for itself.
  maxSparseDim: 2 ** 31 - 2,
  // 16 MiB, placed in one turn of the event loop.
  maxRowEntries: 2 * MIB,
  maxK: 1 << 16,
  maxValues: 64,
  // The longest typed array that every supported Node can make.
  valueBytes: 2 ** 32,
};

/** Frames of one message, header and Arrow parts together. */
export const MAX_FRAMES = 64;

/** Nesting of a header; real ones have three levels. */
export const MAX_DEPTH = 16;

/** Bytes of one Arrow metadata message; real ones have about 300. */
export const MAX_METADATA_BYTES = 64 << 10;

/** Largest single frame: a whole batch as one frame, its padding and some slack. Above, the socket hangs up. */
export function maxFrameBytes(limits: Limits): number {
  return limits.batchBytes + MAX_METADATA_BYTES;
}
