// One photo of this visit: its file, what the service said of it, and what was chosen. Knows no HTTP and no page.

import { choices, ownCrop, rankedCrop } from "../crops/crop.js";
import { askedAs } from "../crops/ratios.js";

const SAVED = ["name", "state", "size", "wholeScore", "keep", "timing"];

export class Photo {
  constructor(file, id = crypto.getRandomValues(new Uint32Array(2)).join("-")) {
    this.id = id;
    this.file = file;
    this.name = file.name || "pasted.png";
    this.state = "waiting"; // sending, pausing, done, failed
    this.progress = 0; // of the upload, 0 to 1
    this.retryAt = 0; // when a pausing photo is tried again, by Date.now()
    this.error = null;
    this.size = null; // of the upright source, in pixels; known once browser or service has decoded it
    this.upload = file; // what is sent: the file, or a small copy
    this.picture = null; // what the browser shows: an <img>, or null until there is one
    this.shown = null; // the service's picture of a file that the browser cannot show
    this.thumb = null; // a small canvas of `picture`
    this.wholeScore = null;
    this.timing = null;
    this.keep = []; // boxes that every crop contains, as fractions of the sides
    this.ranked = new Map(); // ratio -> crops, best first
    this.refused = new Map(); // ratio -> why the service has no such crop
    this.picks = new Map(); // ratio -> "whole", "own" or a rank; without an entry the first choice
    this.own = new Map(); // ratio -> { box, scored }
    this.loaded = Promise.resolve();
    this.abort = new AbortController();
  }

  /** Whether the service sees other pixels than those of the file. */
  get isUploadSmaller() {
    return this.upload !== this.file;
  }

  /** Take what the service answered for `ratios`. */
  take(answer, ratios) {
    if (!this.isUploadSmaller) this.size = answer.image;
    this.wholeScore = answer.whole_image.score;
    for (const ratio of ratios) {
      const asked = askedAs(ratio, this.size);
      const crops = answer.crops.filter((crop) => crop.aspect_ratio === asked);
      this.ranked.set(ratio, crops.map((crop) => rankedCrop(crop, ratio, answer.image, this.size)));
      this.refused.delete(ratio);
    }
  }

  /** Everything to choose from at `ratio`, best first. */
  choicesAt(ratio) {
    const own = this.own.get(ratio);
    if (!this.ranked.has(ratio)) return own ? [ownCrop(own.box, own.scored)] : [];
    return choices(this.ranked.get(ratio), ratio, this.size, this.wholeScore, own && ownCrop(own.box, own.scored));
  }

  /** The chosen crop at `ratio`, or null while there is none. */
  cropAt(ratio) {
    const list = this.choicesAt(ratio);
    const pick = this.picks.get(ratio);
    return list.find((crop) => keyOf(crop) === pick) ?? list[0] ?? null;
  }

  pick(ratio, crop) {
    this.picks.set(ratio, keyOf(crop));
  }

  /** The user's own frame at `ratio`, which thereby is the chosen one. */
  draw(ratio, box) {
    // What was said of the frame a moment ago stays until the next answer: it must not flicker while one draws.
    this.own.set(ratio, { box, scored: this.own.get(ratio)?.scored ?? null });
    this.picks.set(ratio, "own");
  }

  /** Without the user's own frame at `ratio`; the first choice is the chosen one again. */
  dropOwn(ratio) {
    this.own.delete(ratio);
    if (this.picks.get(ratio) === "own") this.picks.delete(ratio);
  }

  /** Other boxes to keep: what was ranked no longer holds. */
  keepOnly(boxes) {
    this.keep = boxes;
    this.ranked.clear();
    this.refused.clear();
    for (const [ratio, pick] of this.picks) if (typeof pick === "number") this.picks.delete(ratio);
  }

  /** What a reload needs, besides the file: plain data. */
  toRecord() {
    const maps = { ranked: this.ranked, refused: this.refused, picks: this.picks, own: this.own };
    return { ...Object.fromEntries(SAVED.map((name) => [name, this[name]])), ...maps };
  }

  static fromRecord({ id, file, shown, data }) {
    const photo = new Photo(file, id);
    if (data) Object.assign(photo, data, { shown: shown ?? null, state: data.state === "done" ? "done" : "waiting" });
    return photo;
  }
}

/** What a crop is remembered by. */
export function keyOf(crop) {
  return crop.kind === "ranked" ? crop.rank : crop.kind;
}
