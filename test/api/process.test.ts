/**
 * The built package in processes and threads of its own: how it is imported, and what happens when they end.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const PRELUDE = `
  import { HnswIndex } from "hnsw-bridge";
  const rows = (n, dim) => ({ data: Float32Array.from({ length: n * dim }, (_, i) => (i * 7919) % 1009), shape: [n, dim] });
  const slow = { metric: "minkowski", p: 3.5, algorithm: "exact", nNeighbors: 5 };
`;

function runNode(code: string) {
  const args = ["--input-type=module", "-e", PRELUDE + code];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: "utf8",
    timeout: 50_000,
  });
  return { status, signal, stdout: stdout.trim(), stderr: stderr.trim() };
}

const CLEAN_END = { status: 0, signal: null, stderr: "" };

describe("a process", () => {
  it("lives until its calls have settled, and no longer", () => {
    const end = runNode(`
      const index = HnswIndex.buildSync(rows(1500, 32), slow);
      index.neighborGraph().then(({ indices }) => console.log(indices.shape.join(" x ")));
    `);
    expect(end).toEqual({ ...CLEAN_END, stdout: "1500 x 5" });
  });

  it("may exit during a call", () => {
    const end = runNode(`
      const index = HnswIndex.buildSync(rows(20000, 64), slow);
      index.neighborGraph({ onProgress: ({ done }) => done > 0 && process.exit(7) });
    `);
    expect(end).toEqual({ ...CLEAN_END, status: 7, stdout: "" });
  });

  it("gives an error that nobody catches its code", () => {
    const end = runNode(`await HnswIndex.build([]);`);
    expect(end.status).toBe(1);
    expect(end.stderr).toContain("HnswError");
    expect(end.stderr).toContain("code: 'ERR_EMPTY_INDEX'");
  });
});

describe("a worker thread", () => {
  it("uses an index of its own", () => {
    const end = runNode(`
      import { Worker } from "node:worker_threads";
      const worker = new Worker(\`
        import { parentPort } from "node:worker_threads";
        import { HnswIndex } from "hnsw-bridge";
        const index = await HnswIndex.build([[1], [2]], { nNeighbors: 2 });
        parentPort.postMessage((await index.neighborGraph()).indices.data.join());
      \`, { eval: true });
      worker.once("message", (text) => console.log(text));
    `);
    expect(end).toEqual({ ...CLEAN_END, stdout: "0,1,1,0" });
  });

  it("may be terminated during a call, which then stops; the process lives on", () => {
    const end = runNode(`
      import { Worker } from "node:worker_threads";
      const worker = new Worker(\`
        import { parentPort } from "node:worker_threads";
        import { HnswIndex } from "hnsw-bridge";
        const data = Float32Array.from({ length: 40000 * 64 }, (_, i) => (i * 7919) % 1009);
        const slow = { metric: "minkowski", p: 3.5, algorithm: "exact", nNeighbors: 5 };
        const index = HnswIndex.buildSync({ data, shape: [40000, 64] }, slow);
        index.neighborGraph({ onProgress: ({ done }) => done > 0 && parentPort.postMessage("working") });
      \`, { eval: true });
      worker.once("message", async () => {
        await worker.terminate();
        const { indices } = await (await HnswIndex.build(rows(100, 4), { nNeighbors: 3 })).neighborGraph();
        // The call would take minutes. Waits for a quarter of a second in which this process does next to nothing.
        let idle = false;
        for (let tries = 0; tries < 80 && !idle; tries++) {
          const before = process.cpuUsage();
          await new Promise((resolve) => setTimeout(resolve, 250));
          idle = process.cpuUsage(before).user < 50_000;
        }
        console.log(indices.shape.join(" x "), idle ? "idle" : "still computing");
      });
    `);
    expect(end).toEqual({ ...CLEAN_END, stdout: "100 x 3 idle" });
  });
});
