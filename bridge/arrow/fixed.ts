/**
 * Rows of one width: `rows: FixedSizeList<item>[dim]`. Dense rows, packed bits, and the matrices of `put`.
 *
 * Gives back the bytes of the values as views on the received frames. They are not read and not copied here.
 */
import { FixedSizeList } from "apache-arrow/fb/fixed-size-list";
import { Type } from "apache-arrow/fb/type";
import { protocolError } from "../errors.ts";
import { holds, ITEM_BYTES, type Item, isPlain, mustBe, ReceivedBatch } from "./batch.ts";

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
export function fixedRows(frames: readonly Uint8Array[], { count, dim, item }: FixedShape): Uint8Array[] {
  const batch = new ReceivedBatch(frames);
  const { field } = batch;
  if (!isPlain(field, Type.FixedSizeList, 1) || !holds(field.children(0), item)) {
    throw protocolError(`schema: rows must be FixedSizeList<${item}>`);
  }
  mustBe("list size", (field.type(new FixedSizeList()) as FixedSizeList).listSize(), dim);
  // Buffers: validity of the lists, validity of the items, items.
  return batch.buffers([count, count * dim], 3).views(2, count * dim * ITEM_BYTES[item]);
}
