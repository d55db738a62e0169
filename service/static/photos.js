// The photos of this visit and their way through the service: waiting, sent two at a time, done or failed.

import { cropPhoto, ServiceError } from "./api.js";
import { loadPicture } from "./preview.js";
import { RATIOS } from "./ratios.js";

const PARALLEL_REQUESTS = 2; // browsers keep six to a host; a full queue of the service helps nobody

let nextId = 1;

export class Photo {
  constructor(file) {
    this.id = nextId++;
    this.file = file;
    this.name = file.name || "pasted.png";
    this.state = "waiting"; // sending, done, failed
    this.answer = null; // of POST /crop
    this.timing = null;
    this.error = null;
    this.picture = null; // what the browser shows: an <img>, or null until there is one
    this.loading = Promise.resolve(); // ends when `picture` is there or cannot be had
    this.cropsByRatio = new Map();
    this.abort = new AbortController();
  }

  get wholeScore() {
    return this.answer.whole_image.score;
  }

  cropsOf(ratio) {
    return this.cropsByRatio.get(ratio) ?? [];
  }
}

/** Sends photos and tells `onChange(photo)` after each step. */
export class PhotoQueue {
  constructor(maxUploadBytes, onChange) {
    this.maxUploadBytes = maxUploadBytes;
    this.onChange = onChange;
    this.waiting = [];
    this.running = 0;
  }

  add(photo) {
    this.#load(photo);
    this.send(photo);
  }

  /** Send it, or send it again. */
  send(photo) {
    photo.state = "waiting";
    photo.error = null;
    this.waiting.push(photo);
    this.onChange(photo);
    this.#startNext();
  }

  remove(photo) {
    this.waiting = this.waiting.filter((other) => other !== photo);
    photo.abort.abort();
    if (photo.picture) URL.revokeObjectURL(photo.picture.src);
  }

  /** Crops of one more ratio of a photo that is done. */
  async addRatio(photo, ratio) {
    const { answer } = await cropPhoto(photo.file, [ratio], photo.abort.signal);
    photo.cropsByRatio.set(ratio, answer.crops);
  }

  #startNext() {
    while (this.running < PARALLEL_REQUESTS && this.waiting.length) {
      this.running += 1;
      this.#crop(this.waiting.shift()).finally(() => {
        this.running -= 1;
        this.#startNext();
      });
    }
  }

  async #crop(photo) {
    photo.state = "sending";
    this.onChange(photo);
    try {
      if (photo.file.size > this.maxUploadBytes) throw this.#tooLarge(photo);
      const { answer, timing } = await cropPhoto(photo.file, RATIOS, photo.abort.signal);
      Object.assign(photo, { answer, timing, state: "done" });
      for (const ratio of RATIOS) {
        photo.cropsByRatio.set(ratio, answer.crops.filter((crop) => crop.aspect_ratio === ratio));
      }
      this.#load(photo);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof ServiceError)) throw error;
      Object.assign(photo, { error, state: "failed" });
    }
    this.onChange(photo);
  }

  /** Have its picture; again once its answer is there, as some formats need that. One after the other. */
  #load(photo) {
    photo.loading = photo.loading.then(() => loadPicture(photo)).then(() => this.onChange(photo));
  }

  /** Refused here: a server that answers before it has read the body looks unreachable to a browser. */
  #tooLarge(photo) {
    const [is, most] = [photo.file.size, this.maxUploadBytes].map((bytes) => (bytes / 2 ** 20).toFixed(1));
    return new ServiceError(413, "too_large", `the file has ${is} MiB and this service takes ${most} MiB`);
  }
}
