/**
 * Holds the engine to bench/baseline.json: no change may make a seeded run worse by more than 2 %.
 * `node scripts/baseline.mjs` renews the file after a change that is meant; its diff shows what the change did.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { cases, type Figures, measure, type SearchFigures } from "./measure.ts";
import { worse } from "./worse.ts";

const FILE = fileURLToPath(new URL("../../bench/baseline.json", import.meta.url));
const RENEW = process.env.HNSW_BRIDGE_BASELINE === "renew";

const stored: { about: string; cases: Record<string, Figures> } = JSON.parse(readFileSync(FILE, "utf8"));

describe.runIf(RENEW)("renewing bench/baseline.json", () => {
  it("writes down what the engine does now", async () => {
    const fresh: Record<string, Figures> = {};
    for (const [name, one] of Object.entries(cases)) fresh[name] = await measure(one);
    writeFileSync(FILE, `${JSON.stringify({ ...stored, cases: fresh }, null, 2)}\n`);
  });
});

describe.skipIf(RENEW)("seeded runs against bench/baseline.json", () => {
  it("names the same cases", () => {
    expect(Object.keys(stored.cases).sort()).toEqual(Object.keys(cases).sort());
  });

  it.each(Object.entries(cases))("%s: no figure is worse by more than 2 %", async (name, one) => {
    expect(worse(await measure(one), stored.cases[name] as Figures)).toEqual([]);
  });
});

describe("what counts as worse", () => {
  const search: SearchFigures = { recall: 0.9, distances: 500, hops: 40 };
  const figures: Figures = { graph: 0.99, search: { "40": search }, updated: search };
  const changed = (part: Partial<SearchFigures>): Figures => ({ ...figures, search: { "40": { ...search, ...part } } });

  it.each([
    ["recall by less", changed({ recall: 0.883 }), []],
    ["recall", changed({ recall: 0.88 }), ["search 40 recall: 0.88, baseline 0.9"]],
    ["distances", changed({ distances: 511 }), ["search 40 distances: 511, baseline 500"]],
    ["hops", changed({ hops: 41 }), ["search 40 hops: 41, baseline 40"]],
    ["what is better", changed({ recall: 1, distances: 1, hops: 1 }), []],
    ["the graph", { ...figures, graph: 0.96 }, ["graph recall: 0.96, baseline 0.99"]],
    ["an update", { ...figures, updated: { ...search, recall: 0.5 } }, ["updated recall: 0.5, baseline 0.9"]],
  ])("tells a change of %s", (_, seen, expected) => {
    expect(worse(seen, figures)).toEqual(expected);
  });

  it("misses no width of the baseline", () => {
    expect(() => worse({ ...figures, search: {} }, figures)).toThrow("search 40");
  });
});
