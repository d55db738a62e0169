// The photos of this visit side by side, to switch between them and to take one away.

import { drawPart } from "./preview.js";

const WHOLE = { x: 0, y: 0, width: 1, height: 1 };
const THUMB_HEIGHT_PX = 56;
const STATES = { waiting: "waiting", sending: "being cropped", done: "cropped", failed: "failed" };

export class Strip {
  constructor(list, { onChoose, onRemove }) {
    Object.assign(this, { list, onChoose, onRemove, items: new Map() });
  }

  /** Show `photos`, with `current` chosen. Items live on, so that the focus stays where it is. */
  show(photos, current) {
    for (const [photo, item] of this.items) {
      if (photos.includes(photo)) continue;
      item.remove();
      this.items.delete(photo);
    }
    for (const photo of photos) {
      if (!this.items.has(photo)) this.items.set(photo, this.list.appendChild(this.#make(photo)));
      this.#update(this.items.get(photo), photo, photo === current);
    }
  }

  /** Put the focus on a photo's button. */
  focus(photo) {
    this.items.get(photo)?.querySelector("button").focus();
  }

  #make(photo) {
    const item = document.createElement("li");
    const choose = document.createElement("button");
    choose.type = "button";
    choose.className = "strip-photo";
    choose.addEventListener("click", () => this.onChoose(photo));
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "strip-remove";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Remove ${photo.name}`);
    remove.addEventListener("click", () => this.onRemove(photo));
    item.append(choose, remove);
    return item;
  }

  #update(item, photo, isCurrent) {
    const button = item.firstChild;
    item.dataset.state = photo.state;
    button.setAttribute("aria-pressed", String(isCurrent));
    button.setAttribute("aria-label", `${photo.name}, ${STATES[photo.state]}`);
    button.title = photo.name;
    if (photo.picture && !button.querySelector("canvas")) {
      button.prepend(drawPart(photo.picture, WHOLE, THUMB_HEIGHT_PX));
    }
  }
}
