/**
 * Seeded random rows. mulberry32: small, good enough for test data, the same everywhere.
 */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export interface FloatMatrix {
  readonly data: Float32Array;
  readonly shape: [number, number];
}

/** `rows` x `dim` values, uniform in 0..1. */
export function uniformRows(rows: number, dim: number, seed = 1): FloatMatrix {
  const next = randomNumbers(seed);
  return { data: Float32Array.from({ length: rows * dim }, next), shape: [rows, dim] };
}

/** `rows` x `dim` values in clusters of about 50 rows, cluster after cluster. */
export function clusteredRows(rows: number, dim: number, seed = 1): FloatMatrix {
  const next = randomNumbers(seed);
  const data = new Float32Array(rows * dim);
  let centre: number[] = [];
  for (let row = 0; row < rows; row++) {
    if (row % 50 === 0) centre = Array.from({ length: dim }, () => 10 * next());
    for (let column = 0; column < dim; column++) data[row * dim + column] = (centre[column] ?? 0) + 0.1 * next();
  }
  return { data, shape: [rows, dim] };
}

/** The rows of `matrix` in the order of `order`. */
export function reordered({ data, shape }: FloatMatrix, order: readonly number[]): FloatMatrix {
  const [rows, dim] = shape;
  const out = new Float32Array(rows * dim);
  order.forEach((from, to) => {
    out.set(data.subarray(from * dim, (from + 1) * dim), to * dim);
  });
  return { data: out, shape };
}

/** Row numbers by the sum of their values. */
export function sortedOrder({ data, shape: [rows, dim] }: FloatMatrix): number[] {
  const key = Array.from({ length: rows }, (_, row) =>
    data.subarray(row * dim, (row + 1) * dim).reduce((a, b) => a + b),
  );
  return [...key.keys()].sort((a, b) => (key[a] ?? 0) - (key[b] ?? 0));
}
