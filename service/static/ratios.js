// The aspect ratios: those asked for with every photo, and one of the user's own.

export const RATIOS = ["free", "1:1", "4:5", "2:3", "9:16", "4:3", "3:2", "16:9"];

const NUMBER = "(?:\\d{1,5}(?:\\.\\d{1,4})?)";
const RATIO = new RegExp(`^${NUMBER}(?:[:/x]${NUMBER})?$`);

/** Buttons in `group` and the form for another ratio; `onChoose(ratio)` is told of every choice. */
export class RatioChooser {
  constructor(group, form, input, onChoose) {
    this.group = group;
    this.onChoose = onChoose;
    for (const ratio of RATIOS) this.#add(ratio);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const ratio = input.value.trim().replace("/", ":").replace("x", ":");
      const isRatio = RATIO.test(ratio) && ratio.split(":").every((part) => Number(part) > 0);
      input.setCustomValidity(isRatio ? "" : "Write width and height, such as 1.91:1");
      if (!input.reportValidity()) return;
      if (!this.#button(ratio)) this.#add(ratio);
      input.value = "";
      onChoose(ratio);
    });
    input.addEventListener("input", () => input.setCustomValidity(""));
  }

  /** Mark the chosen one. */
  show(ratio) {
    for (const button of this.group.children) button.setAttribute("aria-pressed", String(button.dataset.ratio === ratio));
  }

  /** Forget a ratio of the user's own that the service refused. */
  drop(ratio) {
    if (!RATIOS.includes(ratio)) this.#button(ratio)?.remove();
  }

  #button(ratio) {
    return [...this.group.children].find((button) => button.dataset.ratio === ratio);
  }

  #add(ratio) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "chip";
    button.dataset.ratio = ratio;
    button.textContent = ratio === "free" ? "Free" : ratio;
    button.addEventListener("click", () => this.onChoose(ratio));
    this.group.append(button);
  }
}
