/**
 * Which queries are answered on the server's own thread.
 *
 * To hand a query to another thread and its answer back takes longer than a short walk does. So a query like one that
 * its index has just answered in no time is answered at once, between two messages. Everything else runs beside the
 * event loop, and while anything does on an index, so do its queries: they might have to wait for it.
 */
import type { HnswIndex } from "../src/index.ts";

/** Longest that a query may keep the server from other messages. Guessed: some of these in a row go unnoticed. */
const QUICK_MS = 0.5;

interface Known {
  /** Work on other threads: what runs, and what has ever begun. */
  running: number;
  begun: number;
  /** What was asked when it last took no time. */
  quick: string | undefined;
}

export class Pace {
  readonly #indexes = new WeakMap<HnswIndex, Known>();

  /** Whether the query that `asked` describes would be answered at once. */
  isQuick(index: HnswIndex, asked: string): boolean {
    const { running, quick } = this.#of(index);
    return running === 0 && quick === asked;
  }

  /** Runs work on an index beside the event loop. What was quick before need not be so after. */
  async beside<T>(index: HnswIndex, work: () => Promise<T>): Promise<T> {
    const known = this.#of(index);
    known.running++;
    known.begun++;
    known.quick = undefined;
    try {
      return await work();
    } finally {
      known.running--;
    }
  }

  /** Runs the query that `asked` describes: here if it is known to be quick, else beside the event loop. */
  async query<T>(index: HnswIndex, asked: string, here: () => T, aside: () => Promise<T>): Promise<T> {
    const known = this.#of(index);
    if (this.isQuick(index, asked)) {
      const start = performance.now();
      const found = here();
      this.#took(known, asked, performance.now() - start);
      return found;
    }
    const begun = known.running === 0 ? known.begun + 1 : undefined;
    const found = await this.beside(index, aside);
    // What the engine computed, without the way there. It tells of its last query: this one, if no other ran meanwhile.
    const alone = known.begun === begun && !index.closed;
    if (alone) this.#took(known, asked, (index.plan.query.seconds ?? 1) * 1e3);
    return found;
  }

  #took(known: Known, asked: string, ms: number): void {
    known.quick = ms <= QUICK_MS ? asked : undefined;
  }

  #of(index: HnswIndex): Known {
    let known = this.#indexes.get(index);
    if (known === undefined) {
      known = { running: 0, begun: 0, quick: undefined };
      this.#indexes.set(index, known);
    }
    return known;
  }
}
