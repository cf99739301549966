import { describe, expect, it } from "vitest";
import { HnswIndex, type Progress } from "../../src/index.ts";
import { uniformRows } from "../support/random.ts";

/** All pairs by powers: no fast path, so that a call lasts seconds on any machine. */
const SLOW = { metric: "minkowski", p: 3.5, algorithm: "exact", nNeighbors: 5 } as const;

function slowIndex(rows = 12_000): HnswIndex {
  return HnswIndex.buildSync(uniformRows(rows, 64), SLOW);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves at the first progress that shows work done. */
function firstProgress() {
  const seen: Progress[] = [];
  let started = () => {};
  const working = new Promise<void>((resolve) => {
    started = resolve;
  });
  const onProgress = (progress: Progress) => {
    seen.push(progress);
    if (progress.done > 0) started();
  };
  return { seen, working, onProgress };
}

describe("the event loop", () => {
  it("stays free during a long call: a 10 ms timer keeps ticking", async () => {
    const index = slowIndex(2000);
    let ticks = 0;
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      ticks++;
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 10);
    const start = performance.now();
    await index.neighborGraph();
    const elapsed = performance.now() - start;
    clearInterval(timer);
    // A blocked loop gives 0 or 1 ticks; a free one on a busy machine still gives a good share of one per 10 ms.
    expect(elapsed).toBeGreaterThan(100);
    expect(ticks).toBeGreaterThanOrEqual(Math.floor(elapsed / 50));
    expect(longest).toBeLessThan(elapsed / 2);
  });

  it("is not kept waiting by libuv's own pool: more calls than its threads run at once", async () => {
    const index = slowIndex();
    const controllers = Array.from({ length: 8 }, () => new AbortController());
    const long = controllers.map(({ signal }) => index.neighborGraph({ signal }).catch((error) => error.code));
    const quick = HnswIndex.buildSync(uniformRows(100, 4), { nNeighbors: 5 });
    expect((await quick.query(uniformRows(3, 4), { k: 2 })).indices.shape).toEqual([3, 2]);
    for (const controller of controllers) controller.abort();
    expect(new Set(await Promise.all(long))).toEqual(new Set(["ERR_CANCELLED"]));
  });
});

describe("cancel", () => {
  it("rejects with ERR_CANCELLED soon, and progress stops", async () => {
    const index = slowIndex();
    const { seen, working, onProgress } = firstProgress();
    const controller = new AbortController();
    const call = index.neighborGraph({ signal: controller.signal, onProgress });
    await working;
    const reason = new Error("changed my mind");
    const aborted = performance.now();
    controller.abort(reason);
    await expect(call).rejects.toMatchObject({ code: "ERR_CANCELLED", cause: reason });
    // 200 ms is promised; a machine that is busy with other things gets more.
    expect(performance.now() - aborted).toBeLessThan(2000);
    const { done, total } = seen.at(-1) as Progress;
    expect(done).toBeLessThan(total);
    const heard = seen.length;
    await sleep(200);
    expect(seen.length).toBe(heard);
  });

  it.each<[string, (index: HnswIndex, signal: AbortSignal) => Promise<unknown>]>([
    ["build", (_, signal) => HnswIndex.build(uniformRows(10, 4), { signal })],
    ["neighborGraph", (index, signal) => index.neighborGraph({ signal })],
    ["query", (index, signal) => index.query(uniformRows(10, 64), { signal })],
    ["radiusSearch", (index, signal) => index.radiusSearch(uniformRows(10, 64), 1, { signal })],
    ["radiusSearchById", (index, signal) => index.radiusSearchById([1], 1, { signal })],
    ["searchWithTargetCount", (index, signal) => index.searchWithTargetCount(uniformRows(1, 64), 1, { signal })],
    ["estimateCount", (index, signal) => index.estimateCount(uniformRows(10, 64), 1, { signal })],
    ["update", (index, signal) => index.update({ fresh: uniformRows(10, 64) }, { signal })],
    ["replacing", (index, signal) => index.update({ updated: uniformRows(1, 64), updatedIndices: [0] }, { signal })],
    ["prepare", (index, signal) => index.prepare({ signal })],
    ["dump", (index, signal) => index.dump({ signal })],
    ["restore", (index, signal) => HnswIndex.restore(index.dumpSync(), { signal })],
    ["attach", (index, signal) => index.attach(index.dumpSync(), { signal })],
  ])("before %s begins, nothing is done", async (_, call) => {
    const index = slowIndex(50);
    const signal = AbortSignal.abort("early");
    await expect(call(index, signal)).rejects.toMatchObject({ code: "ERR_CANCELLED", cause: "early" });
    expect(index.size).toBe(50);
  });

  it("reaches a build that still reads its rows", async () => {
    const data = new Float64Array(20_000_000);
    const controller = new AbortController();
    const call = HnswIndex.build({ data, shape: [20_000, 1000] }, { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: "ERR_CANCELLED" });
  });

  it("leaves the index usable", async () => {
    const index = slowIndex(5000);
    const controller = new AbortController();
    const { working, onProgress } = firstProgress();
    const call = index.neighborGraph({ signal: controller.signal, onProgress });
    await working;
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    const { indices } = await index.query(uniformRows(2, 64), { k: 1 });
    expect([...indices.data]).toEqual([0, 1]);
  });

  it("leaves no listener on the signal", async () => {
    const { signal } = new AbortController();
    let listening = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listening++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listening--;
      remove(...args);
    };
    const index = await HnswIndex.build(uniformRows(100, 4), { signal });
    await index.query(uniformRows(3, 4), { signal });
    await index.prepare({ signal });
    expect(listening).toBe(0);
  });
});

