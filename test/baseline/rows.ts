/**
 * Rows of the baseline: seeded, and made by additions and multiplications alone, so that they are the same bytes on
 * every machine.
 */
import { type FloatMatrix, randomNumbers, uniformRows } from "../support/random.ts";

/** About normal: the sum of twelve uniform numbers, less its mean. */
function bell(next: () => number): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += next();
  return sum;
}

/** `rows` x `dim`: 30 overlapping clusters, each spread along `inner` directions of its own, and a little noise. */
export function mixtureRows(rows: number, dim: number, inner: number, seed: number): FloatMatrix {
  const next = randomNumbers(seed);
  const vector = (length: number) => Float32Array.from({ length }, () => bell(next));
  const clusters = Array.from({ length: 30 }, () => ({
    centre: vector(dim).map((value) => value / 2),
    basis: vector(inner * dim),
  }));
  const data = new Float32Array(rows * dim);
  for (let row = 0; row < rows; row++) {
    const { centre, basis } = clusters[Math.floor(next() * clusters.length)] as (typeof clusters)[number];
    const along = vector(inner);
    for (let column = 0; column < dim; column++) {
      let value = (centre[column] as number) + 0.05 * bell(next);
      for (let i = 0; i < inner; i++) value += 0.25 * (along[i] as number) * (basis[i * dim + column] as number);
      data[row * dim + column] = value;
    }
  }
  return { data, shape: [rows, dim] };
}

/** The mixture in whole numbers of 0 to 255, as pixels and counts are. */
export function wholeRows(rows: number, dim: number, inner: number, seed: number): FloatMatrix {
  const { data, shape } = mixtureRows(rows, dim, inner, seed);
  return { data: data.map((value) => Math.min(255, Math.max(0, Math.round(128 + 20 * value)))), shape };
}

/** Rows without any structure: the hardest for a graph. */
export function noiseRows(rows: number, dim: number, _inner: number, seed: number): FloatMatrix {
  return uniformRows(rows, dim, seed);
}

/** Rows `from` to `to`, sharing memory. */
export function part({ data, shape: [, dim] }: FloatMatrix, from: number, to: number): FloatMatrix {
  return { data: data.subarray(from * dim, to * dim), shape: [to - from, dim] };
}
