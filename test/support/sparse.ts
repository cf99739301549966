/**
 * Sparse rows for tests, and the same rows with all their columns.
 */
import type { SparseMatrix } from "../../src/index.ts";
import { type FloatMatrix, randomNumbers } from "./random.ts";

export interface Csr extends SparseMatrix {
  readonly indptr: Int32Array;
  readonly indices: Int32Array;
  readonly data: Float32Array;
  readonly shape: [number, number];
}

/** `rows` rows of `perRow` positive entries at random columns, every tenth a near copy of an earlier row. */
export function sparseRows(rows: number, dim: number, perRow: number, seed = 1): Csr {
  const next = randomNumbers(seed);
  const all: Map<number, number>[] = [];
  for (let row = 0; row < rows; row++) {
    const entries = new Map(row % 10 === 9 ? all[Math.floor(next() * row)] : []);
    while (entries.size < perRow) entries.set(Math.floor(next() ** 2 * dim), 0.1 + next());
    const first = [...entries.keys()][0] as number;
    entries.set(first, 0.1 + next());
    all.push(entries);
  }
  return csrOf(all, dim);
}

/**
 * Rows of a few dozen words, as texts have: some of 20 words that all texts use, the others of two of 40 topics,
 * whose words lie anywhere in `dim` columns.
 */
export function topicRows(rows: number, dim: number, words: number, seed = 1): Csr {
  const next = randomNumbers(seed);
  const column = () => Math.floor(next() * dim);
  const common = Array.from({ length: 20 }, column);
  const topics = Array.from({ length: 40 }, () => Array.from({ length: 3 * words }, column));
  const any = (list: number[]) => list[Math.floor(next() * list.length)] as number;
  const texts = Array.from({ length: rows }, () => {
    const [first, second] = [topics, topics].map((all) => all[Math.floor(next() * all.length)] as number[]);
    const counts = new Map<number, number>();
    for (let i = 0; i < words; i++) {
      const choice = next();
      const word = any(choice < 0.2 ? common : ((choice < 0.7 ? first : second) as number[]));
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    return counts;
  });
  return csrOf(texts, dim);
}

/** The `k` smallest values of 1 - cos between row `query` of `queries` and each of `rows`, by brute force. */
export function nearestCosine(rows: Csr, queries: Csr, query: number, k: number): number[] {
  const entries = new Map(entriesOf(queries, query));
  const norm = (values: Iterable<number>) => Math.sqrt([...values].reduce((sum, value) => sum + value * value, 0));
  const own = norm(entries.values());
  const all = Array.from({ length: rows.shape[0] }, (_, row) => {
    const others = entriesOf(rows, row);
    const product = others.reduce((sum, [column, value]) => sum + value * (entries.get(column) ?? 0), 0);
    return 1 - product / (own * norm(others.map(([, value]) => value)));
  });
  return all.sort((a, b) => a - b).slice(0, k);
}

function entriesOf({ indptr, indices, data }: Csr, row: number): [number, number][] {
  const places = Array.from({ length: (indptr[row + 1] as number) - (indptr[row] as number) }, (_, i) => i);
  const first = indptr[row] as number;
  return places.map((i) => [indices[first + i] as number, data[first + i] as number]);
}

/** Rows from maps of column to value. */
export function csrOf(rows: readonly ReadonlyMap<number, number>[], dim: number): Csr {
  const sorted = rows.map((row) => [...row].sort(([a], [b]) => a - b));
  const indptr = new Int32Array(rows.length + 1);
  sorted.forEach((row, i) => {
    indptr[i + 1] = (indptr[i] as number) + row.length;
  });
  return {
    indptr,
    indices: Int32Array.from(sorted.flatMap((row) => row.map(([column]) => column))),
    data: Float32Array.from(sorted.flatMap((row) => row.map(([, value]) => value))),
    shape: [rows.length, dim],
  };
}

/** The rows of `dense` without their zeros. */
export function csrOfDense({ data, shape }: { data: ArrayLike<number>; shape: readonly number[] }): Csr {
  const [rows, dim] = shape as [number, number];
  const maps = Array.from({ length: rows }, (_, row) => {
    const entries = new Map<number, number>();
    for (let column = 0; column < dim; column++) {
      const value = data[row * dim + column] as number;
      if (value !== 0) entries.set(column, value);
    }
    return entries;
  });
  return csrOf(maps, dim);
}

/** The same rows with every column. */
export function denseOf({ indptr, indices, data, shape: [rows, dim] }: Csr): FloatMatrix {
  const out = new Float32Array(rows * dim);
  for (let row = 0; row < rows; row++) {
    for (let at = indptr[row] as number; at < (indptr[row + 1] as number); at++) {
      out[row * dim + (indices[at] as number)] = data[at] as number;
    }
  }
  return { data: out, shape: [rows, dim] };
}

/** Rows `from` to `to` of `rows`. */
export function sparsePart({ indptr, indices, data, shape }: Csr, from: number, to: number): Csr {
  const [first, last] = [indptr[from] as number, indptr[to] as number];
  return {
    indptr: indptr.slice(from, to + 1).map((start) => start - first),
    indices: indices.slice(first, last),
    data: data.slice(first, last),
    shape: [to - from, shape[1]],
  };
}
