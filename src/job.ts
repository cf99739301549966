/**
 * A long call: started in the addon, watched and stopped from here.
 */
import { fromNative, HnswError, isErrorCode } from "./errors.ts";
import type { NativeEvent, NativeJob, NativeListener } from "./native.ts";
import { type Progress, Reporter } from "./progress.ts";

/** What every long call takes. */
export interface CallOptions {
  /** Stops the call, within 200 ms; it then rejects with `ERR_CANCELLED` (`cause` is the signal's reason). */
  readonly signal?: AbortSignal | undefined;
  /**
   * Hears of the call's progress: at the start and end of each phase, between them up to 20 times a second, and at
   * least every 250 ms. What it throws stops the call and is what the call rejects with.
   */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export type Done = Extract<NativeEvent, { kind: "done" }>;

/** Throws `ERR_CANCELLED` if `signal` has fired. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled(signal);
}

function cancelled(signal: AbortSignal): HnswError {
  return new HnswError("ERR_CANCELLED", "cancelled by the caller's signal", { cause: signal.reason });
}

/** Starts a job and settles with its end. `running` holds the job meanwhile. */
export function runJob(
  start: (listener: NativeListener) => NativeJob,
  { signal, onProgress }: CallOptions,
  running: Set<NativeJob>,
): Promise<Done> {
  return new Promise((resolve, reject) => {
    checkSignal(signal);
    let thrown: { error: unknown } | undefined;
    const stop = () => job.cancel();
    const fail = (error: unknown) => {
      thrown ??= { error };
      reporter?.stop();
      stop();
    };
    const reporter = onProgress && new Reporter(onProgress);
    const listener = (event: NativeEvent) => {
      if (event.kind === "progress") {
        if (thrown === undefined) reported(reporter, event, fail);
        return;
      }
      reporter?.stop();
      signal?.removeEventListener("abort", stop);
      running.delete(job);
      if (thrown !== undefined) reject(thrown.error);
      else if (event.kind === "done") resolve(event);
      else reject(failure(event, signal));
    };
    const job = startJob(start, listener);
    running.add(job);
    reporter?.start(fail);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

function startJob(start: (listener: NativeListener) => NativeJob, listener: NativeListener): NativeJob {
  try {
    return start(listener);
  } catch (error) {
    throw fromNative(error);
  }
}

function reported(reporter: Reporter | undefined, progress: Progress, failed: (error: unknown) => void): void {
  try {
    reporter?.report(progress);
  } catch (error) {
    failed(error);
  }
}

function failure(event: { code: string; message: string }, signal: AbortSignal | undefined): HnswError {
  if (event.code === "ERR_CANCELLED" && signal?.aborted) return cancelled(signal);
  return new HnswError(isErrorCode(event.code) ? event.code : "ERR_INTERNAL", event.message);
}
