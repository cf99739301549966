// Hosts one engine for the bench: a request per line on stdin, a reply per line on stdout.
//
//     node host.mjs MODULE FOLDER_OF_PEERS
//
// MODULE.mjs beside this file exports `load(require, folder)`, which imports the library and resolves with an engine:
// versions, ready(rows, { k, metric, options, threads }), query(index, rows, { k, setting, threads }) -> Int32Array,
// and if it has them build and neighbors (else ready, and a query of all rows), readyForRadius(rows, { metric, options })
// and within(index, rows, { count, radius, most }) -> { seconds, counts }, filtered(index, rows, { count, k, setting,
// bits }) -> { seconds, indices }, remove(index, ids), add(index, rows), replace(index, ids, rows), save(index, path),
// loadFile({ path, mmap, threads }), verify(path) and settle(index, queries, { k, setting }), queryPlan(index),
// describe(index) and release(index).
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { readNpy } from "./npy.mjs";

const [module, peers] = process.argv.slice(2);
const indexes = new Map();
let engine;
let allThreads = 1;
let data = {};

const operations = {
  async start({ threads }) {
    allThreads = threads;
    const { load } = await import(`./${module}.mjs`);
    engine = await load(createRequire(join(peers, "package.json")), peers);
    return { versions: engine.versions };
  },
  take({ files }) {
    data = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, readNpy(file)]));
    return { data_mb: peakMegabytes() };
  },
  async build(request) {
    const make = engine.build ?? engine.ready;
    return keep(await make(data.rows, { ...request, threads: allThreads }));
  },
  async ready(request) {
    return keep(await engine.ready(data[request.of ?? "rows"], { ...request, threads: allThreads }));
  },
  save: ({ index, path }) => engine.save(indexes.get(index), path),
  async load(request) {
    return keep(await engine.loadFile({ ...request, threads: allThreads }));
  },
  verify: ({ path }) => engine.verify(path),
  settle: ({ index, ...asked }) => engine.settle(indexes.get(index), data.queries, asked),
  remove: ({ index, ids }) => engine.remove(indexes.get(index), ids),
  add: ({ index, of }) => engine.add(indexes.get(index), data[of]),
  replace: ({ index, ids, of }) => engine.replace(indexes.get(index), ids, data[of]),
  async neighbors({ index, k, setting, file }) {
    const found = indexes.get(index);
    const all = { k, setting, threads: allThreads };
    write(file, engine.neighbors ? await engine.neighbors(found, all) : await engine.query(found, data.rows, all));
  },
  async query({ index, k, setting, threads, count, file }) {
    const queries = firstOf(data.queries, count);
    write(file, await engine.query(indexes.get(index), queries, { k, setting, threads }));
  },
  async ready_for_radius(request) {
    return keep(await engine.readyForRadius(data.rows, request));
  },
  within: ({ index, ...asked }) => engine.within(indexes.get(index), data.queries, asked),
  async filtered({ index, bits, file, ...asked }) {
    const filter = new Uint8Array(readFileSync(bits));
    const { seconds, indices } = await engine.filtered(indexes.get(index), data.queries, { ...asked, bits: filter });
    write(file, indices);
    return { seconds };
  },
  query_plan: ({ index }) => ({ plan: engine.queryPlan?.(indexes.get(index)) ?? null }),
  describe: ({ index }) => engine.describe?.(indexes.get(index)) ?? {},
  release({ index }) {
    engine.release?.(indexes.get(index));
    indexes.delete(index);
  },
};

/** As many of the rows, where they lie. */
function firstOf({ data: values, shape: [, dim] }, count) {
  return { data: values.subarray(0, count * dim), shape: [count, dim] };
}

function keep(index) {
  const id = indexes.size;
  indexes.set(id, index);
  return { index: id };
}

function write(file, indices) {
  writeFileSync(file, new Uint8Array(indices.buffer, indices.byteOffset, indices.byteLength));
}

/** High-water mark in MB of 1 000 000 bytes; what the process has now where the system does not tell. */
function peakMegabytes() {
  try {
    const line = readFileSync("/proc/self/status", "utf8").match(/^VmHWM:\s+(\d+)/m);
    return (Number(line[1]) * 1024) / 1e6;
  } catch {
    return process.memoryUsage.rss() / 1e6;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...request } = JSON.parse(line);
  let reply;
  try {
    reply = (await operations[op](request)) ?? {};
  } catch (error) {
    reply = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
