import { describe, expect, it } from "vitest";
import { parametersFor, searchWidth } from "../../src/index.ts";
import { roundHalfEven } from "../../src/parameters.ts";

describe("parametersFor", () => {
  const golden = [
    { n: 10, nTrees: 5, m: 8, nIters: 5, efConstruction: 200 },
    { n: 150, nTrees: 6, m: 8, nIters: 7, efConstruction: 210 },
    { n: 1_000, nTrees: 7, m: 8, nIters: 10, efConstruction: 300 },
    { n: 1_797, nTrees: 7, m: 8, nIters: 11, efConstruction: 330 },
    { n: 4_096, nTrees: 8, m: 8, nIters: 12, efConstruction: 360 },
    { n: 10_000, nTrees: 10, m: 10, nIters: 13, efConstruction: 390 },
    { n: 60_000, nTrees: 17, m: 17, nIters: 16, efConstruction: 480 },
    { n: 100_000, nTrees: 21, m: 21, nIters: 17, efConstruction: 510 },
    { n: 1_000_000, nTrees: 55, m: 55, nIters: 20, efConstruction: 600 },
    { n: 100_000_000, nTrees: 64, m: 64, nIters: 27, efConstruction: 800 },
  ];

  it.each(golden)("gives m $m and efConstruction $efConstruction for $n rows", ({ n, ...expected }) => {
    expect(parametersFor(n)).toEqual({ ...expected, maxCandidates: 60 });
  });

  it("lets explicit m, efConstruction and their sources win", () => {
    expect(parametersFor(60_000, { m: 32, efConstruction: 100 })).toMatchObject({ m: 32, efConstruction: 100 });
    expect(parametersFor(60_000, { nTrees: 40 }).m).toBe(40);
    expect(parametersFor(60_000, { nTrees: 100 }).m).toBe(64);
    expect(parametersFor(60_000, { nTrees: 2 }).m).toBe(8);
    expect(parametersFor(60_000, { nIters: 10, maxCandidates: 90 }).efConstruction).toBe(450);
    expect(parametersFor(60_000, { nIters: 7, maxCandidates: 61 }).efConstruction).toBe(213);
  });

  it("is defined for a single row", () => {
    expect(parametersFor(1)).toEqual({ nTrees: 5, m: 8, nIters: 5, efConstruction: 200, maxCandidates: 60 });
  });
});

describe("searchWidth", () => {
  it.each([
    { epsilon: 0.1, k: 15, ef: 60 },
    { epsilon: 0.12, k: 15, ef: 69 },
    { epsilon: 0.24, k: 15, ef: 122 },
    { epsilon: 0.24, k: 10, ef: 82 },
    { epsilon: 0.1, k: 125, ef: 500 },
    { epsilon: 0, k: 600, ef: 600 },
    { epsilon: -1, k: 15, ef: 15 },
    { epsilon: Number.POSITIVE_INFINITY, k: 15, ef: 500 },
    { epsilon: Number.POSITIVE_INFINITY, k: 0, ef: 0 },
  ])("is $ef for epsilon $epsilon and k $k", ({ epsilon, k, ef }) => {
    expect(searchWidth(k, epsilon)).toBe(ef);
  });
});

describe("roundHalfEven", () => {
  it.each([
    { value: 0.5, rounded: 0 },
    { value: 1.5, rounded: 2 },
    { value: 2.5, rounded: 2 },
    { value: 2.4, rounded: 2 },
    { value: 2.6, rounded: 3 },
    { value: 7, rounded: 7 },
  ])("of $value is $rounded", ({ value, rounded }) => {
    expect(roundHalfEven(value)).toBe(rounded);
  });
});
