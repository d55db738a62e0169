// Before and after, side by side at one height.

import { normalize, WHOLE } from "../crops/geometry.js";
import { drawPart } from "../photos/picture.js";

const GAP_PX = 12;
const LABEL_PX = 28;

export class Compare {
  #drawn = "";

  constructor({ panel, before, after }) {
    Object.assign(this, { panel, before, after });
    new ResizeObserver(() => this.#show?.()).observe(panel);
  }

  #show = null;

  /** Fill the panel with `photo` and its `crop`; call it while the panel is in sight. */
  show(photo, crop) {
    this.#show = () => this.#draw(photo, crop);
    this.#show();
  }

  #draw(photo, crop) {
    const [across, down] = [this.panel.clientWidth, this.panel.clientHeight];
    if (!across || !photo.picture) return;
    const ratios = [photo.size.width / photo.size.height, crop.box.width / crop.box.height];
    const height = Math.max(40, Math.min(down - LABEL_PX, (across - GAP_PX) / (ratios[0] + ratios[1])));
    const stamp = JSON.stringify([photo.id, crop.box, Math.round(height)]);
    if (stamp === this.#drawn) return;
    this.#drawn = stamp;
    for (const [figure, share, words] of [[this.before, WHOLE, "Before"], [this.after, normalize(crop.box, photo.size), "After"]]) {
      const canvas = drawPart(photo.picture, share, height);
      canvas.style.height = `${height}px`;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${photo.name}, ${words.toLowerCase()}`);
      figure.replaceChildren(canvas, Object.assign(document.createElement("figcaption"), { textContent: words }));
    }
  }
}
