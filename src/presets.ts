/**
 * Links, effort of the build and width of queries under one name each; docs/tuning.md has the grid that they are read off.
 */

/** A choice of `m`, `efConstruction` and `ef`. */
export type Preset = "latency" | "balanced" | "throughput" | "recall";

/** What a preset stands for. */
export interface PresetParameters {
  readonly m: number;
  readonly efConstruction: number;
  readonly ef: number;
}

export const PRESETS: Readonly<Record<Preset, PresetParameters>> = {
  /** The fastest single answers that are still good: a narrow pool. */
  latency: { m: 16, efConstruction: 300, ef: 16 },
  balanced: { m: 16, efConstruction: 300, ef: 48 },
  /** Least memory and build time, for large batches. */
  throughput: { m: 12, efConstruction: 200, ef: 32 },
  /** Nearly nothing is missed. */
  recall: { m: 32, efConstruction: 600, ef: 192 },
};

/** The names, for checks and errors. */
export const PRESET_NAMES = Object.keys(PRESETS) as readonly Preset[];
