/**
 * How far a call is, and how long it has to go: what the addon reports, told again while nothing changes.
 */

/** How far a call has come: `done` of `total` units of `phase`. `done` never falls within a phase. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** What is left of this phase, at the speed it has had so far; absent where nothing tells it yet. */
  readonly secondsLeft?: number;
}

/** What the addon reports. */
type Report = Pick<Progress, "phase" | "done" | "total">;

/** Silence after which the last report is told again: half of the 250 ms that are promised, for a late timer. */
const REPEAT_MS = 125;

/** Less of a phase than this tells nothing about the rest of it. */
const MIN_MS = 100;

/** Tells a call's progress to one listener, at least every 250 ms until it is stopped. */
export class Reporter {
  readonly #listener: (progress: Progress) => void;
  #latest: Report | undefined;
  #phase = { began: 0, from: 0 };
  #timer: NodeJS.Timeout | undefined;

  constructor(listener: (progress: Progress) => void) {
    this.#listener = listener;
  }

  /** Takes a report and tells it. Throws what the listener throws. */
  report(report: Report): void {
    const before = this.#latest;
    if (before?.phase !== report.phase || before.total !== report.total || before.done > report.done) {
      this.#phase = { began: performance.now(), from: report.done };
    }
    this.#latest = report;
    this.#tell(report);
  }

  /** Repeats the last report whenever there was silence; `failed` gets what the listener throws then. */
  start(failed: (error: unknown) => void): void {
    this.#timer = setInterval(() => {
      try {
        if (this.#latest !== undefined) this.#tell(this.#latest);
      } catch (error) {
        failed(error);
      }
    }, REPEAT_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tell({ phase, done, total }: Report): void {
    const secondsLeft = this.#secondsLeft(done, total);
    this.#timer?.refresh();
    this.#listener({ phase, done, total, ...(secondsLeft !== undefined && { secondsLeft }) });
  }

  #secondsLeft(done: number, total: number): number | undefined {
    if (done === total) return 0;
    const ms = performance.now() - this.#phase.began;
    const made = done - this.#phase.from;
    if (made <= 0 || ms < MIN_MS) return undefined;
    return Math.round((ms * (total - done)) / made) / 1000;
  }
}
