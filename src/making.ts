/**
 * How indexes come to be: of rows, of bytes that were written down, of files.
 */
import { type Doors, present, type Ready, type Sending } from "./calls.ts";
import { nonEmpty } from "./changes.ts";
import { bytesIn } from "./dumps.ts";
import { wrapped } from "./errors.ts";
import { checkedLoad, type FilePath, type LoadOptions, pathOf } from "./files.ts";
import type { Done } from "./job.ts";
import type { MatrixInput } from "./matrix.ts";
import {
  type NativeBytes,
  type NativeImported,
  type NativeIndex,
  type NativeOptions,
  type NativeRows,
  native,
} from "./native.ts";
import {
  type BuildOptions,
  type CheckedBuild,
  checkedBuild,
  checkedImport,
  checkedRestore,
  type ImportOptions,
  type RestoreOptions,
} from "./options.ts";
import { incoming } from "./transfer.ts";

const made = ({ index }: Done): NativeIndex => present(index);

/** An index of rows. */
export function building(rows: MatrixInput, options: BuildOptions | undefined): Sending<NativeRows, NativeIndex> {
  const checked = checkedBuild(options);
  const input = nonEmpty(incoming("rows", rows, checked));
  const given = checked.native(input);
  return {
    call: checked.call,
    steps: input.steps,
    doors: (content) => ({
      here: () => native().NativeIndex.buildSync(content, given),
      job: (listener) => native().NativeIndex.build(content, given, listener),
      done: made,
    }),
  };
}

/** The index in a dump. */
export function restoring(bytes: Uint8Array, options: RestoreOptions | undefined): Sending<NativeBytes, NativeIndex> {
  const { call, threads } = checkedRestore(options);
  return {
    call,
    steps: () => bytesIn(bytes),
    doors: (content) => ({
      here: () => native().NativeIndex.restoreSync(content, threads),
      job: (listener) => native().NativeIndex.restore(content, threads, listener),
      done: made,
    }),
  };
}

/** The index in a file. */
export function loading(path: FilePath, options: LoadOptions | undefined): Ready<NativeIndex> {
  const { call, how } = checkedLoad(options);
  const place = pathOf(path);
  return {
    call,
    here: () => native().NativeIndex.loadSync(place, how),
    job: (listener) => native().NativeIndex.load(place, how, listener),
    done: made,
  };
}

/** The index in a file of hnswlib, or in the bytes of one. */
export function importing(
  source: FilePath | Uint8Array,
  options: ImportOptions | undefined,
): Sending<string | NativeBytes, NativeImported> {
  const checked = checkedImport(options);
  const place = source instanceof Uint8Array ? source : pathOf(source);
  const { dim, given } = foreign(place, checked);
  return {
    call: checked.call,
    steps: () => (typeof place === "string" ? nothing(place) : bytesIn(place)),
    doors: (content) => (typeof content === "string" ? ofPath(content, dim, given) : ofBytes(content, dim, given)),
  };
}

const imported = ({ index, labels }: Done): NativeImported => ({ index: present(index), labels: present(labels) });

function ofPath(path: string, dim: number, given: NativeOptions): Doors<NativeImported> {
  return {
    here: () => native().NativeIndex.importHnswlibSync(path, dim, given),
    job: (listener) => native().NativeIndex.importHnswlib(path, dim, given, listener),
    done: imported,
  };
}

function ofBytes(bytes: NativeBytes, dim: number, given: NativeOptions): Doors<NativeImported> {
  return {
    here: () => native().NativeIndex.importHnswlibBytesSync(bytes, dim, given),
    job: (listener) => native().NativeIndex.importHnswlibBytes(bytes, dim, given, listener),
    done: imported,
  };
}

/** What the addon takes for the rows that a file of hnswlib says it has. */
function foreign(place: string | Uint8Array, checked: CheckedBuild): { dim: number; given: NativeOptions } {
  const { rows, dim } = wrapped(() =>
    typeof place === "string" ? native().NativeIndex.hnswlibHeader(place) : native().NativeIndex.hnswlibHeaderOf(place),
  );
  return { dim, given: checked.native({ rows, dim, form: "dense" }) };
}

// biome-ignore lint/correctness/useYield: a path needs no copying, but the caller drives a generator.
function* nothing(path: string): Generator<void, string, void> {
  return path;
}
