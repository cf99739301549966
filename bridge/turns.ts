/**
 * Who computes next. Each computation may use every core, so only a few run at once; the others wait, and the
 * sessions take turns: one that asks for a thousand graphs does not keep out one that asks for a single query.
 */

/** A computation that waits for its turn. */
interface Waiting {
  readonly begin: () => void;
}

/** A place among those that compute. `leave` it once. */
export type Leave = () => void;

export class Turns {
  readonly #places: number;
  #taken = 0;
  /** Those that wait, by whom they wait for; in the order of the turns. */
  readonly #waiting = new Map<unknown, Waiting[]>();

  /** `places`: computations that may run at once, at least 1. */
  constructor(places: number) {
    this.#places = places;
  }

  /** Computations that wait. */
  get length(): number {
    let length = 0;
    for (const queue of this.#waiting.values()) length += queue.length;
    return length;
  }

  get running(): number {
    return this.#taken;
  }

  /**
   * Waits for a place in the name of `owner`. Gives what leaves it, or nothing when `signal` fires first: then nothing
   * has been taken. Where a place is free nothing is waited for.
   */
  async take(owner: unknown, signal: AbortSignal): Promise<Leave | undefined> {
    if (signal.aborted) return undefined;
    if (this.#taken < this.#places) this.#taken++;
    else if (!(await this.#wait(owner, signal))) return undefined;
    return () => this.#leave();
  }

  #wait(owner: unknown, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const waiting: Waiting = {
        begin: () => {
          signal.removeEventListener("abort", giveUp);
          resolve(true);
        },
      };
      const giveUp = () => {
        this.#remove(owner, waiting);
        resolve(false);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      const queue = this.#waiting.get(owner);
      if (queue === undefined) this.#waiting.set(owner, [waiting]);
      else queue.push(waiting);
    });
  }

  #remove(owner: unknown, waiting: Waiting): void {
    const queue = this.#waiting.get(owner);
    const at = queue?.indexOf(waiting) ?? -1;
    if (at >= 0) queue?.splice(at, 1);
    if (queue?.length === 0) this.#waiting.delete(owner);
  }

  /** Hands the place on to the first of the next owner, who then goes to the end of the turns. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken--;
      return;
    }
    const [owner, queue] = next;
    const first = queue.shift();
    this.#waiting.delete(owner);
    if (queue.length > 0) this.#waiting.set(owner, queue);
    first?.begin();
  }
}
