// The photos of this visit: a strip to switch between them, or a grid that shows what each becomes.

import { normalize, WHOLE } from "../crops/geometry.js";
import { fitsWhole } from "../crops/ratios.js";
import { cardWords, cropName, verdict } from "../crops/verdict.js";
import { drawPart } from "../photos/picture.js";
import { describe } from "../service/problems.js";

const THUMB_HEIGHT_PX = { strip: 56, grid: 168 };
const STATES = { waiting: "waiting", sending: "being cropped", pausing: "tried again soon", done: "cropped", failed: "failed" };

export class PhotoList {
  #items = new Map();

  /** `kind` is "strip" (whole photos) or "grid" (the chosen crops, with words). */
  constructor(list, kind, { onChoose, onRemove }) {
    Object.assign(this, { list, kind, onChoose, onRemove });
  }

  /** Show `photos` at `ratio`, with `current` chosen. Items live on, so that the focus stays where it is. */
  show(photos, current, ratio) {
    for (const [photo, item] of this.#items) {
      if (photos.includes(photo)) continue;
      item.remove();
      this.#items.delete(photo);
    }
    for (const [index, photo] of photos.entries()) {
      if (!this.#items.has(photo)) this.#items.set(photo, this.#make(photo));
      const item = this.#items.get(photo);
      if (this.list.children[index] !== item) this.list.insertBefore(item, this.list.children[index] ?? null);
      this.#update(item, photo, photo === current, ratio);
    }
  }

  /** Put the focus on a photo's button. */
  focus(photo) {
    this.#items.get(photo)?.querySelector("button").focus();
  }

  /** Bring a photo into sight. */
  reveal(photo) {
    this.#items.get(photo)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #make(photo) {
    const item = document.createElement("li");
    const choose = document.createElement("button");
    choose.type = "button";
    choose.className = `${this.kind}-photo`;
    choose.title = photo.name;
    choose.addEventListener("click", () => this.onChoose(photo));
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "photo-remove";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Remove ${photo.name}`);
    remove.addEventListener("click", () => this.onRemove(photo));
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.setAttribute("aria-label", `Sending ${photo.name}`);
    item.append(choose, remove, bar);
    return item;
  }

  #update(item, photo, isCurrent, ratio) {
    const [button, , bar] = item.children;
    const crop = this.kind === "grid" ? photo.cropAt(ratio) : null;
    item.dataset.state = photo.state;
    button.setAttribute("aria-pressed", String(isCurrent));
    bar.hidden = photo.state !== "sending" || photo.progress >= 1;
    bar.value = photo.progress;
    const said = photo.error ? describe(photo.error).title : crop && photo.wholeScore !== null ? this.#words(photo, crop, ratio) : STATES[photo.state];
    const stamp = JSON.stringify([Boolean(photo.thumb), crop?.box, said, photo.state]);
    if (item.dataset.stamp === stamp) return;
    item.dataset.stamp = stamp;
    button.setAttribute("aria-label", this.kind === "grid" ? `${photo.name}, ${STATES[photo.state]}: ${said}` : `${photo.name}, ${STATES[photo.state]}`);
    button.replaceChildren();
    if (photo.thumb) {
      const share = crop ? normalize(crop.box, photo.size) : WHOLE;
      button.append(drawPart(photo.thumb, share, THUMB_HEIGHT_PX[this.kind]));
    }
    if (this.kind === "grid") {
      for (const [className, text] of [["grid-name", photo.name], ["grid-words", said]]) {
        button.append(Object.assign(document.createElement("span"), { className, textContent: text }));
      }
    }
  }

  /** Of free crops whether to crop at all; where a ratio is needed, which crop it is. */
  #words(photo, crop, ratio) {
    if (!fitsWhole(ratio)) return [cropName(crop), cardWords(crop, ratio, photo.wholeScore)].filter(Boolean).join(" · ");
    const best = photo.choicesAt(ratio).find((choice) => choice.kind === "ranked") ?? crop;
    return verdict({ crop, best, ratio, wholeScore: photo.wholeScore }).title;
  }
}
