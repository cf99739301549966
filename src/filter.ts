/**
 * Which rows a query may return, as callers say it; the addon takes a bit for each id.
 */
import { HnswError } from "./errors.ts";
import { type IdsInput, idsOf } from "./lists.ts";
import { bitsOfRoaring } from "./roaring.ts";
import { invalid } from "./validate.ts";

/**
 * The rows that may be returned: their ids; a bit for each id (id `i` is bit `i % 8` of byte `i / 8`); a Roaring bitmap in its portable
 * serialization; or a predicate, which is asked once for each row. Ids of rows that were deleted match nothing.
 */
export type Filter =
  | IdsInput
  | { readonly bits: Uint8Array }
  | { readonly roaring: Uint8Array }
  | ((id: number) => boolean);

/** What a filter is asked of. */
export interface FilteredRows {
  readonly nextId: number;
  ids(): Int32Array;
}

/**
 * Bits of the ids that may be returned. O(n) for a predicate, O(bits) else. A filter that is used often is cheapest as bits:
 * `{ bits: filterBits(filter, index) }`.
 *
 * Throws `ERR_UNKNOWN_ID` for an id that no row has had, `ERR_DIMENSION_MISMATCH` for bits of more ids than there have been,
 * `ERR_INVALID_ARGUMENT` for what is no filter.
 */
export function filterBits(filter: Filter, rows: FilteredRows): Uint8Array {
  if (typeof filter === "function") return bitsOf(rows.ids().filter(filter), rows.nextId);
  const most = Math.ceil(rows.nextId / 8);
  if (typeof filter === "object" && filter !== null && "bits" in filter) {
    const bits: unknown = filter.bits;
    if (!(bits instanceof Uint8Array)) throw invalid("filter.bits", bits, "a Uint8Array, a bit for each id");
    if (bits.length <= most) return bits;
    const message = `filter has ${bits.length} bytes of bits, allowed: 0 to ${most}, a bit for each of ${rows.nextId} ids`;
    throw new HnswError("ERR_DIMENSION_MISMATCH", message);
  }
  if (typeof filter === "object" && filter !== null && "roaring" in filter) {
    const bytes: unknown = filter.roaring;
    if (!(bytes instanceof Uint8Array)) throw invalid("filter.roaring", bytes, "a Uint8Array, a Roaring bitmap");
    return bitsOfRoaring(bytes, rows.nextId);
  }
  return bitsOf(idsOf("filter", filter as IdsInput), rows.nextId);
}

function bitsOf(ids: Float64Array | Int32Array, nextId: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(nextId / 8));
  for (const id of ids) {
    if (id >= nextId) throw new HnswError("ERR_UNKNOWN_ID", `filter has the id ${id}, allowed: 0 to ${nextId - 1}`);
    bits[id >> 3] = (bits[id >> 3] ?? 0) | (1 << (id & 7));
  }
  return bits;
}
