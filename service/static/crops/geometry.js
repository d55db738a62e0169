// Boxes { x, y, width, height } in pixels of a photo { width, height }: moved, resized, held to a ratio.
// Pure arithmetic; knows nothing of the page. A ratio is width / height, or null where the box is free.

const MIN_SIDE_PX = 24; // below this nothing can be told from the crop

export const WHOLE = { x: 0, y: 0, width: 1, height: 1 };

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), Math.max(low, high));
}

/** The box in whole pixels inside the photo; its ratio is right to within a pixel. */
export function roundBox(box, photo, ratio) {
  let width = clamp(Math.round(box.width), 1, photo.width);
  let height = clamp(Math.round(box.height), 1, photo.height);
  // The shorter side is rounded first: the longer one then follows it exactly.
  if (ratio !== null && ratio >= 1) {
    height = clamp(Math.round(box.width / ratio), 1, Math.min(photo.height, Math.floor(photo.width / ratio + 1e-6)));
    width = clamp(Math.round(height * ratio), 1, photo.width);
  } else if (ratio !== null) {
    width = clamp(Math.round(box.height * ratio), 1, Math.min(photo.width, Math.floor(photo.height * ratio + 1e-6)));
    height = clamp(Math.round(width / ratio), 1, photo.height);
  }
  const x = clamp(Math.round(box.x + (box.width - width) / 2), 0, photo.width - width);
  const y = clamp(Math.round(box.y + (box.height - height) / 2), 0, photo.height - height);
  return { x, y, width, height };
}

export function moveBox(box, dx, dy, photo) {
  return { ...box, x: clamp(box.x + dx, 0, photo.width - box.width), y: clamp(box.y + dy, 0, photo.height - box.height) };
}

/** The box with the edge or corner `handle` ("n", "se", ...) moved; what lies opposite stays where it is. */
export function resizeBox(box, handle, dx, dy, photo, ratio) {
  const least = leastSides(photo, ratio);
  const [west, east] = [handle.includes("w"), handle.includes("e")];
  const [north, south] = [handle.includes("n"), handle.includes("s")];
  const [right, bottom] = [box.x + box.width, box.y + box.height];
  // The room on the far side of the anchor: to the photo's edge, or as far as both edges around a centre allow.
  const roomAcross = west ? right : east ? photo.width - box.x : 2 * Math.min(box.x + box.width / 2, photo.width - box.x - box.width / 2);
  const roomDown = north ? bottom : south ? photo.height - box.y : 2 * Math.min(box.y + box.height / 2, photo.height - box.y - box.height / 2);
  let width = box.width + (west ? -dx : east ? dx : 0);
  let height = box.height + (north ? -dy : south ? dy : 0);
  if (ratio === null) {
    width = west || east ? clamp(width, least.width, roomAcross) : box.width;
    height = north || south ? clamp(height, least.height, roomDown) : box.height;
  } else {
    const wanted = !(west || east) ? height * ratio : !(north || south) ? width : Math.max(width, height * ratio);
    width = Math.min(Math.max(wanted, least.width), roomAcross, roomDown * ratio);
    height = width / ratio;
  }
  const x = west ? right - width : east || ratio === null ? box.x : box.x + (box.width - width) / 2;
  const y = north ? bottom - height : south || ratio === null ? box.y : box.y + (box.height - height) / 2;
  return { x, y, width, height };
}

/** The box larger or smaller around its centre, pushed inside where it would leave the photo. */
export function scaleBox(box, factor, photo, ratio) {
  const least = leastSides(photo, ratio);
  const most = Math.min(photo.width / box.width, photo.height / box.height);
  const scale = Math.min(Math.max(factor, least.width / box.width, least.height / box.height), most);
  const [width, height] = [box.width * scale, box.height * scale];
  const x = clamp(box.x + (box.width - width) / 2, 0, photo.width - width);
  const y = clamp(box.y + (box.height - height) / 2, 0, photo.height - height);
  return { x, y, width, height };
}

/** The largest box of `ratio` around the photo's centre; the photo where it is free. */
export function centreBox(photo, ratio) {
  const width = ratio === null ? photo.width : Math.min(photo.width, photo.height * ratio);
  const height = ratio === null ? photo.height : width / ratio;
  return { x: (photo.width - width) / 2, y: (photo.height - height) / 2, width, height };
}

/** As fractions of the photo's sides. */
export function normalize(box, photo) {
  return { x: box.x / photo.width, y: box.y / photo.height, width: box.width / photo.width, height: box.height / photo.height };
}

/** Fractions of the sides as pixels. */
export function toPixels(box, photo) {
  return { x: box.x * photo.width, y: box.y * photo.height, width: box.width * photo.width, height: box.height * photo.height };
}

/** CSS `object-position` for `object-fit: cover` in a container of the box's ratio, as the service defines it. */
export function objectPosition(box, photo) {
  const window = centreBox(photo, box.width / box.height);
  const across = position(box.x + box.width / 2, window.width, photo.width);
  const down = position(box.y + box.height / 2, window.height, photo.height);
  return `${percent(across)} ${percent(down)}`;
}

function position(centre, window, side) {
  const spare = side - window;
  return spare < 1e-6 ? 0.5 : clamp((centre - window / 2) / spare, 0, 1);
}

function percent(share) {
  return `${Number((share * 100).toFixed(2))}%`;
}

function leastSides(photo, ratio) {
  const least = Math.min(MIN_SIDE_PX, photo.width, photo.height);
  if (ratio === null) return { width: least, height: least };
  const width = Math.min(Math.max(least, least * ratio), photo.width, photo.height * ratio);
  return { width, height: width / ratio };
}
