// The buttons of the aspect ratios: those that every photo is asked for, and the user's own, which can be removed.

import { parseRatio, ratioLabel, RATIOS } from "../crops/ratios.js";

const STORED = "vrn-ratios";

export class RatioChooser {
  #own = readOwn();

  /** `onChoose(ratio)` is told of every choice. */
  constructor({ group, form, input }, onChoose) {
    Object.assign(this, { group, input, onChoose });
    for (const ratio of [...RATIOS, ...this.#own]) this.#add(ratio);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const ratio = parseRatio(input.value);
      input.setCustomValidity(ratio ? "" : "Write width and height, such as 16:9, 16x9 or 1.91:1");
      if (!input.reportValidity()) return;
      if (!this.#chip(ratio)) {
        this.#own.push(ratio);
        this.#add(ratio);
        this.#store();
      }
      input.value = "";
      onChoose(ratio);
    });
    input.addEventListener("input", () => input.setCustomValidity(""));
  }

  /** Mark the chosen one. */
  show(ratio) {
    for (const chip of this.group.querySelectorAll(".chip")) {
      const isChosen = chip.dataset.ratio === ratio;
      if (isChosen && chip.getAttribute("aria-pressed") !== "true") this.#reveal(chip);
      chip.setAttribute("aria-pressed", String(isChosen));
    }
  }

  /** Forget a ratio of the user's own. */
  drop(ratio) {
    if (!this.#own.includes(ratio)) return;
    this.#own = this.#own.filter((other) => other !== ratio);
    this.#chip(ratio)?.parentElement.remove();
    this.#store();
  }

  /** On a phone the chips and the field are one line that scrolls. */
  #reveal(chip) {
    const line = this.group.parentElement;
    if (line.scrollWidth > line.clientWidth) line.scrollLeft = chip.offsetLeft - line.clientWidth / 2 + chip.offsetWidth / 2;
  }

  #chip(ratio) {
    return this.group.querySelector(`.chip[data-ratio="${ratio}"]`);
  }

  #add(ratio) {
    const item = document.createElement("span");
    item.className = "chip-item";
    const chip = Object.assign(document.createElement("button"), { type: "button", className: "chip", textContent: ratioLabel(ratio) });
    chip.dataset.ratio = ratio;
    chip.addEventListener("click", () => this.onChoose(ratio));
    item.append(chip);
    if (!RATIOS.includes(ratio)) {
      const remove = Object.assign(document.createElement("button"), { type: "button", className: "chip-remove", textContent: "×" });
      remove.setAttribute("aria-label", `Remove ratio ${ratio}`);
      remove.addEventListener("click", () => {
        const isChosen = chip.getAttribute("aria-pressed") === "true";
        this.drop(ratio);
        this.input.focus();
        if (isChosen) this.onChoose("free");
      });
      item.append(remove);
    }
    this.group.append(item);
  }

  #store() {
    try {
      localStorage.setItem(STORED, JSON.stringify(this.#own));
    } catch {
      // Storage may be forbidden; the ratios then live as long as the page.
    }
  }
}

function readOwn() {
  try {
    return JSON.parse(localStorage.getItem(STORED) ?? "[]").map(parseRatio).filter((ratio) => ratio && !RATIOS.includes(ratio));
  } catch {
    return [];
  }
}
