/**
 * The service without a server: its operations for a Python that runs in this very process, inside Pyodide.
 *
 *   hnsw_bridge._pyodide (Python)  -- calls -->  these functions  -->  the API's Sync twins
 *
 * Rows and results are Python's own memory (heap.ts); all else passes as JSON, with the names of docs/protocol.md.
 * What may not enter: sockets, Arrow, and anything that waits.
 */
import { availableParallelism } from "node:os";
import { BitBuffer, HnswError, HnswIndex, metrics, type Neighbors, RowBuffer } from "../src/index.ts";
import type { Claiming } from "./claims.ts";
import { toFailure } from "./errors.ts";
import { fillFloats, fillIntegers, type PythonBuffer, withBytes, withIntegers } from "./heap.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { buildOptions, effortOf, wireNames } from "./options.ts";
import { jsonValue } from "./outbox.ts";
import { PROTOCOL, SERVER, VERSION } from "./version.ts";

const FEATURES = [
  ...["update.append", "update.replace", "rows.bits", "metric.params", "quantization", "graph_recall", "dump", "plan"],
];

const BOUNDS = { limits: DEFAULT_LIMITS, threads: undefined };

/** Values are for headers that are too large; here a list of numbers may have any length. */
const NO_VALUES: Claiming = {
  claim(id) {
    throw new HnswError("ERR_UNKNOWN_ID", `no value ${id}, allowed: lists of numbers`);
  },
};

/**
 * What Python finds as the module `hnsw_bridge_js`: functions, which are between the two halves of this package. What
 * they throw has a `code` of the API.
 */
export function engineModule(): object {
  const counted = new Map<string, number>();
  const open = new Set<HnswIndex>();
  return answering(counted, {
    hello: () => toJson(greeting()),
    stats: () =>
      toJson({ server: { version: VERSION, calls: Object.fromEntries(counted) }, session: { indexes: open.size } }),
    rows: (rows: number, dim: number, dtype: string) => answering(undefined, rowCalls(rows, dim, dtype)),
    build: (rows: Rows, options: string) => {
      const index = HnswIndex.buildSync(rows.content, buildOptions(NO_VALUES, JSON.parse(options), BOUNDS));
      open.add(index);
      return answering(
        counted,
        indexCalls(index, () => open.delete(index)),
      );
    },
  });
}

function greeting(): object {
  const threads = availableParallelism();
  return {
    protocol: PROTOCOL[1],
    server: SERVER,
    features: FEATURES,
    session: "",
    limits: DEFAULT_LIMITS,
    metrics: metrics(),
    threads,
  };
}

type Rows = ReturnType<typeof rowCalls>;

/** Rows in the core's memory, written block by block. */
function rowCalls(rows: number, dim: number, dtype: string) {
  const content = (dtype === "uint8" ? BitBuffer : RowBuffer).allocate(rows, dim);
  return {
    content,
    write: (start: number, block: PythonBuffer) => withBytes(block, (bytes) => content.write(start, bytes)),
    dispose: () => content.dispose(),
  };
}

function indexCalls(index: HnswIndex, onClose: () => void) {
  return {
    reply: toJson({ n_neighbors: index.nNeighbors, parameters: wireNames(index.parameters) }),
    neighborGraph: (indices: PythonBuffer, distances: PythonBuffer) =>
      handOver(index.neighborGraphSync(), indices, distances),
    query: (rows: Rows, k: number, options: string, indices: PythonBuffer, distances: PythonBuffer) =>
      handOver(index.querySync(rows.content, { k, ...effortOf(JSON.parse(options)) }), indices, distances),
    update: (updated: Rows | undefined, ids: PythonBuffer | undefined, fresh: Rows | undefined) => {
      const appended = fresh && { fresh: fresh.content };
      if (updated === undefined || ids === undefined) index.updateSync({ ...appended });
      else {
        withIntegers(ids, (updatedIndices) =>
          index.updateSync({ updated: updated.content, updatedIndices, ...appended }),
        );
      }
    },
    prepare: () => index.prepareSync(),
    dump: () => index.dumpSync({ rows: false }),
    attach: (products: PythonBuffer) => withBytes(products, (bytes) => index.attachSync(bytes)),
    plan: () => toJson(wireNames(index.plan)),
    stats: () => toJson({ metric: index.metric, plan: wireNames(index.plan), ...index.stats() }),
    verify: () => toJson(wireNames(index.verifySync())),
    close: () => {
      index.close();
      onClose();
    },
  };
}

/** The API's results are contiguous. */
function handOver(found: Neighbors, indices: PythonBuffer, distances: PythonBuffer): void {
  fillIntegers(indices, found.indices.data);
  fillFloats(distances, found.distances.data);
}

function toJson(value: object): string {
  return JSON.stringify(value, jsonValue);
}

/** The same functions, counted by their names on the wire, and with a code on all that they throw. */
function answering<T extends object>(counted: Map<string, number> | undefined, calls: T): T {
  const wrapped = Object.entries(calls).map(([name, call]) => {
    if (typeof call !== "function") return [name, call];
    const [op = name] = Object.keys(wireNames({ [name]: 0 }));
    return [
      name,
      (...given: unknown[]) => {
        counted?.set(op, (counted.get(op) ?? 0) + 1);
        try {
          return call(...given);
        } catch (thrown) {
          throw coded(thrown);
        }
      },
    ];
  });
  return Object.fromEntries(wrapped);
}

function coded(thrown: unknown): HnswError {
  if (thrown instanceof HnswError) return thrown;
  const { code, message, unexpected } = toFailure(thrown);
  return new HnswError(code, unexpected ? String(thrown) : message, { cause: thrown });
}
