// Short words at the foot of the page, with something to press where one may want to turn back.

const SHOWN_MS = 6000;
const OFFER_MS = 12_000;

export class Toast {
  #timer = null;
  #offer = null;

  constructor({ box, text, button }) {
    Object.assign(this, { box, text, button });
    button.addEventListener("click", () => {
      const offer = this.#offer;
      this.#hide();
      offer?.();
    });
  }

  /** Tell everyone, sighted or not; quiet words are for screen readers alone. `offer` is { label, run }. */
  say(words, { isQuiet = false, offer = null } = {}) {
    clearTimeout(this.#timer);
    this.text.textContent = words;
    this.#offer = offer?.run ?? null;
    this.button.hidden = !offer;
    if (offer) this.button.textContent = offer.label;
    this.box.classList.toggle("is-shown", !isQuiet);
    this.#timer = setTimeout(() => this.#hide(), offer ? OFFER_MS : SHOWN_MS);
  }

  #hide() {
    clearTimeout(this.#timer);
    this.#offer = null;
    this.button.hidden = true;
    this.box.classList.remove("is-shown");
  }
}
