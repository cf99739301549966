import type { NdArray } from "ndarray";
import ndarray from "ndarray";
import { describe, expectTypeOf, it } from "vitest";
import {
  type Answer,
  type BitBuffer,
  type BuildOptions,
  type Changes,
  type CountEstimate,
  type DenseInput,
  type DumpOptions,
  type ErrorCode,
  type Form,
  HnswError,
  HnswIndex,
  type IdsInput,
  type ImportOptions,
  type MatrixInput,
  type MetricInfo,
  type MetricName,
  metrics,
  type Neighbors,
  type Plan,
  type Quantization,
  type QueryOptions,
  type RadiusResult,
  type RestoreOptions,
  type RowBuffer,
  type SparseBuffer,
  type SparseMatrix,
  type SquareInput,
  type Stats,
  type TargetResult,
  type VectorInput,
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
    expectTypeOf<SparseBuffer>().toExtend<MatrixInput>();
    expectTypeOf<BitBuffer>().toExtend<MatrixInput>();
  });

  it("takes sparse rows of any integers and numbers", () => {
    type Csr<I, V> = { indptr: I; indices: I; data: V; shape: [number, number] };
    expectTypeOf<Csr<Int32Array, Float32Array>>().toExtend<SparseMatrix>();
    expectTypeOf<Csr<BigInt64Array, Uint8Array>>().toExtend<MatrixInput>();
    expectTypeOf<Csr<number[], number[]>>().toExtend<MatrixInput>();
    expectTypeOf<Csr<Float32Array, Float32Array>>().not.toExtend<SparseMatrix>();
    expectTypeOf<Csr<Int32Array, string>>().not.toExtend<MatrixInput>();
    expectTypeOf<SparseMatrix>().not.toExtend<readonly ArrayLike<number>[]>();
    expectTypeOf<SparseBuffer>().not.toExtend<DenseInput>();
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
    expectTypeOf(HnswIndex.importHnswlib).parameter(1).toEqualTypeOf<ImportOptions | undefined>();
    expectTypeOf<ImportOptions>().not.toHaveProperty("ids");
    // @ts-expect-error the constructor is private
    new HnswIndex();
  });

  it("answers with typed arrays in ndarrays", () => {
    expectTypeOf<HnswIndex["neighborGraph"]>().returns.resolves.toEqualTypeOf<Neighbors>();
    expectTypeOf<HnswIndex["query"]>().returns.resolves.toEqualTypeOf<Answer>();
    expectTypeOf<HnswIndex["querySync"]>().returns.toEqualTypeOf<Answer>();
    expectTypeOf<HnswIndex["radiusSearch"]>().returns.resolves.toEqualTypeOf<RadiusResult>();
    expectTypeOf<HnswIndex["radiusSearchByIdSync"]>().returns.toEqualTypeOf<RadiusResult>();
    expectTypeOf<HnswIndex["searchWithTargetCount"]>().returns.resolves.toEqualTypeOf<TargetResult>();
    expectTypeOf<HnswIndex["estimateCount"]>().returns.resolves.toEqualTypeOf<CountEstimate>();
    expectTypeOf<RadiusResult["indices"]>().toEqualTypeOf<Int32Array>();
    expectTypeOf<Neighbors["indices"]>().toEqualTypeOf<NdArray<Int32Array>>();
    expectTypeOf<Neighbors["distances"]>().toEqualTypeOf<NdArray<Float32Array>>();
    expectTypeOf<HnswIndex["plan"]>().toEqualTypeOf<Plan>();
    expectTypeOf<HnswIndex["stats"]>().returns.toEqualTypeOf<Stats>();
    expectTypeOf<HnswIndex["update"]>().returns.resolves.toEqualTypeOf<Int32Array>();
    expectTypeOf<HnswIndex["delete"]>().returns.resolves.toEqualTypeOf<void>();
    expectTypeOf<HnswIndex["ids"]>().returns.toEqualTypeOf<Int32Array>();
    expectTypeOf<HnswIndex["dump"]>().returns.resolves.toEqualTypeOf<Uint8Array>();
    expectTypeOf<HnswIndex["dumpSync"]>().returns.toEqualTypeOf<Uint8Array>();
    expectTypeOf<HnswIndex["attach"]>().returns.resolves.toEqualTypeOf<void>();
    expectTypeOf(HnswIndex.restore).returns.resolves.toEqualTypeOf<HnswIndex>();
    expectTypeOf(HnswIndex.restoreSync).returns.toEqualTypeOf<HnswIndex>();
    expectTypeOf<HnswIndex["form"]>().toEqualTypeOf<Form>();
    expectTypeOf<HnswIndex["metric"]>().toEqualTypeOf<MetricName>();
    expectTypeOf<HnswIndex["parameters"]["quantization"]>().toEqualTypeOf<Quantization | undefined>();
  });

  it("takes changes of rows, all of them optional", () => {
    expectTypeOf<Record<never, never>>().toExtend<Changes>();
    expectTypeOf<{ updated: number[][]; updatedIndices: Int32Array }>().toExtend<Changes>();
    expectTypeOf<{ fresh: SparseMatrix; updated: SparseBuffer; updatedIndices: number[] }>().toExtend<Changes>();
    expectTypeOf<NdArray<Int32Array>>().toExtend<IdsInput>();
    expectTypeOf<{ updatedIndices: Float32Array }>().not.toExtend<Changes>();
    expectTypeOf<{ updatedIndices: string[] }>().not.toExtend<Changes>();
    // @ts-expect-error an unknown change
    HnswIndex.buildSync([[1]]).updateSync({ stale: [[1]] });
  });

  it("checks option names and values", () => {
    expectTypeOf<{ metric: "cosine"; seed: 5n; threads: 2 }>().toExtend<BuildOptions>();
    expectTypeOf<{ algorithm: "fast" }>().not.toExtend<BuildOptions>();
    expectTypeOf<{ metric: "euclidian" }>().not.toExtend<BuildOptions>();
    expectTypeOf<{ metric: "wminkowski"; p: 3; w: Float64Array }>().toExtend<BuildOptions>();
    expectTypeOf<{ metric: "mahalanobis"; vinv: number[][] }>().toExtend<BuildOptions>();
    expectTypeOf<{ quantization: "uint8" }>().toExtend<BuildOptions>();
    expectTypeOf<{ quantization: "int4" }>().not.toExtend<BuildOptions>();
    expectTypeOf<{ w: number[][] }>().not.toExtend<BuildOptions>();
    expectTypeOf<{ sigma: string }>().not.toExtend<BuildOptions>();
    expectTypeOf<NdArray<Float64Array>>().toExtend<VectorInput & SquareInput>();
    expectTypeOf<{ rows: false }>().toExtend<DumpOptions>();
    expectTypeOf<{ rows: 0 }>().not.toExtend<DumpOptions>();
    expectTypeOf<{ threads: 2 }>().toExtend<RestoreOptions>();
    expectTypeOf<{ k: "3" }>().not.toExtend<QueryOptions>();
    // @ts-expect-error an unknown option
    HnswIndex.buildSync([[1]], { nTree: 3 });
    // @ts-expect-error a sync call cannot be cancelled
    HnswIndex.buildSync([[1]]).querySync([[1]], { signal: AbortSignal.abort() });
    // @ts-expect-error an index takes its metric when it is built
    HnswIndex.restoreSync(new Uint8Array(0), { metric: "cosine" });
    // @ts-expect-error a dump is made of bytes
    HnswIndex.restoreSync([1, 2, 3]);
    // @ts-expect-error a sync call cannot be cancelled
    HnswIndex.buildSync([[1]]).dumpSync({ onProgress: () => undefined });
  });

  it("can be used by `using`", () => {
    expectTypeOf<HnswIndex>().toExtend<Disposable>();
    expectTypeOf<RowBuffer>().toExtend<Disposable>();
    expectTypeOf<SparseBuffer>().toExtend<Disposable>();
    expectTypeOf<BitBuffer>().toExtend<Disposable>();
  });
});

describe("the rest", () => {
  it("has types for errors and metrics", () => {
    expectTypeOf<HnswError["code"]>().toEqualTypeOf<ErrorCode>();
    expectTypeOf<"ERR_CANCELLED">().toExtend<ErrorCode>();
    expectTypeOf<"ERR_OTHER">().not.toExtend<ErrorCode>();
    expectTypeOf(metrics).returns.toEqualTypeOf<MetricInfo[]>();
    expectTypeOf<MetricInfo["forms"]>().toEqualTypeOf<readonly Form[]>();
    expectTypeOf<MetricInfo["quantizations"]>().toEqualTypeOf<readonly Quantization[]>();
    expectTypeOf<MetricInfo["kind"]>().toEqualTypeOf<"walk" | "transform" | "scan">();
    expectTypeOf<MetricInfo["name"]>().toExtend<BuildOptions["metric"]>();
    expectTypeOf(new HnswError("ERR_CLOSED", "")).toExtend<Error>();
  });
});
