/**
 * Compares the figures of a run with those of the baseline.
 */
import type { Figures, SearchFigures } from "./measure.ts";

/** Share by which a figure may be worse than the baseline's. */
const SLACK = 0.02;

/** One line for each figure of `seen` that is worse by more than 2 %. Throws if one of the baseline's is missing. */
export function worse(seen: Figures, baseline: Figures): string[] {
  const searches = Object.entries(baseline.search).flatMap(([width, expected]) => {
    const own = seen.search[width];
    if (own === undefined) throw new Error(`there is no search ${width}`);
    return worseSearch(`search ${width}`, own, expected);
  });
  const graph = lower("graph recall", seen.graph, baseline.graph);
  return [...graph, ...searches, ...worseSearch("updated", seen.updated, baseline.updated)];
}

function worseSearch(what: string, seen: SearchFigures, baseline: SearchFigures): string[] {
  return [
    ...lower(`${what} recall`, seen.recall, baseline.recall),
    ...higher(`${what} distances`, seen.distances, baseline.distances),
    ...higher(`${what} hops`, seen.hops, baseline.hops),
  ];
}

function lower(what: string, seen: number, baseline: number): string[] {
  return seen < baseline * (1 - SLACK) ? [`${what}: ${seen}, baseline ${baseline}`] : [];
}

function higher(what: string, seen: number, baseline: number): string[] {
  return seen > baseline * (1 + SLACK) ? [`${what}: ${seen}, baseline ${baseline}`] : [];
}
