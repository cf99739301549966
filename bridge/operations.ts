/**
 * What clients can ask for: one function per `op`, a name to find it by.
 *
 * An operation reads its header, calls the TypeScript API and returns the reply, or sends results itself
 * and returns nothing. Whatever it throws becomes the answer of its call and of no other. Sockets may
 * not enter here, and neither may algorithms.
 */
import { HnswError, HnswIndex, type Neighbors, type QueryOptions } from "../src/index.ts";
import type { ResultArrays } from "./arrow/results.ts";
import type { Call } from "./call.ts";
import { checkResultSize, openWindow, sendResult } from "./download.ts";
import { protocolError, show } from "./errors.ts";
import { type Header, number, object, optional, protocolUint, text, uint } from "./header.ts";
import type { Limits } from "./limits.ts";
import { buildOptions, wireNames } from "./options.ts";
import type { Service } from "./service.ts";
import { statsReply } from "./stats-reply.ts";
import { type Promised, receiveRows } from "./upload.ts";

export type Operation = (call: Call, service: Service) => Promise<object | undefined>;

async function build(call: Call, service: Service): Promise<object> {
  const promised = promisedRows(call.header, service.limits);
  const options = buildOptions(optional(call.header, "options", object) ?? {}, service.limits);
  const rows = await receiveRows(call, promised, service);
  try {
    const index = await call.compute((hooks) => HnswIndex.build(rows, { ...options, ...hooks }));
    if (call.stopped !== undefined) index.close();
    call.throwIfStopped();
    return { index: call.connection.session.add(index), ...describe(index) };
  } finally {
    rows.dispose();
  }
}

function describe(index: HnswIndex): object {
  const { size, dim, metric, nNeighbors, plan, parameters } = index;
  return { rows: size, dim, metric, n_neighbors: nNeighbors, plan: wireNames(plan), parameters: wireNames(parameters) };
}

async function query(call: Call, service: Service): Promise<undefined> {
  const index = indexOf(call);
  const promised = promisedRows(call.header, service.limits);
  checkWidth(promised, index);
  const k = uint(call.header, "k", 0, service.limits.maxK);
  const options: QueryOptions = { k, ...effort(call.header) };
  openWindow(call, service.limits);
  checkResultSize(promised.rows, k);
  const rows = await receiveRows(call, promised, service);
  try {
    const found = await call.compute((hooks) => index.query(rows, { ...options, ...hooks }));
    await sendResult(call, arrays(found), promised.rows, k, service.limits);
  } finally {
    rows.dispose();
  }
}

function effort(header: Header): { epsilon?: number; ef?: number } {
  const epsilon = optional(header, "epsilon", number);
  const ef = optional(header, "ef", number);
  return { ...(epsilon !== undefined && { epsilon }), ...(ef !== undefined && { ef }) };
}

async function neighborGraph(call: Call, service: Service): Promise<undefined> {
  const index = indexOf(call);
  openWindow(call, service.limits);
  checkResultSize(index.size, index.nNeighbors);
  const graph = await call.compute((hooks) => index.neighborGraph(hooks));
  const [rows = 0, k = 0] = graph.indices.shape;
  await sendResult(call, arrays(graph), rows, k, service.limits);
}

async function update(call: Call, service: Service): Promise<object> {
  const index = indexOf(call);
  const promised = promisedRows(object(call.header, "fresh"), service.limits);
  checkWidth(promised, index);
  const rows = await receiveRows(call, promised, service);
  try {
    const { session } = call.connection;
    await call.compute((hooks) =>
      session.change(text(call.header, "index"), () => index.update({ fresh: rows }, hooks)),
    );
    return { rows: index.size };
  } finally {
    rows.dispose();
  }
}

async function prepare(call: Call): Promise<object> {
  const index = indexOf(call);
  await call.compute((hooks) => index.prepare(hooks));
  const { plan } = await call.connection.session.settled(text(call.header, "index"));
  return { plan: wireNames(plan) };
}

async function stats(call: Call, service: Service): Promise<object> {
  const id = optional(call.header, "index", text);
  const { session } = call.connection;
  return statsReply(session, service, id === undefined ? undefined : { id, index: await session.settled(id) });
}

async function close(call: Call): Promise<object> {
  call.connection.session.close(text(call.header, "index"));
  return {};
}

async function ping(): Promise<object> {
  return {};
}

async function cancel(call: Call): Promise<object> {
  const target = call.connection.calls.get(protocolUint(call.header, "target"));
  if (target === undefined || target === call) return { found: false };
  target.stop(new HnswError("ERR_CANCELLED", "cancelled by the client"));
  return { found: true };
}

/** The connection leaves when this reply has been queued; see the server's loop. */
async function goodbye(call: Call): Promise<object> {
  call.connection.abandonCalls(call);
  return {};
}

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ["build", build],
  ["query", query],
  ["neighbor_graph", neighborGraph],
  ["update", update],
  ["prepare", prepare],
  ["stats", stats],
  ["close", close],
  ["ping", ping],
  ["cancel", cancel],
  ["goodbye", goodbye],
]);

function indexOf(call: Call): HnswIndex {
  return call.connection.session.index(text(call.header, "index"));
}

function promisedRows(header: Header, limits: Limits): Promised {
  if (header.dtype !== "float32") throw protocolError(`dtype is ${show(header.dtype)}, allowed: "float32"`);
  return { rows: uint(header, "rows", 0, limits.maxRows), dim: uint(header, "dim", 1, limits.maxDim) };
}

function checkWidth(promised: Promised, index: HnswIndex): void {
  if (promised.dim === index.dim) return;
  throw new HnswError("ERR_DIMENSION_MISMATCH", `rows have ${promised.dim} columns, expected ${index.dim}`);
}

/** The API's results are fresh and contiguous, so their memory is the result. */
function arrays({ indices, distances }: Neighbors): ResultArrays {
  return { indices: indices.data, distances: distances.data };
}
