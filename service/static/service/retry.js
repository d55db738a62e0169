// Trying again by itself what a busy, restarting or unreachable service may well answer a little later.

import { ServiceError } from "./api.js";

const WORTH_ANOTHER = new Set([0, 429, 502, 503, 504]); // 0: nothing answered; 502 and 504 also come from proxies
const MOST_TRIES = 7;
const LONGEST_WAIT_S = 30;

/** Seconds until try number `tries` + 1, or null where trying again is pointless. */
export function waitBefore(error, tries) {
  if (!WORTH_ANOTHER.has(error.status) || tries >= MOST_TRIES) return null;
  const backOff = Math.min(LONGEST_WAIT_S, 2 ** (tries - 1));
  return Math.max(error.retryAfterS ?? 0, backOff * (0.75 + Math.random() / 2)); // not all pages in step
}

/** The result of `attempt()`, tried as `waitBefore` says; `pause(error, seconds)` waits, and may end early. */
export async function withRetry(attempt, pause) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const seconds = error instanceof ServiceError ? waitBefore(error, tries) : null;
      if (seconds === null) throw error;
      await pause(error, seconds);
    }
  }
}

/** A wait that `wake()` ends early, as the browser's coming online does; an abort rejects it. */
export class Alarm {
  #wakes = new Set();

  constructor() {
    addEventListener("online", () => this.wake());
  }

  sleep(seconds, signal) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        this.#wakes.delete(wake);
        settle(value);
      };
      const wake = () => end(resolve);
      const abort = () => end(reject, signal.reason);
      const timer = setTimeout(wake, seconds * 1000);
      this.#wakes.add(wake);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** End every wait. */
  wake() {
    for (const wake of [...this.#wakes]) wake();
  }
}
