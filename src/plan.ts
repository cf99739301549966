/**
 * What an index tells about itself.
 */
import type { NativeChoice, NativePlan, NativeStats } from "./native.ts";

/** What was picked for one product of an index, and why. */
export interface Choice {
  /**
   * `exact`; `approximate` (neighbour graph); `hnsw` or `clusters` (queries). Where `auto` picked `approximate` and all
   * pairs were compared after all, it is `exact`; a side that was asked for keeps its name.
   */
  readonly algorithm: string;
  /**
   * What the work runs on: `f32`, a smaller form where that loses nothing (`u8`), one that only says which rows need
   * not be looked at (`u8 filter`, `bf16 filter`), what walks and lists run on before the rows (`u8 sketch`), or the codes of
   * `quantization`. At first what the cost model expects; once it has been made, what that ran on.
   */
  readonly codes: string;
  /** One sentence for people; it tells where all pairs were compared after all. */
  readonly reason: string;
  /** Seconds that the cost model expects of the exact and of the other side. */
  readonly exactSeconds: number;
  readonly approximateSeconds: number;
  /** Seconds that it took, once it has run. */
  readonly seconds: number | null;
  /** Recall measured on a sample, once an approximate product exists; 1 for exact ones. */
  readonly recall: number | null;
}

/** The engine's decisions for the two products of an index. */
export interface Plan {
  readonly neighborGraph: Choice;
  /** The last query call; before the first one, what a single query would get. */
  readonly query: Choice;
  /** The instruction sets in use. */
  readonly kernels: string;
}

/** Share of changed rows from which a search index is worth building anew. */
const GROWN = 0.1;

/** Sizes in bytes, and counters since the index was made. `unreachable` is always 0. */
export interface Stats extends Readonly<NativeStats> {
  /**
   * Whether more than a tenth of the rows came, went or became others since the search index was built. Recall is kept by
   * updates; a new index may be smaller and faster.
   */
  readonly rebuildAdvised: boolean;
}

/** @internal */
export function statsOf(native: NativeStats): Stats {
  const rebuildAdvised = native.searchReady && native.insertsSinceBuild > GROWN * native.rows;
  return { ...native, rebuildAdvised };
}

/** @internal */
export function planOf({ neighborGraph, query, kernels }: NativePlan): Plan {
  return { neighborGraph: choiceOf(neighborGraph), query: choiceOf(query), kernels };
}

function choiceOf(choice: NativeChoice): Choice {
  return { ...choice, seconds: choice.seconds ?? null, recall: choice.recall ?? null };
}
