/**
 * A metric and its parameters: their meaning and their checks. What values a metric can work with (positive
 * variances, say) the core knows.
 */
import { HnswError } from "./errors.ts";
import { type SquareInput, squareOf, type VectorInput, vectorOf } from "./lists.ts";
import type { Form } from "./matrix.ts";
import type { MetricName } from "./metric-names.ts";
import { metricInfo } from "./metrics.ts";
import type { NativeMetricOptions } from "./native.ts";
import { invalid, realNumber } from "./validate.ts";

/** Which metric, and what it is told. A parameter is taken only by the metrics that list it in `metrics()`. */
export interface MetricOptions {
  /** A name or alias from `metrics()`. @default "euclidean" */
  readonly metric?: MetricName | undefined;
  /** Power of `minkowski`, `wminkowski` (default 2), `wasserstein-1d`, `circular_kantorovich` (default 1); above 0. */
  readonly p?: number | undefined;
  /** Weights of the columns for `wminkowski`, 0 or more. */
  readonly w?: VectorInput | undefined;
  /** Variances of the columns for `seuclidean`, above 0. */
  readonly sigma?: VectorInput | undefined;
  /** Inverse of the covariance matrix (dim x dim) for `mahalanobis`. */
  readonly vinv?: SquareInput | undefined;
  /** Cost of moving mass from column to column (dim x dim) for `kantorovich`. */
  readonly cost?: SquareInput | undefined;
}

const PARAMETERS = ["p", "w", "sigma", "vinv", "cost"] as const;

/** A metric whose parameters have been checked as far as they can be without rows. */
export interface CheckedMetric {
  /** The form that rows must take; as they come where that is left open. */
  readonly form: Form | undefined;
  /** Throws `ERR_INVALID_ARGUMENT` for rows of a form that the metric cannot compare. */
  readonly checkForm: (form: Form) => void;
  /** What the addon takes for rows of `dim` columns. Throws `ERR_INVALID_ARGUMENT` for parameters of another size. */
  readonly native: (dim: number) => NativeMetricOptions;
}

/** Checks metric and parameters. Throws `ERR_INVALID_ARGUMENT`; names are checked by the core. */
export function checkedMetric(given: MetricOptions): CheckedMetric {
  const metric = metricName(given.metric);
  const info = metricInfo(metric);
  for (const name of PARAMETERS) {
    if (given[name] !== undefined && info !== undefined && !info.params.includes(name)) {
      const allowed = info.params.length === 0 ? "no parameters" : `the parameters ${info.params.join(", ")}`;
      throw invalid(name, given[name], `with ${info.name}, ${allowed}`);
    }
  }
  const p = realNumber("p", given.p);
  return {
    form: info !== undefined && !info.forms.includes("dense") && info.forms.includes("bits") ? "bits" : undefined,
    checkForm: (form) => {
      if (info === undefined || info.forms.includes(form)) return;
      const message = `metric ${info.name} is not supported for ${form} rows, allowed: ${info.forms.join(", ")}`;
      throw new HnswError("ERR_INVALID_ARGUMENT", message);
    },
    native: (dim) => ({ metric, ...(p === undefined ? {} : { p }), ...lists(given, dim) }),
  };
}

function lists({ w, sigma, vinv, cost }: MetricOptions, dim: number): Omit<NativeMetricOptions, "metric" | "p"> {
  return {
    ...(w === undefined ? {} : { w: vectorOf("w", w, dim) }),
    ...(sigma === undefined ? {} : { sigma: vectorOf("sigma", sigma, dim) }),
    ...(vinv === undefined ? {} : { vinv: squareOf("vinv", vinv, dim) }),
    ...(cost === undefined ? {} : { cost: squareOf("cost", cost, dim) }),
  };
}

function metricName(metric: MetricName | undefined): string {
  if (metric === undefined) return "euclidean";
  if (typeof metric !== "string") throw invalid("metric", metric, "a name from metrics()");
  return metric;
}
