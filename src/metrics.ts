import { type NativeMetric, native } from "./native.ts";

/** One row of the metric table. */
export type MetricInfo = Readonly<NativeMetric>;

/**
 * Every metric of the engine: name, aliases, names of its parameters, whether PyNNDescent counts it as angular, how
 * it is searched (`walk` over links, after a `transform` of the rows, or by an exact `scan`), the forms of rows and
 * the quantizations it takes. The table itself lives in the Rust core.
 *
 * @example
 * ```ts
 * metrics().find((metric) => metric.name === "euclidean")?.aliases; // ["l2"]
 * ```
 */
export function metrics(): MetricInfo[] {
  return native().metrics();
}

let byName: ReadonlyMap<string, MetricInfo> | undefined;

/** The table's row for a name or alias. */
export function metricInfo(name: string): MetricInfo | undefined {
  byName ??= new Map(metrics().flatMap((metric) => [metric.name, ...metric.aliases].map((known) => [known, metric])));
  return byName.get(name);
}
