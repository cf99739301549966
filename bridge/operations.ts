/**
 * What clients can ask for: one function per `op`, a name to find it by.
 *
 * An operation reads its header, calls the TypeScript API and returns the reply, or sends results itself
 * and returns nothing. Whatever it throws becomes the answer of its call and of no other. Sockets may
 * not enter here, and neither may algorithms.
 */
import { HnswError } from "../src/index.ts";
import type { Call } from "./call.ts";
import { attach, dump, importHnswlib, load, put } from "./copy-operations.ts";
import { protocolError } from "./errors.ts";
import { number, optional, protocolUint, text } from "./header.ts";
import { build, ids, indexOf, neighborGraph, prepare, query, rebuild, update } from "./index-operations.ts";
import { effortOf, wireNames } from "./options.ts";
import { estimateCount, radiusSearch, radiusSearchById, searchWithTargetCount } from "./radius-operations.ts";
import type { Service } from "./service.ts";
import { statsReply } from "./stats-reply.ts";

export type Operation = (call: Call, service: Service) => Promise<object | undefined>;

async function stats(call: Call, service: Service): Promise<object> {
  const id = optional(call.header, "index", text);
  const { session } = call.connection;
  return statsReply(session, service, id === undefined ? undefined : { id, index: session.index(id) });
}

async function plan(call: Call): Promise<object> {
  return { plan: wireNames(indexOf(call).plan) };
}

async function verify(call: Call, service: Service): Promise<object> {
  const index = indexOf(call);
  const found = await service.pace.beside(index, () => call.compute((hooks) => index.verify(hooks)));
  return { verification: wireNames(found) };
}

async function recall(call: Call, service: Service): Promise<object> {
  const { header } = call;
  const index = indexOf(call);
  const sample = optional(header, "sample", number);
  const k = optional(header, "k", number);
  const options = { ...effortOf(header), ...(sample !== undefined && { sample }), ...(k !== undefined && { k }) };
  const ask = () => call.compute((hooks) => index.recall({ ...options, ...hooks }));
  return { recall: wireNames(await service.pace.beside(index, ask)) };
}

/** Frees an index or a value. */
async function close(call: Call): Promise<object> {
  const { header } = call;
  const { session } = call.connection;
  const value = optional(header, "value", text);
  if (value !== undefined && header.index != null) throw protocolError("index and value, allowed: one of them");
  if (value === undefined) session.close(text(header, "index"));
  else session.values.take(value).dispose();
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
  ["rebuild", rebuild],
  ["neighbor_graph", neighborGraph],
  ["radius_search", radiusSearch],
  ["radius_search_by_id", radiusSearchById],
  ["search_with_target_count", searchWithTargetCount],
  ["estimate_count", estimateCount],
  ["update", update],
  ["ids", ids],
  ["prepare", prepare],
  ["put", put],
  ["dump", dump],
  ["load", load],
  ["import_hnswlib", importHnswlib],
  ["attach", attach],
  ["plan", plan],
  ["recall", recall],
  ["stats", stats],
  ["verify", verify],
  ["close", close],
  ["ping", ping],
  ["cancel", cancel],
  ["goodbye", goodbye],
]);
