// A box on the photo that is moved and resized by mouse, finger and keyboard. Knows no crops and no service.

import { moveBox, resizeBox, roundBox, scaleBox } from "../crops/geometry.js";

const HANDLES = {
  nw: "top left corner", ne: "top right corner", sw: "bottom left corner", se: "bottom right corner",
  n: "top edge", e: "right edge", s: "bottom edge", w: "left edge",
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.01; // of the photo's longer side; with Shift a fifth of a step
const GROWTH = 1.03;

export class BoxEditor {
  #drag = null;

  /** `state()` gives { photo, ratio, box } or null; `onChange(box, isFinal)` takes every new box in whole pixels. */
  constructor(element, name, state, onChange) {
    Object.assign(this, { element, state, onChange });
    element.tabIndex = 0;
    element.setAttribute("role", "group");
    for (const [handle, place] of Object.entries(HANDLES)) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = `handle handle-${handle}`;
      button.dataset.handle = handle;
      button.tabIndex = handle.length === 2 ? 0 : -1; // corners do all that edges do
      button.setAttribute("aria-label", `${name}, ${place}: arrow keys resize`);
      element.append(button);
    }
    element.addEventListener("pointerdown", (event) => this.#start(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel"]) element.addEventListener(kind, (event) => this.#end(event));
    element.addEventListener("keydown", (event) => this.#press(event));
  }

  get isDragging() {
    return this.#drag !== null;
  }

  /** Lay the element over `share`, a box in fractions of the photo's sides. */
  place(share) {
    for (const [side, part] of [["left", share.x], ["top", share.y], ["width", share.width], ["height", share.height]]) {
      this.element.style[side] = `${(part * 100).toFixed(4)}%`;
    }
  }

  #start(event) {
    const state = this.state();
    if (!state || event.button !== 0 || this.#drag || event.target.closest("[data-plain]")) return;
    event.preventDefault(); // no selection, no drag of the picture
    event.stopPropagation();
    const handle = event.target.dataset.handle ?? null;
    (handle ? event.target : this.element).focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    const scale = state.photo.width / this.element.offsetParent.getBoundingClientRect().width;
    this.#drag = { ...state, handle, scale, x: event.clientX, y: event.clientY, id: event.pointerId, moved: null };
    this.element.classList.add("is-dragging");
  }

  #move(event) {
    const drag = this.#drag;
    if (drag?.id !== event.pointerId) return;
    const [dx, dy] = [(event.clientX - drag.x) * drag.scale, (event.clientY - drag.y) * drag.scale];
    if (!drag.moved && Math.hypot(dx, dy) < drag.scale * 2) return; // a click is no move
    const box = drag.handle
      ? resizeBox(drag.box, drag.handle, dx, dy, drag.photo, drag.ratio)
      : moveBox(drag.box, dx, dy, drag.photo);
    drag.moved = this.#settle(box, drag);
    this.onChange(drag.moved, false);
  }

  #end(event) {
    const drag = this.#drag;
    if (drag?.id !== event.pointerId) return;
    this.#drag = null;
    this.element.classList.remove("is-dragging");
    if (drag.moved) this.onChange(drag.moved, true);
  }

  #press(event) {
    const state = this.state();
    if (!state || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("[data-plain]")) return;
    const { photo, ratio, box } = state;
    const step = Math.max(1, Math.max(photo.width, photo.height) * STEP * (event.shiftKey ? 0.2 : 1));
    let changed = null;
    if (event.key in ARROWS) {
      const [dx, dy] = ARROWS[event.key].map((direction) => direction * step);
      const handle = event.target.dataset.handle;
      changed = handle ? resizeBox(box, handle, ...follow(handle, dx, dy, ratio), photo, ratio) : moveBox(box, dx, dy, photo);
    } else if (event.key === "+" || event.key === "=") changed = scaleBox(box, GROWTH, photo, ratio);
    else if (event.key === "-") changed = scaleBox(box, 1 / GROWTH, photo, ratio);
    if (!changed) return;
    event.preventDefault();
    this.onChange(this.#settle(changed, state), true);
  }

  #settle(box, { photo, ratio, box: before }) {
    const rounded = roundBox(box, photo, ratio);
    // A move must not change the size, whatever rounding thinks of its ratio.
    const isMove = Math.abs(box.width - before.width) < 1e-9 && Math.abs(box.height - before.height) < 1e-9;
    return isMove ? { ...before, x: Math.round(box.x), y: Math.round(box.y) } : rounded;
  }
}

/** Where the ratio is held, one key must do: the corner follows on the other axis. */
function follow(handle, dx, dy, ratio) {
  if (ratio === null || handle.length < 2) return [dx, dy];
  const isSameWay = handle === "nw" || handle === "se";
  if (dx !== 0) return [dx, (isSameWay ? dx : -dx) / ratio];
  return [(isSameWay ? dy : -dy) * ratio, dy];
}
