// What can be chosen at one ratio, as small pictures in a row: ranked crops, the photo itself, the user's own frame.

import { keyOf } from "../photos/photo.js";
import { normalize } from "../crops/geometry.js";
import { cardWords } from "../crops/verdict.js";
import { drawPart } from "../photos/picture.js";

const THUMB_HEIGHT_PX = 92;
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };

export class Cards {
  #drawn = "";
  #choices = [];

  constructor(list, onChoose) {
    Object.assign(this, { list, onChoose });
    list.addEventListener("keydown", (event) => this.#press(event));
  }

  /** Show `choices` of `photo`, `chosen` marked. */
  show(photo, choices, chosen) {
    this.#choices = choices;
    this.#draw(photo, choices);
    for (const [index, item] of [...this.list.children].entries()) {
      const isChosen = choices[index] === chosen || (chosen && keyOf(choices[index]) === keyOf(chosen));
      item.firstChild.setAttribute("aria-pressed", String(Boolean(isChosen)));
    }
  }

  /** Drawn once for a list of crops, so that stepping through them keeps the focus. */
  #draw(photo, choices) {
    const stamp = JSON.stringify([photo.id, Boolean(photo.thumb), choices.map((crop) => [keyOf(crop), crop.box, cardWords(crop, photo.wholeScore)])]);
    if (stamp === this.#drawn) return;
    this.#drawn = stamp;
    const focused = [...this.list.children].findIndex((item) => item.contains(document.activeElement));
    this.list.replaceChildren(...choices.map((crop, index) => this.#make(photo, crop, index, choices.length)));
    this.list.children[focused]?.firstChild.focus({ preventScroll: true });
  }

  #make(photo, crop, index, count) {
    const words = cardWords(crop, photo.wholeScore);
    const name = { whole: "Whole photo", own: "Your frame" }[crop.kind] ?? String(crop.rank);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "crop";
    const spoken = crop.kind === "ranked" ? `Crop ${crop.rank}${words && `, ${words}`}` : name;
    button.setAttribute("aria-label", `${spoken}, ${index + 1} of ${count}`);
    if (photo.thumb) button.append(drawPart(photo.thumb, normalize(crop.box, photo.size), THUMB_HEIGHT_PX));
    const label = document.createElement("span");
    label.className = "crop-label";
    const [place, note] = [document.createElement("b"), document.createElement("span")];
    place.textContent = name;
    if (words !== name) note.textContent = words;
    label.append(place, note);
    button.append(label);
    button.addEventListener("click", () => this.onChoose(crop));
    const item = document.createElement("li");
    item.append(button);
    return item;
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
