/**
 * hnsw-bridge for TypeScript: neighbour graphs and nearest-neighbour search over rows of numbers.
 *
 * This folder checks and converts what callers hand over, decides defaults and schedules calls. What may not enter:
 * search algorithms (the Rust core has them) and sockets (the service in bridge/ stands on this API).
 *
 * @module
 */
export { BitBuffer } from "./bit-buffer.ts";
export type { Changes } from "./changes.ts";
export type { SparseMatrix } from "./csr.ts";
export type { IndexParameters } from "./describe.ts";
export type { EffortOptions, QueryProfile } from "./effort.ts";
export { ERROR_CODES, type ErrorCode, HnswError } from "./errors.ts";
export type { FilePath, LinkReport, LoadOptions, SectionState, Verification, VerifyMode } from "./files.ts";
export { type Filter, filterBits } from "./filter.ts";
export { HnswIndex, type Imported } from "./hnsw-index.ts";
export type { CallOptions } from "./job.ts";
export type { IdsInput, SquareInput, VectorInput } from "./lists.ts";
export type { DenseInput, Form, IndexArray, MatrixInput, StridedMatrix, TypedArray } from "./matrix.ts";
export type { MetricName } from "./metric-names.ts";
export type { MetricOptions } from "./metric-options.ts";
export { type MetricInfo, metrics } from "./metrics.ts";
export type { Answer, Neighbors } from "./neighbors.ts";
export type {
  Algorithm,
  BuildOptions,
  DumpOptions,
  ImportOptions,
  Quantization,
  QueryOptions,
  RebuildOptions,
  RestoreOptions,
} from "./options.ts";
export { type GivenParameters, type Parameters, parametersFor, searchWidth } from "./parameters.ts";
export type { Choice, Plan, Stats } from "./plan.ts";
export { PRESETS, type Preset, type PresetParameters } from "./presets.ts";
export type { Progress } from "./progress.ts";
export type {
  CountEstimate,
  EstimateOptions,
  PrepareOptions,
  QueryInput,
  RadiusOptions,
  RadiusResult,
  TargetOptions,
  TargetResult,
} from "./radius.ts";
export type { RecallOptions, RecallReport } from "./recall.ts";
export { release } from "./release.ts";
export { RowBuffer } from "./row-buffer.ts";
export { SparseBuffer } from "./sparse-buffer.ts";
export { readVectors, type Vectors, writeVectors } from "./vector-files.ts";
