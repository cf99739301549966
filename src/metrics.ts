import { type NativeMetric, native } from "./native.ts";

/** One row of the metric table. */
export type MetricInfo = Readonly<NativeMetric>;

/**
 * Every metric of the engine: name, aliases, names of its parameters, and whether PyNNDescent counts it as
 * angular. The table itself lives in the Rust core.
 *
 * @example
 * ```ts
 * metrics().find((metric) => metric.name === "euclidean")?.aliases; // ["l2"]
 * ```
 */
export function metrics(): MetricInfo[] {
  return native().metrics();
}

/** The name in the table for a name or alias; unknown names come back unchanged. */
export function canonicalMetric(name: string): string {
  return metrics().find((metric) => metric.name === name || metric.aliases.includes(name))?.name ?? name;
}
