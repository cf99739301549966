/**
 * Rows of one width: `rows: FixedSizeList<item>[dim]`. Dense rows, packed bits, and the matrices of `put`.
 *
 * Gives back the bytes of the values as views on the received frames. They are not read and not copied here.
 */
import { FixedSizeList } from "apache-arrow/fb/fixed-size-list";
import { Type } from "apache-arrow/fb/type";
import { protocolError } from "../errors.ts";
import { type BatchMetadata, holds, ITEM_BYTES, type Item, isPlain, mustBe, placeOf, ReceivedBatch } from "./batch.ts";

/** What a batch must hold. */
export interface FixedShape {
  readonly count: number;
  readonly dim: number;
  readonly item: Item;
}

/**
 * The value bytes of a batch, `count * dim` items in all, as views in order (more than one when the sender
 * cut the body). Throws ERR_PROTOCOL for anything but the promised batch.
 */
export function fixedRows(frames: readonly Uint8Array[], shape: FixedShape): Uint8Array[] {
  const { count, dim, item } = shape;
  const batch = new ReceivedBatch(frames);
  checkFixed(batch, shape);
  // Buffers: validity of the lists, validity of the items, items.
  return batch.buffers([count, count * dim], 3).views(2, count * dim * ITEM_BYTES[item]);
}

/** Where the value bytes of a batch begin in its body, which is not there yet. Throws as {@link fixedRows}. */
export function fixedPlace(batch: BatchMetadata, shape: FixedShape): number {
  const { count, dim, item } = shape;
  checkFixed(batch, shape);
  return placeOf(batch.spans([count, count * dim], 3), 2, count * dim * ITEM_BYTES[item]);
}

function checkFixed({ field }: BatchMetadata, { dim, item }: FixedShape): void {
  if (!isPlain(field, Type.FixedSizeList, 1) || !holds(field.children(0), item)) {
    throw protocolError(`schema: rows must be FixedSizeList<${item}>`);
  }
  mustBe("list size", (field.type(new FixedSizeList()) as FixedSizeList).listSize(), dim);
}
