// Boxes around what must stay in the picture: drawn on the photo, moved and resized like the frame, taken away.

import { clamp, normalize, toPixels } from "../crops/geometry.js";
import { BoxEditor } from "./box_editor.js";

const FIRST = { x: 0.35, y: 0.35, width: 0.3, height: 0.3 }; // where nobody draws: a box to be moved by keyboard
const LEAST_PX = 12; // CSS pixels: less is a click

export class KeepLayer {
  #photo = null;
  #drawn = null; // the photo and boxes that the elements stand for
  #isDrawing = false;
  #start = null;

  /** `onChange(boxes)` takes the photo's boxes, as fractions of its sides, whenever they have changed. */
  constructor({ layer, toggle, add }, onChange) {
    Object.assign(this, { layer, toggle, onChange });
    toggle.addEventListener("click", () => this.setDrawing(!this.#isDrawing));
    add.addEventListener("click", () => {
      this.onChange([...this.#photo.keep, FIRST]);
      this.layer.lastElementChild?.focus();
    });
    layer.addEventListener("pointerdown", (event) => this.#press(event));
    layer.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel"]) layer.addEventListener(kind, (event) => this.#release(event));
  }

  /** While drawing, the photo takes new boxes and the frame rests. */
  setDrawing(isDrawing) {
    this.#isDrawing = isDrawing;
    this.toggle.setAttribute("aria-pressed", String(isDrawing));
    this.layer.closest(".stage").classList.toggle("is-keeping", isDrawing);
    this.layer.dispatchEvent(new CustomEvent("drawing", { bubbles: true, detail: isDrawing }));
  }

  show(photo) {
    if (this.#drawn?.photo === photo && this.#drawn.boxes === photo.keep) return;
    this.#photo = photo;
    const isDragging = this.#drawn?.photo === photo && this.editors?.some((editor) => editor.isDragging);
    if (!isDragging) this.#build(photo);
    this.#drawn = { photo, boxes: photo.keep };
  }

  #build(photo) {
    const focused = [...this.layer.children].indexOf(document.activeElement);
    this.editors = [];
    this.layer.replaceChildren();
    for (const [index, share] of photo.keep.entries()) {
      const element = document.createElement("div");
      element.className = "keep";
      const remove = document.createElement("button");
      Object.assign(remove, { type: "button", className: "keep-remove", textContent: "×" });
      remove.dataset.plain = "";
      remove.setAttribute("aria-label", `Stop keeping ${index + 1}`);
      remove.addEventListener("click", () => this.#remove(index));
      element.append(remove);
      this.layer.append(element);
      let box = toPixels(share, photo.size);
      const editor = new BoxEditor(element, `To keep ${index + 1}`, () => ({ photo: photo.size, ratio: null, box }), (changed, isFinal) => {
        box = changed;
        editor.place(normalize(box, photo.size));
        if (isFinal) this.onChange(photo.keep.map((other, place) => (place === index ? normalize(box, photo.size) : other)));
      });
      element.addEventListener("keydown", (event) => {
        if (["Delete", "Backspace"].includes(event.key)) this.#remove(index);
      });
      element.setAttribute("aria-label", `To keep ${index + 1}. Arrow keys move it, plus and minus resize it, Delete takes it away.`);
      editor.place(share);
      this.editors.push(editor);
    }
    this.layer.children[focused]?.focus();
  }

  #remove(index) {
    this.onChange(this.#photo.keep.filter((_, place) => place !== index));
    (this.layer.lastElementChild ?? this.toggle).focus();
  }

  #press(event) {
    if (!this.#isDrawing || event.button !== 0 || event.target !== this.layer) return;
    event.preventDefault();
    this.layer.setPointerCapture(event.pointerId);
    const ghost = document.createElement("div");
    ghost.className = "keep is-new";
    this.layer.append(ghost);
    this.#start = { ...this.#place(event), ghost, id: event.pointerId };
  }

  #move(event) {
    if (this.#start?.id !== event.pointerId) return;
    const share = this.#share(event);
    const { style } = this.#start.ghost;
    for (const [side, part] of [["left", share.x], ["top", share.y], ["width", share.width], ["height", share.height]]) {
      style[side] = `${part * 100}%`;
    }
  }

  #release(event) {
    if (this.#start?.id !== event.pointerId) return;
    const share = this.#share(event);
    const area = this.layer.getBoundingClientRect();
    this.#start.ghost.remove();
    this.#start = null;
    const isBox = event.type === "pointerup" && Math.min(share.width * area.width, share.height * area.height) >= LEAST_PX;
    if (!isBox) return;
    this.setDrawing(false);
    this.onChange([...this.#photo.keep, share]);
  }

  #place(event) {
    const area = this.layer.getBoundingClientRect();
    return { x: clamp((event.clientX - area.left) / area.width, 0, 1), y: clamp((event.clientY - area.top) / area.height, 0, 1) };
  }

  #share(event) {
    const { x, y } = this.#place(event);
    const [left, top] = [Math.min(x, this.#start.x), Math.min(y, this.#start.y)];
    return { x: left, y: top, width: Math.abs(x - this.#start.x), height: Math.abs(y - this.#start.y) };
  }
}
