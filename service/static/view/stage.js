// The photo with the crop drawn over it: the frame stands out, the rest is dimmed. Zoomed it scrolls in its well.

import { normalize } from "../crops/geometry.js";
import { ratioValue } from "../crops/ratios.js";
import { BoxEditor } from "./box_editor.js";

const ZOOMS = [1, 1.5, 2, 3, 4, 6, 8];

export class Stage {
  #photo = null;
  #crop = null;
  #ratio = "free";
  #zoom = 1;

  /** `onDraw(box, isFinal)` is told of the frame that the user draws. */
  constructor(byId, onDraw) {
    this.byId = byId;
    const state = () => this.#crop && { photo: this.#photo.size, ratio: ratioValue(this.#ratio, this.#photo.size), box: this.#crop.box };
    this.frame = new BoxEditor(byId("frame"), "Crop frame", state, onDraw);
    byId("zoom-in").addEventListener("click", () => this.#step(1));
    byId("zoom-out").addEventListener("click", () => this.#step(-1));
    byId("zoom-fit").addEventListener("click", () => this.#setZoom(1));
    byId("well").addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return; // also what a pinch on a touchpad is told as
      event.preventDefault();
      this.#setZoom(this.#zoom * Math.exp(-event.deltaY / 200), event);
    }, { passive: false });
  }

  /** Show `photo` and, if there is one, `crop`. */
  show(photo, ratio, crop, isAsking) {
    if (photo !== this.#photo) this.#setZoom(1);
    this.#photo = photo;
    this.#ratio = ratio;
    this.#crop = crop;
    const size = photo.size ?? { width: 3, height: 2 };
    const stage = this.byId("stage");
    stage.style.setProperty("--ratio", (size.width / size.height).toFixed(5));
    const image = this.byId("photo");
    image.hidden = !photo.picture;
    if (photo.picture && image.src !== photo.picture.src) image.src = photo.picture.src;
    image.alt = photo.name;
    this.byId("placeholder").hidden = Boolean(photo.picture) || photo.state !== "done";
    this.byId("placeholder").textContent = photo.isHidden
      ? "This photo cannot be shown here. Its crops are known all the same."
      : "This browser cannot show the file; the server prepares a picture of it.";
    this.#showBusy(photo, isAsking);
    this.byId("frame").hidden = this.byId("dim").hidden = !crop;
    if (!crop) return;
    const share = normalize(crop.box, size);
    this.frame.place(share);
    this.#dim(share);
    const { x, y, width, height } = crop.box;
    const keys = "Arrow keys move it, plus and minus resize it.";
    this.byId("frame").setAttribute("aria-label", `Crop frame, ${width} × ${height} px, ${x} from the left, ${y} from the top. ${keys}`);
  }

  #showBusy(photo, isAsking) {
    const isBusy = ["waiting", "sending"].includes(photo.state) || isAsking;
    this.byId("busy").hidden = !isBusy;
    this.byId("stage").classList.toggle("is-busy", isBusy && photo.state !== "done");
    const percent = Math.round(photo.progress * 100);
    const isUploading = photo.state === "sending" && percent < 100;
    this.byId("busy-text").textContent = isUploading ? `Sending, ${percent} %` : photo.state === "waiting" ? "Waiting for its turn" : "Looking for the best crops";
  }

  #dim(share) {
    const { style } = this.byId("dim");
    for (const [side, part] of [["left", share.x], ["top", share.y], ["width", share.width], ["height", share.height]]) {
      style[side] = `${(part * 100).toFixed(4)}%`;
    }
  }

  #step(direction) {
    const next = direction > 0 ? ZOOMS.find((zoom) => zoom > this.#zoom + 0.01) : ZOOMS.findLast((zoom) => zoom < this.#zoom - 0.01);
    if (next) this.#setZoom(next);
  }

  /** Zoom so that what lies under the pointer, or in the middle, stays there. */
  #setZoom(zoom, pointer = null) {
    const well = this.byId("well");
    const area = well.getBoundingClientRect();
    const [x, y] = pointer ? [pointer.clientX - area.left, pointer.clientY - area.top] : [area.width / 2, area.height / 2];
    const before = { width: well.scrollWidth, height: well.scrollHeight, left: well.scrollLeft, top: well.scrollTop };
    this.#zoom = Math.min(ZOOMS.at(-1), Math.max(1, zoom));
    this.byId("stage").style.setProperty("--zoom", this.#zoom.toFixed(3));
    well.classList.toggle("is-zoomed", this.#zoom > 1);
    well.scrollLeft = ((before.left + x) * well.scrollWidth) / before.width - x;
    well.scrollTop = ((before.top + y) * well.scrollHeight) / before.height - y;
    this.byId("zoom-fit").textContent = `${Math.round(this.#zoom * 100)} %`;
    this.byId("zoom-out").disabled = this.#zoom <= 1;
    this.byId("zoom-in").disabled = this.#zoom >= ZOOMS.at(-1);
  }
}
