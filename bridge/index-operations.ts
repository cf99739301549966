/** Operations on indices: build one, ask it, change it. Headers are read here; work is the TypeScript API's. */
import {
  type Answer,
  type Filter,
  HnswError,
  HnswIndex,
  type MatrixInput,
  type Neighbors,
  type QueryOptions,
} from "../src/index.ts";
import { ColumnFrames } from "./arrow/columns.ts";
import type { ResultArrays } from "./arrow/results.ts";
import type { Call } from "./call.ts";
import { bytesOf, integersOf } from "./claims.ts";
import { checkResultSize, openWindow, sendColumns, sendResult } from "./download.ts";
import { invalidArgument, protocolError } from "./errors.ts";
import { flag, type Header, number, object, optional, text, uint } from "./header.ts";
import type { Limits } from "./limits.ts";
import { buildOptions, effortOf, outcomeOf, wireNames } from "./options.ts";
import { fewRows, type PromisedRows, promisedRows } from "./promised.ts";
import { withReceived } from "./received.ts";
import type { Service } from "./service.ts";

const ID_BYTES = 4;
/** Queries of a call whose work is told one by one. */
const MOST_TOLD = 10_000;

export async function build(call: Call, service: Service): Promise<object> {
  const { limits } = service;
  service.sessions.checkRoom();
  const rows = promisedRows(call.header, limits);
  const options = buildOptions(call, optional(call.header, "options", object) ?? {}, service);
  return withReceived(call, { rows }, service, async (received) =>
    keep(call, await call.compute((hooks) => HnswIndex.build(received.rows, { ...options, ...hooks }))),
  );
}

/** Gives a new index to the session, unless nobody wants it any more. The reply about it. */
export function keep(call: Call, index: HnswIndex): { readonly index: string } {
  if (call.stopped !== undefined) index.close();
  call.throwIfStopped();
  return { index: call.connection.session.add(index), ...describe(index) };
}

function describe({ size, nextId, dim, form, metric, nNeighbors, plan, parameters }: HnswIndex): object {
  const shape = { rows: size, next_id: nextId, dim, form, metric, n_neighbors: nNeighbors };
  return { ...shape, plan: wireNames(plan), parameters: wireNames(parameters) };
}

export async function query(call: Call, service: Service): Promise<undefined> {
  const { limits, memory, pace } = service;
  const index = indexOf(call);
  const promised = rowsFor(index, call.header, limits);
  const k = uint(call.header, "k", 0, limits.maxK);
  const options: QueryOptions = { k, ...effortOf(call.header), ...outcomeOf(call), ...filterOf(call) };
  checkTold(options, promised.rows);
  openWindow(call, limits);
  checkResultSize(memory, promised.rows, k);
  const asked = `${promised.rows} ${JSON.stringify({ ...options, filter: undefined })}`;
  const few = options.filter === undefined && promised.form === "dense" && pace.isQuick(index, asked);
  await withReceived(call, { queries: few ? fewRows(promised) : promised }, service, async ({ queries }) => {
    call.throwIfStopped();
    const here = () => index.querySync(queries, options);
    const beside = () => call.compute((hooks) => index.query(queries, { ...options, ...hooks }));
    const hits = options.filter === undefined ? pace.query(index, asked, here, beside) : pace.beside(index, beside);
    const answer = await hits;
    await sendResult(call, arrays(answer), promised.rows, k, service, told(answer));
  });
}

export async function neighborGraph(call: Call, service: Service): Promise<undefined> {
  const index = indexOf(call);
  openWindow(call, service.limits);
  checkResultSize(service.memory, index.size, index.nNeighbors);
  const graph = await service.pace.beside(index, () => call.compute((hooks) => index.neighborGraph(hooks)));
  const [rows = 0, k = 0] = graph.indices.shape;
  await sendResult(call, arrays(graph), rows, k, service);
}

/** What is told of each query goes with a header, which must stay small. */
function checkTold({ profile, efSteps }: QueryOptions, queries: number): void {
  if ((profile === true || efSteps !== undefined) && queries > MOST_TOLD)
    throw invalidArgument("queries with profile or ef_steps", queries, `at most ${MOST_TOLD} a call`);
}

function told({ efUsed, profile }: Answer): object {
  const { visited, distances, hops, ...whole } = profile ?? {};
  const of = (counts: Uint32Array | undefined) => counts && Array.from(counts);
  return {
    ...(efUsed && { ef_used: of(efUsed) }),
    ...(profile && { profile: { ...whole, visited: of(visited), distances: of(distances), hops: of(hops) } }),
  };
}

