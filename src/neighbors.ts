/**
 * Neighbours as callers see them.
 */
import ndarray, { type NdArray } from "ndarray";
import { type QueryProfile, toldOf } from "./effort.ts";
import type { NativeAnswer, NativeNeighbors } from "./native.ts";

/**
 * Neighbours of each row or query, nearest first (under `true_angular`, a similarity, the largest), ties by id.
 * `indices` (int32) and `distances` (float32) have the same shape; where there are fewer rows than columns, the rest
 * of a row is -1 and Infinity. The arrays are the caller's own, row-major and writable.
 */
export interface Neighbors {
  readonly indices: NdArray<Int32Array>;
  readonly distances: NdArray<Float32Array>;
}

/** What queries get. */
export interface Answer extends Neighbors {
  /** The width that was enough for each query, or the last, where `efSteps` were given. */
  readonly efUsed?: Uint32Array;
  /** What was done, where `profile` was asked for. */
  readonly profile?: QueryProfile;
}

/** @internal */
export function shaped({ rows, k, indices, distances }: NativeNeighbors): Neighbors {
  return { indices: ndarray(indices, [rows, k]), distances: ndarray(distances, [rows, k]) };
}

/** @internal */
export function answered(answer: NativeAnswer): Answer {
  return { ...shaped(answer.neighbors), ...toldOf(answer) };
}
