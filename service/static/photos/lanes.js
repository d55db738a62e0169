// At most so many jobs at once, first come first served.

export class Lanes {
  #waiting = [];
  #running = 0;

  constructor(count) {
    this.count = count;
  }

  /** The result of `job()`, run when a lane is free; `owner` names it for `drop`. */
  run(job, owner = null) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, owner, resolve, reject });
      this.#startNext();
    });
  }

  /** Forget the waiting jobs of `owner`, or all of them: their promises stay open. Returns the owners. */
  drop(owner = null) {
    const dropped = this.#waiting.filter((entry) => owner === null || entry.owner === owner);
    this.#waiting = this.#waiting.filter((entry) => !dropped.includes(entry));
    return dropped.map((entry) => entry.owner);
  }

  #startNext() {
    while (this.#running < this.count && this.#waiting.length) {
      const { job, resolve, reject } = this.#waiting.shift();
      this.#running += 1;
      Promise.resolve()
        .then(job)
        .then(resolve, reject)
        .finally(() => {
          this.#running -= 1;
          this.#startNext();
        });
    }
  }
}
