/**
 * Names of options, parameters and plans: snake_case on the wire, camelCase in the API.
 *
 * Values are checked by the API, in one place for all callers; here only what JSON cannot say exactly is
 * converted, and unknown names are refused.
 */
import type { BuildOptions, EffortOptions } from "../src/index.ts";
import { type Claiming, integersOf, numbersOf } from "./claims.ts";
import { invalidArgument, protocolError, show } from "./errors.ts";
import { flag, type Header, isObject, number, optional } from "./header.ts";
import type { Service } from "./service.ts";

const NAMES: ReadonlyMap<string, keyof BuildOptions> = new Map<string, keyof BuildOptions>([
  ["metric", "metric"],
  ["p", "p"],
  ["w", "w"],
  ["sigma", "sigma"],
  ["vinv", "vinv"],
  ["cost", "cost"],
  ["quantization", "quantization"],
  ["n_neighbors", "nNeighbors"],
  ["algorithm", "algorithm"],
  ["preset", "preset"],
  ["m", "m"],
  ["ef_construction", "efConstruction"],
  ["ef", "ef"],
  ["max_candidates", "maxCandidates"],
  ["n_iters", "nIters"],
  ["n_trees", "nTrees"],
  ["graph_recall", "graphRecall"],
  ["seed", "seed"],
  ["threads", "threads"],
  ["ids", "ids"],
  ["next_id", "nextId"],
]);

/** Options that are lists of numbers. */
const LISTS: ReadonlySet<string> = new Set(["w", "sigma", "vinv", "cost"]);

/** What a server allows. */
type Bounds = Pick<Service, "limits" | "threads">;

/** The API's options of a `build` header. Throws for an option that does not exist. */
export function buildOptions(call: Claiming, wire: Header, { limits, threads }: Bounds): BuildOptions {
  const options: Partial<Record<keyof BuildOptions, unknown>> = {};
  for (const [name, value] of Object.entries(wire)) {
    const key = NAMES.get(name);
    if (key === undefined) throw invalidArgument("option", name, [...NAMES.keys()].join(", "));
    if (value !== null) options[key] = optionOf(call, wire, name);
  }
  // A row of the neighbour graph must fit a result batch.
  if (Number(options.nNeighbors) > limits.maxK) {
    throw invalidArgument("n_neighbors", wire.n_neighbors, `integer 1 to ${limits.maxK}`);
  }
  return { ...options, ...atMost(options.threads, threads) } as BuildOptions;
}

/** How hard a query is to look. */
export function effortOf(header: Header): { epsilon?: number; ef?: number } {
  const epsilon = optional(header, "epsilon", number);
  const ef = optional(header, "ef", number);
  return { ...(epsilon !== undefined && { epsilon }), ...(ef !== undefined && { ef }) };
}

/** Efforts by their outcome, and whether the work is told. */
export function outcomeOf(call: Claiming & { readonly header: Header }): EffortOptions & { profile?: boolean } {
  const { header } = call;
  const minRecall = optional(header, "min_recall", number);
  const efSteps = header.ef_steps == null ? undefined : Array.from(integersOf(call, header, "ef_steps"));
  const untilDistance = optional(header, "until_distance", number);
  const untilSimilarity = optional(header, "until_similarity", number);
  const profile = optional(header, "profile", flag);
  return {
    ...(minRecall !== undefined && { minRecall }),
    ...(efSteps !== undefined && { efSteps }),
    ...(untilDistance !== undefined && { untilDistance }),
    ...(untilSimilarity !== undefined && { untilSimilarity }),
    ...(profile !== undefined && { profile }),
  };
}

/** The threads that a call gets: what it asks for, within the server's limit. What is no number is for the API to refuse. */
export function atMost(asked: unknown, most: number | undefined): { threads?: unknown } {
  if (asked === undefined) return most === undefined ? {} : { threads: most };
  return { threads: most !== undefined && typeof asked === "number" ? Math.min(asked, most) : asked };
}

function optionOf(call: Claiming, wire: Header, name: string): unknown {
  if (name === "seed") return seed(wire.seed);
  if (name === "ids") return integersOf(call, wire, name);
  return LISTS.has(name) ? numbersOf(call, wire, name) : scalar(name, wire[name]);
}

function scalar(name: string, value: unknown): string | number {
  if (typeof value === "string" || typeof value === "number") return value;
  throw protocolError(`option ${name} is ${show(value)}, allowed: a string or a number`);
}

/** 64-bit seeds travel as decimal strings, because a JSON number is exact to 2^53 only. */
function seed(value: unknown): number | bigint {
  if (typeof value === "number") return value;
  if (typeof value === "string" && /^\d{1,20}$/.test(value)) return BigInt(value);
  throw invalidArgument("seed", value, "integer 0 to 2^64-1, as a number or a decimal string");
}

/** A plan or parameters with the names they have on the wire. */
export function wireNames(value: object): object {
  const wire = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [wire(name), isObject(inner) ? wireNames(inner) : inner]),
  );
}
