/**
 * Calls of the addon that have been checked, and the two ways to run them: on this thread, and as a job beside it. So each
 * operation is described once, for a method and its `Sync` twin.
 */
import { HnswError, wrapped } from "./errors.ts";
import { type CallOptions, checkSignal, type Done, runJob } from "./job.ts";
import type { NativeJob, NativeListener } from "./native.ts";
import { atOnce, inSlices } from "./transfer.ts";

/** The addon's two doors to an operation. */
export interface Doors<T> {
  /** Runs it on this thread. */
  readonly here: () => T;
  /** Starts it beside this thread. */
  readonly job: (listener: NativeListener) => NativeJob;
  /** What callers get of a job that has ended well. */
  readonly done: (done: Done) => T;
}

/** An operation that may begin. */
export interface Ready<T> extends Doors<T> {
  readonly call: CallOptions;
}

/** An operation whose rows or bytes have yet to be copied, step by step. */
export interface Sending<Content, T> {
  readonly call: CallOptions;
  readonly steps: () => Generator<void, Content, void>;
  readonly doors: (content: Content) => Doors<T>;
}

/** Runs an operation as a job, which `running` holds meanwhile. */
export async function run<T>({ call, job, done }: Ready<T>, running = new Set<NativeJob>()): Promise<T> {
  return done(await runJob(job, call, running));
}

/** Runs an operation on this thread. */
export function runHere<T>({ here }: Doors<T>): T {
  return wrapped(here);
}

/** Copies, then runs as a job. */
export async function send<Content, T>({ call, steps, doors }: Sending<Content, T>): Promise<T> {
  const check = () => checkSignal(call.signal);
  check();
  return run({ call, ...doors(await inSlices(steps(), check)) });
}

/** Copies and runs on this thread. */
export function sendHere<Content, T>({ steps, doors }: Sending<Content, T>): T {
  return runHere(doors(atOnce(steps())));
}

/** What a job must have handed over. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new HnswError("ERR_INTERNAL", "the addon answered without a result");
  return value;
}