describe("progress", () => {
  it.each(["exact", "hnsw"] as const)("is monotone in each phase, from 0 to the total (%s)", async (algorithm) => {
    const seen: Progress[] = [];
    const onProgress = (progress: Progress) => seen.push(progress);
    const index = HnswIndex.buildSync(uniformRows(9000, 16), { algorithm, nNeighbors: 10 });
    await index.neighborGraph({ onProgress });
    await index.prepare({ onProgress });
    const phases: Progress[][] = [];
    for (const progress of seen) {
      if (progress.done === 0) phases.push([]);
      phases.at(-1)?.push(progress);
    }
    expect(phases.length).toBeGreaterThan(0);
    for (const phase of phases) {
      expect(phase[0]?.done).toBe(0);
      expect(new Set(phase.map(({ phase, total }) => `${phase} ${total}`)).size).toBe(1);
      const done = phase.map((progress) => progress.done);
      expect(done).toEqual([...done].sort((a, b) => a - b));
      expect(done.at(-1)).toBe(phase[0]?.total);
    }
  });

  it("has come to its end when the call settles", async () => {
    const seen: Progress[] = [];
    await slowIndex(1000).neighborGraph({ onProgress: (progress) => seen.push(progress) });
    expect(seen.some(({ done, total }) => done > 0 && done === total)).toBe(true);
    const heard = seen.length;
    await sleep(50);
    expect(seen.length).toBe(heard);
  });

  it("comes a few times a second, not a thousand times", async () => {
    const index = slowIndex(2000);
    let heard = 0;
    const start = performance.now();
    await index.neighborGraph({ onProgress: () => heard++ });
    const phases = 4;
    expect(heard).toBeLessThanOrEqual((performance.now() - start) / 50 + 2 * phases);
  });

  it("that throws stops the call, which rejects with what was thrown", async () => {
    const index = slowIndex();
    const bug = new Error("bug in the progress bar");
    const onProgress = ({ done }: Progress) => {
      if (done > 0) throw bug;
    };
    await expect(index.neighborGraph({ onProgress })).rejects.toBe(bug);
  });
});

describe("calls at the same time", () => {
  it("queries give what they give one by one", async () => {
    const index = HnswIndex.buildSync(uniformRows(3000, 8), { algorithm: "hnsw" });
    const batches = Array.from({ length: 50 }, (_, i) => uniformRows(20, 8, 500 + i));
    const together = await Promise.all(batches.map((batch) => index.query(batch, { k: 5 })));
    batches.forEach((batch, i) => {
      expect(together[i]).toEqual(index.querySync(batch, { k: 5 }));
    });
  });

  it("updates happen in the order in which they were called", async () => {
    const index = HnswIndex.buildSync(uniformRows(10, 4), { algorithm: "exact" });
    const batches = Array.from({ length: 20 }, (_, i) => uniformRows(i % 2 === 0 ? 500 : 1, 4, 900 + i));
    await Promise.all(batches.map((fresh) => index.update({ fresh })));
    let id = 10;
    for (const fresh of batches) {
      const { indices } = await index.query(fresh, { k: 1 });
      expect(indices.data[0]).toBe(id);
      id += fresh.shape[0];
    }
    expect(index.size).toBe(id);
  });

  it("a refused update does not hold up the next one", async () => {
    const index = HnswIndex.buildSync(uniformRows(10, 4));
    const bad = index.update({ fresh: [[1, 2, 3, Number.NaN]] });
    const good = index.update({ fresh: [[1, 2, 3, 4]] });
    await expect(bad).rejects.toMatchObject({ code: "ERR_NON_FINITE" });
    await good;
    expect(index.size).toBe(11);
  });

  it("queries during updates see all of an update or nothing of it", async () => {
    const index = HnswIndex.buildSync(uniformRows(1000, 6), { algorithm: "hnsw" });
    await index.prepare();
    const probe = uniformRows(1, 6, 77);
    const updating = Promise.all([1, 2, 3].map((seed) => index.update({ fresh: uniformRows(200, 6, 300 + seed) })));
    const sizes = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const { indices } = await index.query(probe, { k: 2000 });
        return indices.data.filter((id) => id >= 0).length;
      }),
    );
    await updating;
    for (const size of sizes) expect([1000, 1200, 1400, 1600]).toContain(size);
  });
});

describe("stats and plan", () => {
  it("do not wait for a running update: they tell what was true before it", async () => {
    const index = HnswIndex.buildSync(uniformRows(600, 64), { ...SLOW, algorithm: "hnsw", threads: 1 });
    await index.prepare();
    let settled = false;
    const { working, onProgress } = firstProgress();
    const update = index.update({ fresh: uniformRows(290, 64, 2) }, { onProgress }).then(() => {
      settled = true;
    });
    await working;
    const during = [index.stats().rows, index.size, index.plan.neighborGraph.algorithm];
    // Had one of them waited for the update, its end would be heard within these turns.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect({ settled, during }).toEqual({ settled: false, during: [600, 600, "approximate"] });
    await update;
    expect(index.stats().rows).toBe(890);
  });
});

describe("close", () => {
  it("during a call makes it reject with ERR_CLOSED", async () => {
    const index = slowIndex();
    const { working, onProgress } = firstProgress();
    const call = index.neighborGraph({ onProgress });
    await working;
    index.close();
    await expect(call).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(index.closed).toBe(true);
  });

  it("happens at the end of a using block", () => {
    let kept: HnswIndex;
    {
      using index = HnswIndex.buildSync(uniformRows(10, 4));
      kept = index;
      expect(index.closed).toBe(false);
    }
    expect(kept.closed).toBe(true);
  });
});
