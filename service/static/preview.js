// A photo as an <img>: decoded by the browser, or, for formats that it does not know, by the service.

import { cropPicture } from "./api.js";

const PREVIEW_SIDE_PX = 1600;

/** Sets `photo.picture` if it can be had now; a format unknown to the browser needs the photo's answer first. */
export async function loadPicture(photo) {
  photo.picture ??= await decode(photo.file);
  if (photo.picture || !photo.answer) return;
  const { width, height } = photo.answer.image;
  // The largest crop that has the photo's own ratio is the whole photo.
  const options = [
    ["aspect_ratio", `${width}:${height}`], ["min_scale", 1], ["format", "jpeg"],
    ["width", PREVIEW_SIDE_PX], ["height", PREVIEW_SIDE_PX],
  ];
  try {
    photo.picture = await decode((await cropPicture(photo.file, options, photo.abort.signal)).blob);
    photo.isPreview = true;
  } catch {
    // The crops are known and can be downloaded without it; the page says that it cannot show the photo.
  }
}

async function decode(blob) {
  const picture = new Image();
  picture.src = URL.createObjectURL(blob);
  try {
    await picture.decode();
    return picture;
  } catch {
    URL.revokeObjectURL(picture.src);
    return null;
  }
}

/** A canvas of `heightPx` CSS pixels with the part `box` (fractions of the sides) of a picture. */
export function drawPart(picture, box, heightPx) {
  const width = picture.naturalWidth * box.width;
  const height = picture.naturalHeight * box.height;
  const scale = Math.min(2, window.devicePixelRatio);
  const canvas = document.createElement("canvas");
  canvas.height = Math.round(heightPx * scale);
  canvas.width = Math.max(1, Math.round((canvas.height * width) / height));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  const [left, top] = [picture.naturalWidth * box.x, picture.naturalHeight * box.y];
  context.drawImage(picture, left, top, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}
