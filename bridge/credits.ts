/** A receive window: how many more messages the other side said it can take. */
import { protocolError } from "./errors.ts";

/** Counts open credits; one waiter at a time. */
export class CreditWindow {
  #open = 0;
  #wake: (() => void) | undefined;

  /** Adds credits. Throws ERR_PROTOCOL beyond `max` open ones. */
  grant(credits: number, max: number): void {
    if (this.#open + credits > max) {
      throw protocolError(`${this.#open + credits} credits would be open, allowed: ${max}`);
    }
    this.#open += credits;
    this.#wake?.();
  }

  /** Takes one credit if there is one. */
  takeOpen(): boolean {
    if (this.#open === 0) return false;
    this.#open--;
    return true;
  }

  /** Takes one credit, waiting for it; false when `signal` ends the wait. */
  async take(signal: AbortSignal): Promise<boolean> {
    while (this.#open === 0 && !signal.aborted) await this.#granted(signal);
    if (signal.aborted) return false;
    this.#open--;
    return true;
  }

  #granted(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener("abort", wake);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}
