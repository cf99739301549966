/**
 * Changes to the rows of an index, as callers give them.
 */
import { PointBuffer } from "./buffer.ts";
import { HnswError } from "./errors.ts";
import { type IdsInput, idsOf, knownIds } from "./lists.ts";
import type { Form, MatrixInput } from "./matrix.ts";
import { type Incoming, incoming } from "./transfer.ts";
import { checkedKeys, invalid } from "./validate.ts";

/** Changes to an index: first rows are deleted, then others replaced, then more appended. Each may be left out. */
export interface Changes {
  /** Ids of rows to delete. An id is never given again; one that comes twice counts once. */
  readonly removed?: IdsInput | undefined;
  /** Rows to append; they get the next ids: `size`, `size + 1`, ... until a row has been deleted. */
  readonly fresh?: MatrixInput | undefined;
  /** New rows for ids that there are already. */
  readonly updated?: MatrixInput | undefined;
  /** The id of each row of `updated`, none of `removed`; where one comes twice, its last row stays. */
  readonly updatedIndices?: IdsInput | undefined;
}

/** Changes that have been checked but not yet copied. */
export interface CheckedChanges {
  readonly removed: Uint32Array;
  readonly fresh: Incoming | undefined;
  readonly replaced: { readonly rows: Incoming; readonly ids: Uint32Array } | undefined;
}

/** Checks everything but whether the ids are there. Throws as {@link incoming}, and `ERR_EMPTY_INDEX` for 0 rows. */
export function checkedChanges(input: Changes | undefined, wanted: { form: Form; dim: number }): CheckedChanges {
  const keys = ["removed", "fresh", "updated", "updatedIndices"] as const;
  const { removed, fresh, updated, updatedIndices } = checkedKeys("changes", input, keys);
  if (fresh instanceof PointBuffer && fresh === updated) {
    throw invalid("fresh", fresh, "another buffer than updated, whose content can be taken only once");
  }
  return {
    removed: removed === undefined ? new Uint32Array(0) : knownIds(idsOf("removed", removed), "removed"),
    fresh: fresh === undefined ? undefined : nonEmpty(incoming("fresh rows", fresh, wanted)),
    replaced: replacedRows(updated, updatedIndices, wanted),
  };
}

function replacedRows(
  updated: MatrixInput | undefined,
  ids: IdsInput | undefined,
  wanted: { form: Form; dim: number },
): CheckedChanges["replaced"] {
  if (updated === undefined && ids === undefined) return undefined;
  if (updated === undefined) throw invalid("updated", updated, "a row for each of updatedIndices");
  if (ids === undefined) throw invalid("updatedIndices", ids, "the id of each of the updated rows");
  const rows = nonEmpty(incoming("updated rows", updated, wanted));
  const checked = idsOf("updatedIndices", ids);
  if (checked.length === rows.rows) return { rows, ids: knownIds(checked, "updatedIndices") };
  const message = `updatedIndices has ${checked.length} ids, allowed: ${rows.rows}, one for each of the updated rows`;
  throw new HnswError("ERR_DIMENSION_MISMATCH", message);
}

/** Throws `ERR_EMPTY_INDEX` for input without rows. */
export function nonEmpty(input: Incoming): Incoming {
  if (input.rows === 0) throw new HnswError("ERR_EMPTY_INDEX", "0 rows, allowed: at least 1");
  return input;
}
