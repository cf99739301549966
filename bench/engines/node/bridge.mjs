// This project's engine through its TypeScript API.
import { readFileSync } from "node:fs";
import { HnswIndex } from "../../../dist/index.js";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));

/** The index and twins of it on other numbers of threads, which have the same products. */
class Kept {
  #index;
  #threads;
  #twins = new Map();

  constructor(index, threads) {
    this.#index = index;
    this.#threads = threads;
    this.asked = index;
  }

  get index() {
    return this.#index;
  }

  async on(threads) {
    if (threads === this.#threads) return this.#index;
    if (!this.#twins.has(threads)) {
      this.#twins.set(threads, await HnswIndex.restore(await this.#index.dump(), { threads }));
    }
    return this.#twins.get(threads);
  }

  close() {
    for (const index of [this.#index, ...this.#twins.values()]) index.close();
  }
}

async function build(rows, { k, metric, options, threads }) {
  return new Kept(await HnswIndex.build(rows, { nNeighbors: k, metric, threads, seed: 42, ...options }), threads);
}

async function ready(rows, request) {
  const kept = await build(rows, request);
  await kept.index.prepare();
  return kept;
}

async function neighbors(kept) {
  return (await kept.index.neighborGraph()).indices.data;
}

async function query(kept, queries, { k, setting, threads }) {
  kept.asked = await kept.on(threads);
  return (await kept.asked.query(queries, { k, ...setting })).indices.data;
}

async function readyForRadius(rows, { metric, options }) {
  const index = await HnswIndex.build(rows, { metric, threads: 1, seed: 42, ...options });
  await index.prepare({ radius: true });
  return new Kept(index, 1);
}

/** One query a call. */
function within(kept, { data, shape: [, dim] }, { count, radius, most: maxResults }) {
  const counts = new Array(count);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const query = { data: data.subarray(i * dim, (i + 1) * dim), shape: [1, dim] };
    counts[i] = kept.index.radiusSearchSync(query, radius, { maxResults }).indices.length;
  }
  return { seconds: (performance.now() - start) / 1e3, counts };
}

/** One query a call, on one thread: two would share the rows of a query that compares all that match. */
async function filtered(kept, { data, shape: [, dim] }, { count, k, setting, bits }) {
  kept.asked = await kept.on(1);
  const index = kept.asked;
  const options = { k, ...setting, filter: { bits } };
  const indices = new Int32Array(count * k);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const query = { data: data.subarray(i * dim, (i + 1) * dim), shape: [1, dim] };
    indices.set(index.querySync(query, options).indices.data, i * k);
  }
  return { seconds: (performance.now() - start) / 1e3, indices };
}

/** Whatever the last change has put off, and one query. */
async function settle(kept, { data, shape: [, dim] }, { k, setting }) {
  await kept.index.prepare();
  await kept.index.query({ data: data.subarray(0, dim), shape: [1, dim] }, { k, ...setting });
}

async function remove(kept, ids) {
  await kept.index.delete(ids);
}

async function add(kept, fresh) {
  await kept.index.update({ fresh });
}

async function replace(kept, ids, rows) {
  await kept.index.replace(ids, rows);
}

async function save(kept, path) {
  await kept.index.save(path);
}

async function loadFile({ path, mmap, threads }) {
  return new Kept(await HnswIndex.load(path, { mmap, threads }), threads);
}

async function verify(path) {
  const { sound, problems } = await HnswIndex.verifyFile(path);
  if (!sound) throw new Error(problems.join("; "));
}

function describe(kept) {
  const { neighborGraph, query: asked, kernels } = kept.asked.plan;
  const plan = { neighbor_graph: neighborGraph, query: asked, kernels };
  return { plan, compute_s: kept.index.plan.neighborGraph.seconds };
}

export const load = () => ({
  versions: { "hnsw-bridge": version },
  build,
  neighbors,
  ready,
  query,
  readyForRadius,
  within,
  filtered,
  settle,
  remove,
  add,
  replace,
  save,
  loadFile,
  verify,
  describe,
  queryPlan: (kept) => kept.asked.plan.query,
  release: (kept) => kept.close(),
});
