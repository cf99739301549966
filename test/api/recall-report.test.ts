/** An index measured on itself. */
import { describe, expect, it } from "vitest";
import { HnswIndex } from "../../src/index.ts";
import { uniformRows } from "../support/random.ts";

describe("the recall of an index", () => {
  it("is measured on sampled rows, higher for more effort, the same by both twins", async () => {
    const index = await HnswIndex.build(uniformRows(3000, 16, 1), { algorithm: "hnsw", m: 6, seed: 1 });
    const [few, many] = [await index.recall({ ef: 11, sample: 400 }), await index.recall({ ef: 300, sample: 400 })];
    expect(few).toMatchObject({ sample: 400, k: 10, ef: 11, exact: false });
    expect(many.recall).toBeGreaterThan(few.recall);
    expect(many.recall).toBeGreaterThan(0.95);
    expect(few.low).toBeLessThan(few.recall);
    expect(few.high).toBeGreaterThan(few.recall);
    expect(few.distanceError).toBeGreaterThan(many.distanceError ?? 1);
    const { ms: _, ...again } = index.recallSync({ ef: 11, sample: 400 });
    expect(few).toMatchObject(again);
  });

  it("is 1 where all rows are compared", async () => {
    const index = await HnswIndex.build(uniformRows(300, 4, 1), { algorithm: "exact" });
    expect(await index.recall({ sample: 1000 })).toMatchObject({
      recall: 1,
      low: 1,
      high: 1,
      exact: true,
      sample: 300,
    });
    const product = await HnswIndex.build(uniformRows(300, 4, 1), { metric: "inner_product" });
    expect((await product.recall()).distanceError).toBeNull();
  });

  it.each([
    [{ k: 300 }, "k is 300"],
    [{ k: 0 }, "k is 0"],
    [{ sample: 0 }, "sample is 0"],
    [{ simple: 3 }, "simple"],
  ])("refuses %o", async (options, says) => {
    const index = await HnswIndex.build(uniformRows(300, 4, 1));
    const error = { code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(says) };
    await expect(index.recall(options as object)).rejects.toMatchObject(error);
    expect(() => index.recallSync(options as object)).toThrow(expect.objectContaining({ code: error.code }));
  });
});
