/**
 * Results down: batches under the client's credits.
 *
 * The server never has more batches of a call on their way than the client said it can take, so a slow
 * reader costs the server the result itself and no more.
 */
import { type ResultArrays, ResultFrames } from "./arrow/results.ts";
import type { Call } from "./call.ts";
import { protocolUint } from "./header.ts";
import type { Limits } from "./limits.ts";
import { bytesThatFit } from "./memory.ts";

const DEFAULT_CREDITS = 4;

/** Reads the request's receive window before any work is done. */
export function openWindow(call: Call, limits: Limits): void {
  const given =
    call.header.credits == null ? DEFAULT_CREDITS : protocolUint(call.header, "credits", 0, limits.maxCredits);
  call.credits.grant(Math.min(given, limits.maxCredits), limits.maxCredits);
}

/** Refuses a result that cannot fit, before it is computed. */
export function checkResultSize(rows: number, k: number): void {
  bytesThatFit(`result of ${rows} x ${k}`, rows, k, 8);
}

/** Sends a whole result; the last batch is the call's answer. */
export async function sendResult(
  call: Call,
  arrays: ResultArrays,
  rows: number,
  k: number,
  limits: Limits,
): Promise<void> {
  if (rows === 0 || k === 0) {
    call.send({ type: "result", rows, k, start: 0, count: 0, last: true });
    return;
  }
  const frames = new ResultFrames(arrays, k);
  const most = batchRows(k, limits);
  for (let start = 0; start < rows; ) {
    const count = Math.min(most, rows - start);
    if (!(await call.credits.take(call.signal))) call.throwIfStopped();
    const last = start + count === rows;
    call.send({ type: "result", rows, k, start, count, last }, frames.batch(start, count));
    start += count;
  }
}

/** Rows of a full batch: as many as fit, an even number where possible so that no padding is needed. */
function batchRows(k: number, limits: Limits): number {
  const rows = Math.floor(limits.batchBytes / (8 * k));
  return Math.max(1, rows > 1 ? rows & ~1 : rows);
}
