// The photos' way through the service: decoded here, sent two at a time, tried again where that helps.

import { firstRatios } from "../crops/ratios.js";
import { cropPhoto, ServiceError } from "../service/api.js";
import { Alarm, waitBefore, withRetry } from "../service/retry.js";
import { Lanes } from "./lanes.js";
import { decode, decodeHere, decodeThere, makeThumb, makeUpload, sizeOf } from "./picture.js";

const PARALLEL_REQUESTS = 2; // browsers keep six to a host; a full queue of the service helps nobody
const PARALLEL_DECODES = 2; // each holds a whole photo in memory

/** Sends photos and tells `onChange(photo)` after each step. */
export class PhotoQueue {
  #sending = new Lanes(PARALLEL_REQUESTS);
  #decoding = new Lanes(PARALLEL_DECODES);
  #alarm = new Alarm();
  #asking = new Map(); // photo -> Map(ratio -> promise)

  constructor(maxUploadBytes, onChange) {
    this.maxUploadBytes = maxUploadBytes;
    this.onChange = onChange;
  }

  /** A new photo, or one of the session before the reload, which may have its answer already. */
  add(photo) {
    photo.loaded = this.#decoding.run(() => this.#load(photo), photo);
    if (photo.state !== "done") this.send(photo);
  }

  /** Send it, or send it again. */
  send(photo) {
    if (photo.abort.signal.aborted) photo.abort = new AbortController();
    photo.state = "waiting";
    photo.error = null;
    this.onChange(photo);
    this.#sending.run(() => this.#crop(photo), photo);
  }

  /** Stop all that is done for it; `restore` takes it up again. */
  remove(photo) {
    this.#sending.drop(photo);
    photo.abort.abort();
  }

  restore(photo) {
    photo.abort = new AbortController();
    if (!photo.picture) photo.loaded = this.#decoding.run(() => this.#load(photo), photo);
    if (!["done", "failed"].includes(photo.state)) this.send(photo);
  }

  /** End the pauses of photos that wait for a busy service. */
  wake() {
    this.#alarm.wake();
  }

  isAsking(photo, ratio) {
    return this.#asking.get(photo)?.has(ratio) ?? false;
  }

  /** Have the crops of `ratio` of a photo that is done; a ratio that it cannot have is noted in `refused`. */
  async askFor(photo, ratio) {
    if (photo.ranked.has(ratio) || photo.refused.has(ratio)) return;
    const asked = this.#asking.get(photo) ?? new Map();
    this.#asking.set(photo, asked);
    if (!asked.has(ratio)) {
      asked.set(ratio, this.#ask(photo, ratio).finally(() => asked.delete(ratio)));
      this.onChange(photo);
    }
    await asked.get(ratio);
  }

  async #ask(photo, ratio) {
    await photo.loaded;
    for (let keep; keep !== photo.keep; ) {
      keep = photo.keep; // drawn anew while the answer was on its way: that answer no longer holds
      const wanted = ratio === "original" ? `${photo.size.width}:${photo.size.height}` : ratio;
      try {
        const attempt = () => cropPhoto(photo.upload, [wanted], keep, { signal: photo.abort.signal });
        const { answer } = await withRetry(attempt, (error, seconds) => this.#alarm.sleep(seconds, photo.abort.signal));
        if (keep === photo.keep) photo.take(answer, [ratio]);
      } catch (error) {
        if (error.status !== 422) throw error;
        if (keep === photo.keep) photo.refused.set(ratio, error.message);
      }
    }
    this.onChange(photo);
  }

  async #load(photo) {
    const picture = photo.shown ? await decode(photo.shown) : await decodeHere(photo.file);
    if (picture) {
      if (!photo.shown) {
        photo.size = sizeOf(picture);
        photo.upload = await makeUpload(photo.file, picture);
      }
      this.#show(photo, picture);
    } else if (photo.state === "done") await this.#loadThere(photo);
    this.onChange(photo);
  }

  #show(photo, picture) {
    photo.picture = picture;
    photo.thumb = makeThumb(picture);
  }

  async #crop(photo) {
    await photo.loaded;
    photo.state = "sending";
    photo.progress = 0;
    this.onChange(photo);
    try {
      if (photo.upload.size > this.maxUploadBytes) throw this.#tooLarge(photo);
      const ratios = firstRatios(photo.size);
      const asked = ratios.map((ratio) => (ratio === "original" ? `${photo.size.width}:${photo.size.height}` : ratio));
      const onProgress = (share) => {
        photo.progress = share;
        this.onChange(photo);
      };
      const attempt = () => cropPhoto(photo.upload, asked, [], { signal: photo.abort.signal, onProgress });
      const { answer, timing } = await withRetry(attempt, (error, seconds) => this.#pause(photo, error, seconds));
      photo.take(answer, ratios);
      Object.assign(photo, { timing, error: null, state: "done" });
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof ServiceError)) throw error;
      this.#fail(photo, error);
    }
    this.onChange(photo);
    if (photo.state === "done") await this.#checkFrame(photo);
  }

  /** Only the service knows how a file that the browser cannot decode, or decodes to another shape, looks. */
  async #checkFrame(photo) {
    const here = photo.picture && sizeOf(photo.picture);
    if (here && here.width === photo.size.width && here.height === photo.size.height) return;
    if (here) URL.revokeObjectURL(photo.picture.src);
    photo.picture = null;
    await this.#loadThere(photo);
    this.onChange(photo);
  }

  async #loadThere(photo) {
    try {
      const picture = await decodeThere(photo);
      if (picture) this.#show(photo, picture);
    } catch (error) {
      if (!(error instanceof ServiceError) && error.name !== "AbortError") throw error;
    }
    photo.isHidden = !photo.picture; // the page says that it cannot show the photo; its crops are known
  }

  async #pause(photo, error, seconds) {
    Object.assign(photo, { error, state: "pausing", retryAt: Date.now() + seconds * 1000 });
    this.onChange(photo);
    await this.#alarm.sleep(seconds, photo.abort.signal);
    Object.assign(photo, { error: null, state: "sending", progress: 0 });
    this.onChange(photo);
  }

  /** A service that stayed away for one photo is not tried for minutes with each of the others. */
  #fail(photo, error) {
    const isService = waitBefore(error, 1) !== null;
    const others = isService ? this.#sending.drop() : [];
    for (const failed of [photo, ...others]) {
      Object.assign(failed, { error, state: "failed" });
      this.onChange(failed);
    }
  }

  /** Refused here: a server that answers before it has read the body looks unreachable to a browser. */
  #tooLarge(photo) {
    const [is, most] = [photo.upload.size, this.maxUploadBytes].map((bytes) => (bytes / 2 ** 20).toFixed(1));
    return new ServiceError(413, "too_large", `the file has ${is} MiB and this service takes ${most} MiB`);
  }
}
