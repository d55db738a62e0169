// Aspect ratios as people write them, as the service reads them, and as numbers. Knows nothing of the page.

/** Those asked for with every photo, in one request: the service takes ten. */
export const RATIOS = ["free", "original", "1:1", "4:5", "3:4", "2:3", "9:16", "4:3", "3:2", "16:9"];

const NUMBER = "(\\d{1,5}(?:[.,]\\d{1,4})?)";
const WRITTEN = new RegExp(`^${NUMBER}(?:\\s*(?:[:/x×*]|by)\\s*${NUMBER})?$`);
const MOST = 100; // the service's own limit: 100:1

/** `16:9`, `16x9`, `16×9`, `3/2`, `1,91:1` or `1.5` as `width:height`; null for anything else. */
export function parseRatio(text) {
  const written = text.trim().toLowerCase();
  if (["free", "original"].includes(written)) return written;
  const match = WRITTEN.exec(written);
  if (!match) return null;
  const [width, height] = [match[1], match[2] ?? "1"].map((number) => Number(number.replace(",", ".")));
  const isRatio = width > 0 && height > 0 && width / height <= MOST && height / width <= MOST;
  return isRatio ? `${width}:${height}` : null;
}

/** Width / height, or null where it is free. `original` is that of the photo. */
export function ratioValue(ratio, photo) {
  if (ratio === "free") return null;
  if (ratio === "original") return photo.width / photo.height;
  const [width, height] = ratio.split(":").map(Number);
  return width / height;
}

/** How the service is asked for `ratio` of a photo of this size. */
export function askedAs(ratio, photo) {
  return ratio === "original" ? `${photo.width}:${photo.height}` : ratio;
}

/** Whether the whole photo is one of the answers. */
export function fitsWhole(ratio) {
  return ratio === "free" || ratio === "original";
}

/** The ratios to ask for in the first request: a photo of unknown size, or a strip, has no `original` there. */
export function firstRatios(photo) {
  const isKnown = photo && photo.width / photo.height <= MOST && photo.height / photo.width <= MOST;
  return isKnown ? RATIOS : RATIOS.filter((ratio) => ratio !== "original");
}

export function ratioLabel(ratio) {
  return { free: "Free", original: "Original" }[ratio] ?? ratio;
}
