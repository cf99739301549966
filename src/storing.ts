/**
 * Calls that write indexes down, take over what was written, and look whether all is sound.
 */
import { present, type Ready, type Sending } from "./calls.ts";
import { bytesIn } from "./dumps.ts";
import { type FilePath, pathOf, type Verification, verificationOf } from "./files.ts";
import type { CallOptions } from "./job.ts";
import { type NativeBytes, native } from "./native.ts";
import type { OpenIndex } from "./open-index.ts";
import { checkedCallOptions, checkedDump, type DumpOptions } from "./options.ts";

/** The index as bytes. */
export function dumping(open: OpenIndex, options: DumpOptions | undefined): Ready<Uint8Array> {
  const { call, rows, attachment } = checkedDump(options);
  return {
    call,
    here: () => open.native.dumpSync(rows, attachment),
    job: (listener) => open.native.dump(rows, attachment, listener),
    done: ({ bytes }) => present(bytes),
  };
}

/** What a dump's index had made of the same rows. */
export function attaching(open: OpenIndex, bytes: Uint8Array, options?: CallOptions): Sending<NativeBytes, void> {
  const call = checkedCallOptions(options);
  open.check(call);
  return {
    call,
    steps: () => bytesIn(bytes),
    doors: (content) => ({
      here: () => open.native.attachSync(content),
      job: (listener) => open.native.attach(content, listener),
      done: () => undefined,
    }),
  };
}

/** The index in a file. */
export function saving(open: OpenIndex, path: FilePath, options?: CallOptions): Ready<void> {
  const call = checkedCallOptions(options);
  const place = pathOf(path);
  return {
    call,
    here: () => open.native.saveSync(place),
    job: (listener) => open.native.save(place, listener),
    done: () => undefined,
  };
}

/** Whether all of an index is sound. */
export function verifying(open: OpenIndex, options?: CallOptions): Ready<Verification> {
  return {
    call: checkedCallOptions(options),
    here: () => verificationOf(open.native.verifySync()),
    job: (listener) => open.native.verify(listener),
    done: ({ verification }) => verificationOf(present(verification)),
  };
}

/** Whether all of a file is sound. */
export function verifyingFile(path: FilePath, options?: CallOptions): Ready<Verification> {
  const call = checkedCallOptions(options);
  const place = pathOf(path);
  return {
    call,
    here: () => verificationOf(native().NativeIndex.verifyFileSync(place)),
    job: (listener) => native().NativeIndex.verifyFile(place, listener),
    done: ({ verification }) => verificationOf(present(verification)),
  };
}
