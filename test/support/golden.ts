/**
 * The golden table of distances (test/golden), one list of pairs for each metric, choice of parameters and form.
 */
import { readFileSync } from "node:fs";
import type { MatrixInput, MetricName, MetricOptions } from "../../src/index.ts";
import { csrOfDense } from "./sparse.ts";

type Pair = [number[], number[]];
type Values = { readonly [pair: string]: number | string | null | (number | null)[] };

interface Entry {
  readonly name: MetricName;
  readonly aliases: MetricName[];
  readonly rows: "general" | "positive" | "latlon" | "bits";
  readonly params: MetricOptions | null;
  readonly random_params: MetricOptions | null;
  readonly values: Values;
  readonly sparse: Values | null;
  readonly ours: Values;
  /** What the engine hands out where the Python adapter changes it. */
  readonly core?: Values;
}

interface Table {
  readonly vectors: { readonly [name: string]: Pair | Pair[] | { readonly [name: string]: Pair | Pair[] } };
  readonly metrics: Entry[];
  readonly names: { readonly dense: string[]; readonly sparse: string[]; readonly proxy: string[] };
  readonly quantized: { readonly [quantization: string]: string[] };
  readonly angular: string[];
  readonly rejected: { readonly [name: string]: string };
}

export const golden: Table = JSON.parse(readFileSync(new URL("../golden/metrics.json", import.meta.url), "utf8"));

export interface Expected {
  readonly pair: string;
  readonly x: number[];
  readonly y: number[];
  readonly params: MetricOptions;
  /** A distance, or a code with which the rows are refused. */
  readonly distance: number | string;
}

export interface GoldenCase {
  readonly entry: Entry;
  readonly form: "dense" | "sparse" | "bits";
  readonly pairs: Expected[];
}

/** Every entry in every form it has values for. */
export function goldenCases(): GoldenCase[] {
  return golden.metrics.flatMap((entry) => {
    const plain = {
      entry,
      form: entry.rows === "bits" ? "bits" : "dense",
      pairs: pairsOf(entry, entry.values),
    } as const;
    return entry.sparse === null ? [plain] : [plain, { entry, form: "sparse", pairs: pairsOf(entry, entry.sparse) }];
  });
}

function pairsOf(entry: Entry, values: Values): Expected[] {
  return Object.keys(values).flatMap((key) => {
    const [named, random] = [entry.params ?? {}, entry.random_params ?? {}];
    const expected = expectedOf(entry, values, key);
    if (key !== "random") {
      const [x, y] = vectors(entry, key) as Pair;
      return [{ pair: key, x, y, params: named, distance: distanceOf(expected as number | string) }];
    }
    return (vectors(entry, key) as Pair[]).map(([x, y], i) => {
      return { pair: `random ${i}`, x, y, params: random, distance: distanceOf((expected as number[])[i] as number) };
    });
  });
}

function vectors(entry: Entry, key: string): Pair | Pair[] {
  const own = golden.vectors[entry.rows] as { readonly [name: string]: Pair | Pair[] } | undefined;
  return own?.[key] ?? (golden.vectors[key] as Pair | Pair[]);
}

function expectedOf(entry: Entry, values: Values, key: string): Values[string] {
  // Where the forms differ, the engine follows each.
  const core = values[key] === entry.values[key] || key === "random" ? entry.core?.[key] : undefined;
  const value = entry.ours[key] ?? core ?? values[key];
  if (value === null || value === undefined) throw new Error(`${entry.name}: no value for ${key}, and no decision`);
  return value;
}

function distanceOf(value: number | string): number | string {
  return value === "inf" ? Number.POSITIVE_INFINITY : value;
}

/** Rows as the form takes them. */
export function rowsIn(form: GoldenCase["form"], rows: number[][]): MatrixInput {
  if (form === "dense") return rows;
  if (form === "bits") return rows.map((row) => Uint8Array.from(row));
  return csrOfDense({ data: rows.flat(), shape: [rows.length, (rows[0] as number[]).length] });
}
