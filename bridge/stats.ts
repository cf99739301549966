/** What the server counts, over its whole life. Bytes and plain numbers; nothing about content. */
import type { ErrorCode } from "../src/index.ts";

export class Counters {
  readonly started = performance.now();
  readonly calls: Record<string, number>;
  readonly errors: Partial<Record<ErrorCode, number>> = {};
  /** Row and value bytes copied between a received frame and where they stay. */
  bytesCopied = 0;
  bytesReceived = 0;

  /** Every op is listed from the start, at 0. */
  constructor(ops: Iterable<string>) {
    this.calls = Object.fromEntries([...ops].map((op) => [op, 0]));
  }

  /** Counts an accepted call. `op` is one of those given to the constructor. */
  call(op: string): void {
    this.calls[op] = (this.calls[op] ?? 0) + 1;
  }

  error(code: ErrorCode): void {
    this.errors[code] = (this.errors[code] ?? 0) + 1;
  }

  get uptimeS(): number {
    return Math.round(performance.now() - this.started) / 1000;
  }
}
