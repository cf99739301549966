/**
 * Calls for all rows within a distance, and for how many there are; `radius.ts` says what they take and give.
 */
import { present, type Ready, type Sending } from "./calls.ts";
import { type IdsInput, idsOf, knownIds, type VectorInput } from "./lists.ts";
import type { MatrixInput } from "./matrix.ts";
import type { NativeRows } from "./native.ts";
import type { OpenIndex } from "./open-index.ts";
import {
  anyRadii,
  asRow,
  ballsOf,
  type CountEstimate,
  checkedEstimate,
  checkedRadius,
  checkedTarget,
  type EstimateOptions,
  estimateOf,
  type QueryInput,
  type RadiusOptions,
  type RadiusResult,
  type TargetOptions,
  type TargetResult,
  targetOf,
} from "./radius.ts";
import { incoming } from "./transfer.ts";

/** Rows around queries; `radiiOf` gives the radii of so many. */
export function around(
  open: OpenIndex,
  queries: MatrixInput,
  radiiOf: (count: number) => Float32Array,
  options: RadiusOptions | undefined,
): Sending<NativeRows, RadiusResult> {
  const { call, within } = checkedRadius(options, open);
  open.check(call);
  const { rows, steps } = incoming("queries", queries, open);
  const radii = radiiOf(rows);
  return {
    call,
    steps,
    doors: (content) => ({
      here: () => ballsOf(open.native.radiusSearchSync(content, radii, within)),
      job: (listener) => open.native.radiusSearch(content, radii, within, listener),
      done: ({ balls }) => ballsOf(present(balls)),
    }),
  };
}

/** Rows around rows of the index. */
export function aroundIds(
  open: OpenIndex,
  ids: IdsInput,
  radius: number | VectorInput,
  options: RadiusOptions | undefined,
): Ready<RadiusResult> {
  const { call, within } = checkedRadius(options, open);
  open.check(call);
  const known = knownIds(idsOf("ids", ids));
  const radii = anyRadii(radius, known.length);
  return {
    call,
    here: () => ballsOf(open.native.radiusSearchByIdSync(known, radii, within)),
    job: (listener) => open.native.radiusSearchById(known, radii, within, listener),
    done: ({ balls }) => ballsOf(present(balls)),
  };
}

/** The ball that holds about so many rows. */
export function holding(
  open: OpenIndex,
  query: QueryInput,
  count: number,
  options: TargetOptions | undefined,
): Sending<NativeRows, TargetResult> {
  const { call, within, target, tolerance, startRadius } = checkedTarget(count, options, open);
  open.check(call);
  const { steps } = incoming("query", asRow(query), open);
  const { native } = open;
  return {
    call,
    steps,
    doors: (content) => ({
      here: () => targetOf(native.searchWithTargetCountSync(content, target, tolerance, startRadius, within)),
      job: (listener) => native.searchWithTargetCount(content, target, tolerance, startRadius, within, listener),
      done: ({ targeted }) => targetOf(present(targeted)),
    }),
  };
}

/** About how many rows are in the balls around queries. */
export function counting(
  open: OpenIndex,
  queries: MatrixInput,
  radius: number | VectorInput,
  options: EstimateOptions | undefined,
): Sending<NativeRows, CountEstimate> {
  const { call, sample, bits } = checkedEstimate(options, open);
  open.check(call);
  const { rows, steps } = incoming("queries", queries, open);
  const radii = anyRadii(radius, rows);
  return {
    call,
    steps,
    doors: (content) => ({
      here: () => estimateOf(open.native.estimateCountSync(content, radii, sample, bits)),
      job: (listener) => open.native.estimateCount(content, radii, sample, bits, listener),
      done: ({ estimates }) => estimateOf(present(estimates)),
    }),
  };
}
