/**
 * Updates of an index, one after the other in the order in which they were called.
 */
import { type Doors, present } from "./calls.ts";
import { type Changes, type CheckedChanges, checkedChanges } from "./changes.ts";
import type { CallOptions } from "./job.ts";
import type { NativeChanges, NativeRows, NativeUpdated } from "./native.ts";
import type { OpenIndex } from "./open-index.ts";
import { checkedCallOptions } from "./options.ts";
import { atOnce, inSlices } from "./transfer.ts";

export class Updates {
  readonly #open: OpenIndex;
  /** The last update asked for: the next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(open: OpenIndex) {
    this.#open = open;
  }

  /** The ids of the appended rows. */
  async update(changes: Changes | undefined, options: CallOptions | undefined): Promise<Int32Array> {
    const call = checkedCallOptions(options);
    this.#open.check(call);
    const checked = checkedChanges(changes, this.#open);
    const own = this.#after(this.#last, checked, call);
    this.#last = own.catch(() => undefined);
    return own;
  }

  async #after(before: Promise<unknown>, checked: CheckedChanges, call: CallOptions): Promise<Int32Array> {
    const check = () => this.#open.check(call);
    const fresh = checked.fresh && (await inSlices(checked.fresh.steps(), check));
    const replaced = checked.replaced && (await inSlices(checked.replaced.rows.steps(), check));
    await before;
    return this.#open.run({ call, ...this.#doors(changesOf(checked, replaced, fresh)) });
  }

  updateSync(changes: Changes | undefined): Int32Array {
    this.#open.checkOpen();
    const checked = checkedChanges(changes, this.#open);
    const fresh = checked.fresh && atOnce(checked.fresh.steps());
    const replaced = checked.replaced && atOnce(checked.replaced.rows.steps());
    return this.#open.runHere(this.#doors(changesOf(checked, replaced, fresh)));
  }

  #doors(changes: NativeChanges): Doors<Int32Array> {
    const { native } = this.#open;
    return {
      here: () => this.#updated(native.updateSync(changes)),
      job: (listener) => native.update(changes, listener),
      done: ({ updated }) => this.#updated(present(updated)),
    };
  }

  #updated({ first, next, rows }: NativeUpdated): Int32Array {
    this.#open.rows = rows;
    return Int32Array.from({ length: next - first }, (_, i) => first + i);
  }
}

function changesOf(
  { removed, replaced }: CheckedChanges,
  rows: NativeRows | undefined,
  fresh: NativeRows | undefined,
): NativeChanges {
  const ids = replaced?.ids ?? new Uint32Array(0);
  return { removed, ids, ...(rows && { replaced: rows }), ...(fresh && { fresh }) };
}
