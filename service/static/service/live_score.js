// The score of a frame while it is being drawn: one request at a time, the newest frame next, nothing in between.

import { askedAs } from "../crops/ratios.js";
import { scoreBoxes, ServiceError } from "./api.js";

const NO_SUCH_ROUTE = new Set([404, 405]);

export class LiveScore {
  #isRunning = false;
  #next = null;

  /** `onScore(photo, ratio, box, scored)` is told of each answer. */
  constructor(onScore) {
    this.onScore = onScore;
    this.isMissing = false; // the service is older than the route: the page does without the number
  }

  /** Have `box` (pixels of the source) scored; `share` is the same box in fractions of the sides. */
  ask(photo, ratio, box, share) {
    if (this.isMissing) return;
    this.#next = { photo, ratio, box, share };
    if (!this.#isRunning) this.#run();
  }

  async #run() {
    this.#isRunning = true;
    while (this.#next && !this.isMissing) {
      const { photo, ratio, box, share } = this.#next;
      this.#next = null;
      try {
        const asked = askedAs(ratio, photo.size);
        const [scored] = await scoreBoxes(photo.upload, asked, [share], photo.abort.signal);
        this.onScore(photo, ratio, box, scored);
      } catch (error) {
        if (error.name === "AbortError") continue;
        if (!(error instanceof ServiceError)) throw error;
        this.isMissing = NO_SUCH_ROUTE.has(error.status);
        this.onScore(photo, ratio, box, null); // a busy service has no time for drafts: the frame is there without a number
      }
    }
    this.#isRunning = false;
  }
}
