// Through the K crops of one ratio: slider, steps and thumbnails, all of which show the same rank.

import { drawPart } from "./preview.js";

const THUMB_HEIGHT_PX = 92;

export class CropChooser {
  constructor({ slider, previous, next, list }, onChoose) {
    Object.assign(this, { slider, previous, next, list, onChoose, drawn: null });
    slider.addEventListener("input", () => onChoose(Number(slider.value)));
    previous.addEventListener("click", () => onChoose(Number(slider.value) - 1));
    next.addEventListener("click", () => onChoose(Number(slider.value) + 1));
  }

  /** Show `crops` of `photo`, the one of `rank` chosen. */
  show(photo, crops, rank) {
    this.#draw(photo, crops);
    this.slider.max = Math.max(1, crops.length);
    this.slider.value = rank;
    this.slider.disabled = crops.length < 2;
    const span = Math.max(1, crops.length - 1);
    this.slider.style.setProperty("--done", `${((rank - 1) / span) * 100}%`);
    this.slider.setAttribute("aria-valuetext", describe(crops, rank));
    this.previous.disabled = rank <= 1;
    this.next.disabled = rank >= crops.length;
    for (const [index, item] of [...this.list.children].entries()) {
      item.firstChild.setAttribute("aria-pressed", String(index + 1 === rank));
    }
  }

  /** Thumbnails are drawn once for a list of crops, so that stepping through them keeps the focus. */
  #draw(photo, crops) {
    const isDrawn = this.drawn?.crops === crops && this.drawn.picture === photo.picture;
    if (isDrawn) return;
    this.drawn = { crops, picture: photo.picture };
    this.list.replaceChildren(
      ...crops.map((crop) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "crop";
        button.setAttribute("aria-label", `Crop ${crop.rank}, score ${crop.score.toFixed(2)}`);
        if (photo.picture) button.append(drawPart(photo.picture, crop.box_normalized, THUMB_HEIGHT_PX));
        const label = document.createElement("span");
        label.className = "crop-label";
        const [place, score] = [document.createElement("b"), document.createElement("span")];
        place.textContent = crop.rank;
        score.textContent = crop.score.toFixed(2);
        label.append(place, score);
        button.append(label);
        button.addEventListener("click", () => this.onChoose(crop.rank));
        const item = document.createElement("li");
        item.append(button);
        return item;
      }),
    );
  }
}

function describe(crops, rank) {
  const crop = crops[rank - 1];
  return crop ? `Crop ${rank} of ${crops.length}, score ${crop.score.toFixed(2)}` : "No crops";
}
