// What can be chosen at one ratio, as small pictures in a row: ranked crops, the photo itself, the user's own frame.

import { keyOf } from "../photos/photo.js";
import { normalize } from "../crops/geometry.js";
import { cardsNote, cardWords, cropName } from "../crops/verdict.js";
import { drawPart } from "../photos/picture.js";

const THUMB_HEIGHT_PX = 92;
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };

export class Cards {
  #drawn = "";
  #choices = [];

  constructor({ list, note }, { onChoose, onDropOwn }) {
    Object.assign(this, { list, note, onChoose, onDropOwn });
    list.addEventListener("keydown", (event) => this.#press(event));
  }

  /** Show `choices` of `photo` at `ratio`, `chosen` marked. */
  show(photo, ratio, choices, chosen) {
    this.#choices = choices;
    this.list.hidden = choices.length === 0;
    this.note.textContent = cardsNote(choices, ratio);
    this.note.hidden = !this.note.textContent;
    this.#draw(photo, ratio, choices);
    for (const [index, item] of [...this.list.children].entries()) {
      const isChosen = choices[index] === chosen || (chosen && keyOf(choices[index]) === keyOf(chosen));
      item.firstChild.setAttribute("aria-pressed", String(Boolean(isChosen)));
    }
  }

  /** Drawn once for a list of crops, so that stepping through them keeps the focus. */
  #draw(photo, ratio, choices) {
    const words = choices.map((crop) => cardWords(crop, ratio, photo.wholeScore));
    const stamp = JSON.stringify([photo.id, Boolean(photo.thumb), words, choices.map((crop) => [keyOf(crop), crop.box])]);
    if (stamp === this.#drawn) return;
    this.#drawn = stamp;
    const focused = [...this.list.children].findIndex((item) => item.contains(document.activeElement));
    this.list.replaceChildren(...choices.map((crop, index) => this.#make(photo, crop, words[index], `${index + 1} of ${choices.length}`)));
    this.list.children[focused]?.firstChild.focus({ preventScroll: true });
  }

  #make(photo, crop, words, place) {
    const name = crop.kind === "ranked" ? String(crop.rank) : cropName(crop);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "crop";
    const spoken = crop.kind === "ranked" ? `Crop ${crop.rank}${words && `, ${words}`}` : name;
    button.setAttribute("aria-label", `${spoken}, ${place}`);
    if (photo.thumb) button.append(drawPart(photo.thumb, normalize(crop.box, photo.size), THUMB_HEIGHT_PX));
    const label = document.createElement("span");
    label.className = "crop-label";
    const [title, note] = [document.createElement("b"), document.createElement("span")];
    title.textContent = name;
    if (words !== name) note.textContent = words;
    label.append(title, note);
    button.append(label);
    button.addEventListener("click", () => this.onChoose(crop));
    const item = document.createElement("li");
    item.append(button);
    if (crop.kind === "own") item.append(this.#makeRemove());
    return item;
  }

  #makeRemove() {
    const remove = Object.assign(document.createElement("button"), { type: "button", className: "photo-remove", textContent: "×" });
    remove.setAttribute("aria-label", "Remove your frame");
    remove.addEventListener("click", () => {
      this.onDropOwn();
      this.list.firstChild?.firstChild.focus();
    });
    return remove;
  }

  #press(event) {
    const index = [...this.list.children].findIndex((item) => item.contains(document.activeElement));
    const next = { Home: 0, End: this.#choices.length - 1 }[event.key] ?? index + (STEPS[event.key] ?? NaN);
    if (!this.#choices[next]) return;
    event.preventDefault();
    this.onChoose(this.#choices[next]);
    this.list.children[next].firstChild.focus();
  }
}
