import type { NdArray } from "ndarray";
import ndarray from "ndarray";
import { describe, expectTypeOf, it } from "vitest";
import {
  type BuildOptions,
  type ErrorCode,
  HnswError,
  HnswIndex,
  type MatrixInput,
  type MetricInfo,
  metrics,
  type Neighbors,
  type Plan,
  type QueryOptions,
  type RowBuffer,
  type Stats,
} from "../../src/index.ts";

describe("input", () => {
  it("takes every kind of matrix", () => {
    expectTypeOf(ndarray(new Float32Array(6), [2, 3])).toExtend<MatrixInput>();
    expectTypeOf(ndarray(new Int16Array(6), [2, 3]).transpose(1, 0)).toExtend<MatrixInput>();
    expectTypeOf(ndarray([1, 2, 3, 4], [2, 2])).toExtend<MatrixInput>();
    expectTypeOf<{ data: Float64Array; shape: [number, number] }>().toExtend<MatrixInput>();
    expectTypeOf<{ data: Uint8Array; shape: number[]; stride: [number, number] }>().toExtend<MatrixInput>();
    expectTypeOf<number[][]>().toExtend<MatrixInput>();
    expectTypeOf<readonly (readonly number[])[]>().toExtend<MatrixInput>();
    expectTypeOf<Float32Array[]>().toExtend<MatrixInput>();
    expectTypeOf<RowBuffer>().toExtend<MatrixInput>();
  });

  it("takes nothing else", () => {
    expectTypeOf<number[]>().not.toExtend<MatrixInput>();
    expectTypeOf<Float32Array>().not.toExtend<MatrixInput>();
    expectTypeOf<string[][]>().not.toExtend<MatrixInput>();
    expectTypeOf<{ data: Float32Array }>().not.toExtend<MatrixInput>();
    expectTypeOf<string>().not.toExtend<MatrixInput>();
  });
});

describe("HnswIndex", () => {
  it("is made by build and buildSync only", () => {
    expectTypeOf(HnswIndex.build).returns.resolves.toEqualTypeOf<HnswIndex>();
    expectTypeOf(HnswIndex.buildSync).returns.toEqualTypeOf<HnswIndex>();
    expectTypeOf(HnswIndex.build).parameter(1).toEqualTypeOf<BuildOptions | undefined>();
    // @ts-expect-error the constructor is private
    new HnswIndex();
  });

  it("answers with typed arrays in ndarrays", () => {
    expectTypeOf<HnswIndex["neighborGraph"]>().returns.resolves.toEqualTypeOf<Neighbors>();
    expectTypeOf<HnswIndex["query"]>().returns.resolves.toEqualTypeOf<Neighbors>();
    expectTypeOf<HnswIndex["querySync"]>().returns.toEqualTypeOf<Neighbors>();
    expectTypeOf<Neighbors["indices"]>().toEqualTypeOf<NdArray<Int32Array>>();
    expectTypeOf<Neighbors["distances"]>().toEqualTypeOf<NdArray<Float32Array>>();
    expectTypeOf<HnswIndex["plan"]>().toEqualTypeOf<Plan>();
    expectTypeOf<HnswIndex["stats"]>().returns.toEqualTypeOf<Stats>();
    expectTypeOf<HnswIndex["update"]>().returns.resolves.toEqualTypeOf<void>();
  });

  it("checks option names and values", () => {
    expectTypeOf<{ metric: "cosine"; seed: 5n; threads: 2 }>().toExtend<BuildOptions>();
    expectTypeOf<{ algorithm: "fast" }>().not.toExtend<BuildOptions>();
    expectTypeOf<{ k: "3" }>().not.toExtend<QueryOptions>();
    // @ts-expect-error an unknown option
    HnswIndex.buildSync([[1]], { nTree: 3 });
    // @ts-expect-error a sync call cannot be cancelled
    HnswIndex.buildSync([[1]]).querySync([[1]], { signal: AbortSignal.abort() });
  });

  it("can be used by `using`", () => {
    expectTypeOf<HnswIndex>().toExtend<Disposable>();
    expectTypeOf<RowBuffer>().toExtend<Disposable>();
  });
});

describe("the rest", () => {
  it("has types for errors and metrics", () => {
    expectTypeOf<HnswError["code"]>().toEqualTypeOf<ErrorCode>();
    expectTypeOf<"ERR_CANCELLED">().toExtend<ErrorCode>();
    expectTypeOf<"ERR_OTHER">().not.toExtend<ErrorCode>();
    expectTypeOf(metrics).returns.toEqualTypeOf<MetricInfo[]>();
    expectTypeOf(new HnswError("ERR_CLOSED", "")).toExtend<Error>();
  });
});
