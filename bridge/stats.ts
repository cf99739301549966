/** What the server counts, over its whole life. Bytes and plain numbers; nothing about content. */
import type { ErrorCode } from "../src/index.ts";

export class Counters {
  readonly started = performance.now();
  readonly calls: Record<string, number>;
  /** Time from request to answer, by op. */
  readonly seconds: Record<string, number>;
  readonly errors: Partial<Record<ErrorCode, number>> = {};
  /** Row and value bytes copied between a received frame and where they stay. */
  bytesCopied = 0;
  bytesReceived = 0;
  /** Rows placed in memory, whatever for. */
  rowsReceived = 0;
  /** Rows of results handed to the socket. */
  rowsSent = 0;

  /** Every op is listed from the start, at 0. */
  constructor(ops: Iterable<string>) {
    const names = [...ops];
    this.calls = Object.fromEntries(names.map((op) => [op, 0]));
    this.seconds = Object.fromEntries(names.map((op) => [op, 0]));
  }

  /** Counts an accepted call. `op` is one of those given to the constructor. */
  call(op: string): void {
    this.calls[op] = (this.calls[op] ?? 0) + 1;
  }

  /** Counts the time that an accepted call took. */
  took(op: string, seconds: number): void {
    this.seconds[op] = (this.seconds[op] ?? 0) + seconds;
  }

  error(code: ErrorCode): void {
    this.errors[code] = (this.errors[code] ?? 0) + 1;
  }

  get uptimeS(): number {
    return Math.round(performance.now() - this.started) / 1000;
  }
}
