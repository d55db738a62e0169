// The photo with the crop drawn over it: the frame stands out, the rest is dimmed.

const MAX_HEIGHT_SHARE = 0.54; // of the window, so that slider and thumbnails stay in sight

export class Stage {
  constructor({ stage, image, frame, busy, placeholder }) {
    Object.assign(this, { stage, image, frame, busy, placeholder });
  }

  /** Show `photo` and, if there is one, `crop`. */
  show(photo, crop) {
    const size = sizeOf(photo);
    this.stage.style.setProperty("--ratio", (size.width / size.height).toFixed(5));
    this.stage.style.setProperty("--height-share", MAX_HEIGHT_SHARE);
    this.image.hidden = !photo.picture;
    if (photo.picture && this.image.src !== photo.picture.src) this.image.src = photo.picture.src;
    this.image.alt = photo.name;
    const isSettled = photo.state === "done" && !photo.picture;
    this.placeholder.hidden = !isSettled;
    this.busy.hidden = photo.state === "done" || photo.state === "failed";
    this.stage.classList.toggle("is-busy", !this.busy.hidden);
    this.frame.hidden = !crop;
    if (crop) this.#place(crop.box_normalized);
  }

  #place(box) {
    for (const [side, share] of [["left", box.x], ["top", box.y], ["width", box.width], ["height", box.height]]) {
      this.frame.style[side] = `${(share * 100).toFixed(4)}%`;
    }
  }
}

function sizeOf(photo) {
  if (photo.answer) return photo.answer.image;
  if (photo.picture) return { width: photo.picture.naturalWidth, height: photo.picture.naturalHeight };
  return { width: 3, height: 2 };
}
