/** Radius search: headers are read here and results of varying length sent; work is the TypeScript API's. */
import type { HnswIndex, RadiusOptions, RadiusResult, VectorInput } from "../src/index.ts";
import { ColumnFrames } from "./arrow/columns.ts";
import type { Call } from "./call.ts";
import { integersOf, numbersOf } from "./claims.ts";
import { openWindow, sendColumns } from "./download.ts";
import { protocolError } from "./errors.ts";
import { flag, type Header, number, optional, uint } from "./header.ts";
import { filterOf, indexOf, rowsFor } from "./index-operations.ts";
import { withReceived } from "./received.ts";
import type { Service } from "./service.ts";

/** What the result tells of a query, and an offset. */
const QUERY_BYTES = 26;
/** An id and a distance. */
const HIT_BYTES = 8;
const DEFAULT_MAX_RESULTS = 1000;
const MAX_RESULTS = 2 ** 24;

export async function radiusSearch(call: Call, service: Service): Promise<undefined> {
  const index = indexOf(call);
  const promised = rowsFor(index, call.header, service.limits);
  const radii = radiiOf(call);
  const options = { ...radiusOptions(call.header), ...filterOf(call) };
  openWindow(call, service.limits);
  checkSize(service, index, promised.rows, options);
  await withReceived(call, { queries: promised }, service, async ({ queries }) => {
    call.throwIfStopped();
    const found = await service.pace.beside(index, () =>
      call.compute((hooks) =>
        typeof radii === "number"
          ? index.radiusSearch(queries, radii, { ...options, ...hooks })
          : index.radiusSearchBatch(queries, radii, { ...options, ...hooks }),
      ),
    );
    await sendBalls(call, found, {}, service);
  });
  return undefined;
}

export async function radiusSearchById(call: Call, service: Service): Promise<undefined> {
  const index = indexOf(call);
  const ids = integersOf(call, call.header, "ids");
  const radii = radiiOf(call);
  const options = { ...radiusOptions(call.header), ...filterOf(call) };
  openWindow(call, service.limits);
  checkSize(service, index, ids.length, options);
  const found = await service.pace.beside(index, () =>
    call.compute((hooks) => index.radiusSearchById(ids, radii, { ...options, ...hooks })),
  );
  await sendBalls(call, found, {}, service);
  return undefined;
}

export async function searchWithTargetCount(call: Call, service: Service): Promise<undefined> {
  const { header } = call;
  const index = indexOf(call);
  const promised = rowsFor(index, header, service.limits);
  const target = uint(header, "target", 1, service.limits.maxRows);
  const { maxResults: _, ...options } = { ...radiusOptions(header), ...filterOf(call) };
  const tolerance = optional(header, "tolerance", number);
  const startRadius = optional(header, "start_radius", number);
  openWindow(call, service.limits);
  service.memory.fit(`result of ${target} rows`, 2 * Math.min(target, index.size), HIT_BYTES);
  await withReceived(call, { query: promised }, service, async ({ query }) => {
    call.throwIfStopped();
    const found = await service.pace.beside(index, () =>
      call.compute((hooks) =>
        index.searchWithTargetCount(query, target, {
          ...options,
          ...(tolerance !== undefined && { tolerance }),
          ...(startRadius !== undefined && { startRadius }),
          ...hooks,
        }),
      ),
    );
    const { radius, reached, searches } = found;
    // JSON has no infinity; a radius is infinite only where a distance is.
    const told = { radius: Number.isFinite(radius) ? radius : null, reached, searches };
    await sendBalls(call, found, told, service);
  });
  return undefined;
}

export async function estimateCount(call: Call, service: Service): Promise<undefined> {
  const index = indexOf(call);
  const promised = rowsFor(index, call.header, service.limits);
  const radii = radiiOf(call);
  const sample = optional(call.header, "sample", number);
  const filter = filterOf(call);
  openWindow(call, service.limits);
  await withReceived(call, { queries: promised }, service, async ({ queries }) => {
    call.throwIfStopped();
    const options = { ...filter, ...(sample !== undefined && { sample }) };
    const { counts, low, high } = await service.pace.beside(index, () =>
      call.compute((hooks) => index.estimateCount(queries, radii, { ...options, ...hooks })),
    );
    const parts = [{ part: "estimates", frames: new ColumnFrames({ counts, low, high }) }];
    await sendColumns(call, "estimates", { rows: promised.rows }, parts, service.limits);
  });
  return undefined;
}

/** First a value of each query, then all hits, one query's after another's. */
async function sendBalls(call: Call, found: RadiusResult, told: object, service: Service): Promise<void> {
  const { offsets, indices, distances, visited, candidates, largestDistance, truncated, exact, ms } = found;
  const rows = visited.length;
  const hits = Int32Array.from({ length: rows }, (_, i) => (offsets[i + 1] ?? 0) - (offsets[i] ?? 0));
  const parts = [
    {
      part: "queries",
      frames: new ColumnFrames({
        hits,
        visited,
        candidates,
        largest_distance: largestDistance,
        truncated,
        exact,
        ms,
      }),
    },
    { part: "hits", frames: new ColumnFrames({ indices, distances }) },
  ];
  service.counters.rowsSent += rows;
  await sendColumns(call, "radius", { ...told, rows, hits: indices.length }, parts, service.limits);
}

function radiusOptions(header: Header): RadiusOptions {
  const maxResults = optional(header, "max_results", (of, name) => uint(of, name, 1, MAX_RESULTS));
  const minRecall = optional(header, "min_recall", number);
  const sort = optional(header, "sort", flag);
  const expansionFactor = optional(header, "expansion_factor", number);
  const efSearch = optional(header, "ef_search", number);
  const exact = optional(header, "exact", flag);
  return {
    ...(maxResults !== undefined && { maxResults }),
    ...(minRecall !== undefined && { minRecall }),
    ...(sort !== undefined && { sort }),
    ...(expansionFactor !== undefined && { expansionFactor }),
    ...(efSearch !== undefined && { efSearch }),
    ...(exact !== undefined && { exact }),
  };
}

/** One radius, or one for each query. */
function radiiOf(call: Call): number | VectorInput {
  const { header } = call;
  if ((header.radius == null) === (header.radii == null)) throw protocolError("radius and radii, allowed: one of them");
  return header.radii == null ? number(header, "radius") : numbersOf(call, header, "radii");
}

/** Refuses a result that could be too large, before it is computed. */
function checkSize({ memory }: Service, index: HnswIndex, rows: number, options: RadiusOptions): void {
  const most = Math.min(options.maxResults ?? DEFAULT_MAX_RESULTS, index.size);
  memory.fit(`result of ${rows} x up to ${most}`, rows, QUERY_BYTES + HIT_BYTES * most);
}