/** Builds the search index anew; the reply tells its parameters. */
export async function rebuild(call: Call, service: Service): Promise<object> {
  const index = indexOf(call);
  const m = optional(call.header, "m", number);
  const efConstruction = optional(call.header, "ef_construction", number);
  const options = { ...(m !== undefined && { m }), ...(efConstruction !== undefined && { efConstruction }) };
  await service.pace.beside(index, () => call.compute((hooks) => index.rebuild({ ...options, ...hooks })));
  return { parameters: wireNames(index.parameters) };
}

/** `ids`, or `bits` or `roaring` as a value of uint8. */
export function filterOf(call: Call): { filter?: Filter } {
  const part = optional(call.header, "filter", object);
  if (part === undefined) return {};
  const given = ["ids", "bits", "roaring"].filter((form) => part[form] != null);
  if (given.length !== 1) throw protocolError("ids, bits and roaring of filter, allowed: one of them");
  if (part.ids != null) return { filter: integersOf(call, part, "ids") };
  if (part.bits != null) return { filter: { bits: bytesOf(call, part, "bits") } };
  return { filter: { roaring: bytesOf(call, part, "roaring") } };
}

/** Replaced rows come first, then the appended ones, in one stream. Rows that are removed are named by the header alone. */
export async function update(call: Call, service: Service): Promise<object> {
  const index = indexOf(call);
  const parts = changedParts(call, index, service.limits);
  const updatedIndices = idsOf(call);
  const removed = removedIds(call);
  if (removed === undefined && parts.updated === undefined && parts.fresh === undefined)
    throw protocolError("none of removed, updated and fresh, allowed: one or more");
  const apply = async (received: Record<string, MatrixInput>): Promise<object> => {
    const changes = {
      ...received,
      ...(updatedIndices !== undefined && { updatedIndices }),
      ...(removed !== undefined && { removed }),
    };
    const added = await service.pace.beside(index, () => call.compute((hooks) => index.update(changes, hooks)));
    return { rows: index.size, ...(added.length > 0 && { first_id: added[0] }) };
  };
  return Object.keys(parts).length === 0 ? apply({}) : withReceived(call, parts, service, apply);
}

/** In the order in which they are sent. */
type ChangedParts = { readonly updated?: PromisedRows; readonly fresh?: PromisedRows };

function changedParts(call: Call, index: HnswIndex, limits: Limits): ChangedParts {
  const [updated, fresh] = ["updated", "fresh"].map((name) => {
    const part = optional(call.header, name, object);
    return part && rowsFor(index, part, limits);
  });
  return { ...(updated && { updated }), ...(fresh && { fresh }) };
}

/** The ids of replaced rows; that there is one for each is checked before the rows come. */
function idsOf(call: Call): number[] | Int32Array | undefined {
  const part = optional(call.header, "updated", object);
  if (part === undefined) return undefined;
  const ids = integersOf(call, part, "indices");
  if (ids.length === part.rows) return ids;
  throw new HnswError("ERR_DIMENSION_MISMATCH", `${ids.length} indices for ${part.rows} updated rows`);
}

function removedIds(call: Call): number[] | Int32Array | undefined {
  return call.header.removed == null ? undefined : integersOf(call, call.header, "removed");
}

/** The id of each row, ascending. */
export async function ids(call: Call, service: Service): Promise<undefined> {
  const index = indexOf(call);
  openWindow(call, service.limits);
  service.memory.fit(`ids of ${index.size} rows`, index.size, ID_BYTES);
  const parts = [{ part: "ids", frames: new ColumnFrames({ ids: index.ids() }) }];
  await sendColumns(call, "ids", { rows: index.size }, parts, service.limits);
  return undefined;
}

export async function prepare(call: Call, service: Service): Promise<object> {
  const index = indexOf(call);
  const radius = flag(call.header, "radius");
  await service.pace.beside(index, () => call.compute((hooks) => index.prepare({ radius, ...hooks })));
  return { plan: wireNames(index.plan) };
}

export function indexOf(call: Call): HnswIndex {
  return call.connection.session.index(text(call.header, "index"));
}

/** The promise of rows that fit `index`. Throws ERR_DIMENSION_MISMATCH, ERR_INVALID_ARGUMENT for another form. */
export function rowsFor(index: HnswIndex, header: Header, limits: Limits): PromisedRows {
  const promised = promisedRows(header, limits);
  if (promised.form !== index.form) throw invalidArgument("form of the rows", promised.form, index.form);
  if (promised.dim === index.dim) return promised;
  throw new HnswError("ERR_DIMENSION_MISMATCH", `rows have ${promised.dim} columns, expected ${index.dim}`);
}

/** The API's results are fresh and contiguous, so their memory is the result. */
function arrays({ indices, distances }: Neighbors): ResultArrays {
  return { indices: indices.data, distances: distances.data };
}
