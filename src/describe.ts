/**
 * What an index is, told by the core: an index that was restored knows nothing else.
 */
import { wrapped } from "./errors.ts";
import type { Form } from "./matrix.ts";
import type { MetricName } from "./metric-names.ts";
import type { NativeIndex } from "./native.ts";
import type { Algorithm, Carried, Quantization } from "./options.ts";
import { type Parameters, treesFor } from "./parameters.ts";

/** The parameters an index was made with, defaults filled in. */
export interface IndexParameters extends Parameters {
  readonly algorithm: Algorithm;
  readonly quantization: Quantization | undefined;
  /** Pool width of queries that set none, if it was given. */
  readonly ef: number | undefined;
  /** Least recall of an approximate neighbour graph. */
  readonly graphRecall: number;
  readonly seed: bigint;
  readonly threads: number;
}

/** What an index is. */
export interface Described {
  readonly rows: number;
  readonly dim: number;
  readonly form: Form;
  readonly metric: MetricName;
  readonly nNeighbors: number;
  readonly parameters: IndexParameters;
}

/** What `index` is. */
export function described(index: NativeIndex): Described {
  const { rows, dim, form, metric, nNeighbors, quantization, algorithm, carried, ...numbers } = wrapped(() =>
    index.describe(),
  );
  const { nTrees, ef } = carriedOf(carried, rows);
  return {
    ...{ rows, dim, form: form as Form, metric: metric as MetricName, nNeighbors },
    parameters: {
      ...numbers,
      algorithm: algorithm as Algorithm,
      quantization: quantization as Quantization | undefined,
      nTrees,
      ef,
    },
  };
}

/** Bytes that another program wrote may carry anything. */
function carriedOf(text: string, rows: number): { nTrees: number; ef: number | undefined } {
  const { nTrees, ef } = parsed(text);
  return {
    nTrees: Number.isSafeInteger(nTrees) ? (nTrees as number) : treesFor(rows),
    ef: Number.isSafeInteger(ef) ? ef : undefined,
  };
}

function parsed(text: string): Partial<Carried> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
