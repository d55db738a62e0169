// Size, format and quality of what is saved; remembered for the next visit.

import { formatOf, savedSize } from "./cut.js";

const STORED = "vrn-save";
const OTHER = "other";

export class SaveForm {
  constructor({ size, width, format, quality, qualityValue, result }, onChange) {
    Object.assign(this, { size, width, format, quality, qualityValue, result });
    this.#restore();
    for (const field of [size, width, format, quality]) {
      field.addEventListener("input", () => {
        this.#store();
        onChange();
      });
    }
  }

  /** What `cutCrop` takes. */
  get options() {
    const width = Number(this.size.value === OTHER ? this.width.value : this.size.value);
    return { width: width > 0 ? Math.round(width) : null, format: this.format.value, quality: Number(this.quality.value) };
  }

  /** Show what would be saved of `crop`. */
  show(photo, crop) {
    const { width, format, quality } = this.options;
    this.width.parentElement.hidden = this.size.value !== OTHER;
    const written = format === "same" ? formatOf(photo.file) : format;
    this.quality.disabled = written === "png";
    this.qualityValue.textContent = this.quality.disabled ? "lossless" : String(quality);
    const saved = savedSize(crop.box, width);
    const isFull = saved.width === crop.box.width;
    const note = isFull && width > crop.box.width ? ", the crop is no larger" : "";
    this.result.textContent = `${saved.width} × ${saved.height} px, ${written.toUpperCase()}${note}`;
  }

  #store() {
    const values = { size: this.size.value, width: this.width.value, format: this.format.value, quality: this.quality.value };
    try {
      localStorage.setItem(STORED, JSON.stringify(values));
    } catch {
      // Storage may be forbidden; the choice then lives as long as the page.
    }
  }

  #restore() {
    try {
      const values = JSON.parse(localStorage.getItem(STORED) ?? "{}");
      for (const [name, value] of Object.entries(values)) this[name].value = value;
    } catch {
      // Of another version, or forbidden: the page's own defaults stay.
    }
    for (const field of [this.size, this.format]) if (field.selectedIndex < 0) field.selectedIndex = 0;
  }
}
