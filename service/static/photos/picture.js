// A photo as an <img> that the browser shows, the small copy that is sent, and parts of it on canvases.

import { wholePicture } from "../service/api.js";
import { isFrameDoubtful } from "./frame_check.js";

const UPLOAD_SIDE_PX = 1024; // the network sees a tenth of a megapixel: more would be sent for nothing
const SMALL_FILE_BYTES = 256 * 1024; // not worth another coding
const UPLOAD_QUALITY = 0.88;
const THUMB_SIDE_PX = 512;

/** The file as the browser decodes it, or null where it cannot or where its frame may not be the service's. */
export async function decodeHere(file) {
  const picture = await decode(file);
  if (!picture) return null;
  if (!(await isFrameDoubtful(file))) return picture;
  URL.revokeObjectURL(picture.src);
  return null;
}

/** The photo as the service decodes it, in full: for what the browser cannot show, or shows turned. */
export async function decodeThere(photo) {
  photo.shown ??= await wholePicture(photo.file, photo.size, { signal: photo.abort.signal });
  return decode(photo.shown);
}

export async function decode(blob) {
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

/** What is sent for ranking: a small JPEG of the picture, or the file itself where that is no larger. */
export async function makeUpload(file, picture) {
  if (!picture || isSmall(file, picture)) return file;
  const { width, height } = sizeOf(picture);
  const scale = Math.min(1, UPLOAD_SIDE_PX / Math.max(width, height));
  const [across, down] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = drawScaled(picture, { x: 0, y: 0, width, height }, across, down, "white");
  const blob = await toBlob(canvas, "image/jpeg", UPLOAD_QUALITY);
  return blob && blob.size < file.size ? new File([blob], "photo.jpg", { type: blob.type }) : file;
}

function isSmall(file, picture) {
  const { width, height } = sizeOf(picture);
  return file.size <= SMALL_FILE_BYTES && Math.max(width, height) <= 2 * UPLOAD_SIDE_PX;
}

export function sizeOf(picture) {
  return { width: picture.naturalWidth ?? picture.width, height: picture.naturalHeight ?? picture.height };
}

/** A small canvas of the whole picture: thumbnails are cut from it, so that the photo is decoded once. */
export function makeThumb(picture) {
  const { width, height } = sizeOf(picture);
  const scale = Math.min(1, THUMB_SIDE_PX / Math.max(width, height));
  const [across, down] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  return drawScaled(picture, { x: 0, y: 0, width, height }, across, down);
}

/** A canvas with the part `box` (pixels of `picture`) at `width` x `height` pixels, over `ground` where it is clear. */
export function drawScaled(picture, box, width, height, ground = null) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  if (ground) {
    context.fillStyle = ground;
    context.fillRect(0, 0, width, height);
  }
  context.drawImage(picture, box.x, box.y, box.width, box.height, 0, 0, width, height);
  return canvas;
}

/** A canvas of `heightPx` CSS pixels with the part `share` (fractions of the sides) of a picture. */
export function drawPart(picture, share, heightPx) {
  const { width, height } = sizeOf(picture);
  const box = { x: width * share.x, y: height * share.y, width: width * share.width, height: height * share.height };
  const down = Math.round(heightPx * Math.min(2, window.devicePixelRatio));
  return drawScaled(picture, box, Math.max(1, Math.round((down * box.width) / box.height)), down);
}

export function toBlob(canvas, type, quality) {
  return new Promise((resolve) => canvas.toBlob(resolve, type, quality));
}
