import type { Form } from "./matrix.ts";
import type { MetricName } from "./metric-names.ts";
import { native } from "./native.ts";
import type { Quantization } from "./options.ts";

/** One row of the metric table. */
export interface MetricInfo {
  readonly name: MetricName;
  /** Other names of the same metric. */
  readonly aliases: readonly MetricName[];
  /** Options that it takes. */
  readonly params: readonly ("p" | "w" | "sigma" | "vinv" | "cost")[];
  /** Whether PyNNDescent counts it as angular. */
  readonly angular: boolean;
  /** Searched by walks over links, by walks after a transform of the rows, or always by an exact scan of all rows. */
  readonly kind: "walk" | "transform" | "scan";
  /** Forms of rows that it compares. */
  readonly forms: readonly Form[];
  readonly quantizations: readonly Quantization[];
  /** What to know: special rows, differences to PyNNDescent. */
  readonly note: string;
}

/**
 * Every metric of the engine, and what it can do. The table itself lives in the Rust core.
 *
 * @example
 * ```ts
 * metrics().find((metric) => metric.name === "euclidean")?.aliases; // ["l2"]
 * ```
 */
export function metrics(): MetricInfo[] {
  return native().metrics() as MetricInfo[];
}

let byName: ReadonlyMap<string, MetricInfo> | undefined;

/** The table's row for a name or alias. */
export function metricInfo(name: string): MetricInfo | undefined {
  byName ??= new Map(metrics().flatMap((info) => [info.name, ...info.aliases].map((known) => [known, info])));
  return byName.get(name);
}
