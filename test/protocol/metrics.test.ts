/** Every metric that hello lists, in every form that it lists for it, from build to dump. */
import { describe, expect, test } from "vitest";
import { metrics } from "../../src/index.ts";
import { type Matrix, randomCsr, randomMatrix, slice } from "./support/arrow.ts";
import { denseRows, numberRows, type Rows, sparseRows } from "./support/rows.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const DIM = 4;
const matrix = randomMatrix(40, DIM, 141);

/** Angles for haversine, which takes two columns. */
function denseFor(metric: string): Matrix {
  return metric === "haversine" ? { ...slice(matrix, 0, 40), rows: 80, dim: 2 } : matrix;
}

/** Without empty rows, which kantorovich has no distance for. */
const sparse = randomCsr(40, 3000, 9, 142, 1);
const bytes = Uint8Array.from({ length: 40 * DIM }, (_, i) => (i * 37) & 255);
const ROWS: Readonly<Record<string, (metric: string) => Rows>> = {
  dense: (metric) => denseRows(denseFor(metric)),
  sparse: () => sparseRows(sparse),
  bits: () => numberRows(bytes, DIM),
};

/** A value for each parameter, fit for `DIM` columns. */
const square = (at: (i: number, j: number) => number) =>
  Array.from({ length: DIM * DIM }, (_, i) => at(Math.floor(i / DIM), i % DIM));
const PARAMETERS: Readonly<Record<string, number | number[]>> = {
  p: 1.5,
  w: [1, 2, 3, 4],
  sigma: [1, 2, 3, 4],
  vinv: square((i, j) => (i === j ? 1 + i : 0.1)),
  cost: square((i, j) => Math.abs(i - j)),
};

const cases = metrics().flatMap(({ name, forms, params }) => forms.map((form) => ({ name, form, params })));

describe("over the wire", () => {
  test.each(cases)("$name of $form rows", async ({ name, form, params }) => {
    const client = await connect(await start());
    const rows = ROWS[form]?.(name) ?? denseRows(matrix);
    // Parameters of 3000 columns are not for a header; sparse rows take the metric's own.
    const given = params.filter((param) => form !== "sparse" || param === "p");
    const options = {
      ...{ metric: name, n_neighbors: 5 },
      ...Object.fromEntries(given.map((param) => [param, PARAMETERS[param]])),
    };
    const { index } = await client.inline("build", { options }, rows);
    const graph = await client.results("neighbor_graph", { index });
    expect(graph).toMatchObject({ rows: rows.rows, k: 5 });
    const hits = await client.query(String(index), rows, 5);
    expect(hits).toMatchObject({ rows: rows.rows, k: 5 });
    expect(hits.distances.some(Number.isNaN)).toBe(false);
    const dump = await client.bytes("dump", { index });
    await client.inline("put", {}, numberRows(dump, 1));
    const loaded = await client.call("load", { bytes: { value: "v1" } });
    expect(await client.results("neighbor_graph", { index: loaded.index })).toEqual(graph);
    expect(await client.query(String(loaded.index), rows, 5)).toEqual(hits);
  });

  test.each(cases.filter(({ form }) => form === "sparse"))(
    "$name of two thousand million columns",
    async ({ name }) => {
      const client = await connect(await start());
      const rows = sparseRows({ ...sparse, dim: 2 ** 31 - 2 });
      const options = { metric: name, n_neighbors: 5 };
      const { index } = await client.inline("build", { options }, rows);
      expect(await client.results("neighbor_graph", { index })).toMatchObject({ rows: 40, k: 5 });
      expect(await client.query(String(index), rows, 5)).toMatchObject({ rows: 40, k: 5 });
    },
  );
});
