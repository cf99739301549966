/**
 * Results down: batches under the client's credits.
 *
 * The server never has more batches of a call on their way than the client said it can take, so a slow
 * reader costs the server the result itself and no more.
 */
import { ByteFrames } from "./arrow/bytes.ts";
import type { ColumnFrames } from "./arrow/columns.ts";
import { bareFrame, type ResultArrays, ResultFrames } from "./arrow/results.ts";
import type { Call } from "./call.ts";
import { flag, protocolUint } from "./header.ts";
import type { Limits } from "./limits.ts";
import type { Memory } from "./memory.ts";
import type { Service } from "./service.ts";

const DEFAULT_CREDITS = 4;
/** Most of a result batch: a client holds a few of them beside what it makes of them. */
const RESULT_BYTES = 1 << 20;

/** Reads the request's receive window before any work is done. */
export function openWindow(call: Call, limits: Limits): void {
  const given =
    call.header.credits == null ? DEFAULT_CREDITS : protocolUint(call.header, "credits", 0, limits.maxCredits);
  call.credits.grant(Math.min(given, limits.maxCredits), limits.maxCredits);
}

/** Refuses a result that cannot fit, before it is computed. */
export function checkResultSize(memory: Memory, rows: number, k: number): void {
  memory.fit(`result of ${rows} x ${k}`, rows, k, 8);
}

/** Sends a whole result; the last batch is the call's answer, and says what is `told` besides. */
export async function sendResult(
  call: Call,
  arrays: ResultArrays,
  rows: number,
  k: number,
  { limits, counters }: Service,
  told: object = {},
): Promise<void> {
  if (rows === 0 || k === 0) {
    call.send({ type: "result", rows, k, start: 0, count: 0, last: true, ...told });
    return;
  }
  counters.rowsSent += rows;
  const bare = flag(call.header, "bare") ? bareFrame(arrays) : undefined;
  if (bare !== undefined) {
    await sendBatches(call, rows, rows, (part) =>
      call.send({ type: "result", rows, k, ...part, bare: true, ...told }, [bare]),
    );
    return;
  }
  const frames = new ResultFrames(arrays, k);
  await sendBatches(call, rows, batchRows(k, limits), ({ start, count, last }) => {
    call.send({ type: "result", rows, k, start, count, last, ...(last && told) }, frames.batch(start, count));
  });
}

/** Sends bytes; the last batch is the call's answer. At least 1. */
export async function sendBytes(call: Call, bytes: Uint8Array, limits: Limits): Promise<void> {
  const frames = new ByteFrames(bytes);
  const total = bytes.length;
  await sendBatches(call, total, limits.batchBytes, ({ start, count, last }) => {
    call.send({ type: "bytes", total, start, count, last }, frames.batch(start, count));
  });
}

/** Columns of plain numbers, one table of them after another; the last batch is the call's answer. */
export async function sendColumns(
  call: Call,
  type: string,
  told: object,
  parts: readonly { part: string; frames: ColumnFrames }[],
  limits: Limits,
): Promise<void> {
  const filled = parts.filter(({ frames }) => frames.length > 0);
  if (filled.length === 0) {
    call.send({ type, ...told, part: parts[0]?.part, start: 0, count: 0, last: true });
    return;
  }
  for (const [i, { part, frames }] of filled.entries()) {
    const most = Math.max(1, Math.floor(Math.min(limits.batchBytes, RESULT_BYTES) / frames.rowBytes));
    await sendBatches(call, frames.length, most, ({ start, count, last }) => {
      const end = last && i === filled.length - 1;
      call.send({ type, ...told, part, start, count, last: end }, frames.batch(start, count));
    });
  }
}

/** A part of what is sent. */
interface Part {
  readonly start: number;
  readonly count: number;
  readonly last: boolean;
}

async function sendBatches(call: Call, total: number, most: number, send: (part: Part) => void): Promise<void> {
  for (let start = 0; start < total; ) {
    const count = Math.min(most, total - start);
    call.throwIfStopped();
    if (!call.credits.takeOpen() && !(await call.credits.take(call.signal))) call.throwIfStopped();
    send({ start, count, last: start + count === total });
    start += count;
  }
}

/** Rows of a full batch: as many as fit, an even number where possible so that no padding is needed. */
function batchRows(k: number, limits: Limits): number {
  const rows = Math.floor(Math.min(limits.batchBytes, RESULT_BYTES) / (8 * k));
  return Math.max(1, rows > 1 ? rows & ~1 : rows);
}
