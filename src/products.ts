/**
 * Calls that make what an index has of its rows, the neighbour graph and the search index, and that measure it.
 */
import { present, type Ready } from "./calls.ts";
import type { CallOptions } from "./job.ts";
import { type Neighbors, shaped } from "./neighbors.ts";
import type { OpenIndex } from "./open-index.ts";
import { checkedCallOptions, checkedRebuild, type RebuildOptions } from "./options.ts";
import { checkedPrepare, type PrepareOptions } from "./radius.ts";
import { checkedRecall, type RecallOptions, type RecallReport, recallOf } from "./recall.ts";

/** The neighbour graph. */
export function graphing({ native }: OpenIndex, options?: CallOptions): Ready<Neighbors> {
  return {
    call: checkedCallOptions(options),
    here: () => shaped(native.neighborGraphSync()),
    job: (listener) => native.neighborGraph(listener),
    done: ({ neighbors }) => shaped(present(neighbors)),
  };
}

/** The search index, and with `radius` what radius searches need. */
export function preparing({ native }: OpenIndex, options: PrepareOptions | undefined): Ready<void> {
  const { call, radius } = checkedPrepare(options);
  return {
    call,
    here: () => (radius ? native.prepareRadiusSync() : native.prepareSync()),
    job: (listener) => (radius ? native.prepareRadius(listener) : native.prepare(listener)),
    done: () => undefined,
  };
}

/** The search index anew. */
export function rebuilding(open: OpenIndex, options: RebuildOptions | undefined): Ready<void> {
  const { call, m, efConstruction } = checkedRebuild(options);
  return {
    call,
    here: () => {
      open.native.rebuildSync(m, efConstruction);
      open.readParameters();
    },
    job: (listener) => open.native.rebuild(m, efConstruction, listener),
    done: () => open.readParameters(),
  };
}

/** What queries find. */
export function measuring(open: OpenIndex, options: RecallOptions | undefined): Ready<RecallReport> {
  const { call, sample, k, ef } = checkedRecall(options, open);
  return {
    call,
    here: () => recallOf(open.native.recallSync(sample, k, ef)),
    job: (listener) => open.native.recall(sample, k, ef, listener),
    done: ({ recall }) => recallOf(present(recall)),
  };
}
