// The crop as a file: cut on a canvas from the photo that the browser holds, so that nothing is sent again.

import { drawScaled, sizeOf, toBlob } from "../photos/picture.js";
import { ServiceError, wholePicture } from "../service/api.js";

export const FORMATS = ["jpeg", "webp", "png", "avif"];
const SUFFIXES = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/avif": "avif" };
const CLEAR = new Set(["png", "webp", "avif"]); // formats that can be see-through

/** The format that "as the photo" stands for: its own where it can be written, else JPEG. */
export function formatOf(file) {
  const format = file.type.replace("image/", "");
  return FORMATS.includes(format) ? format : "jpeg";
}

/** The size of the saved picture: no wider than `width`, never larger than the crop. */
export function savedSize(box, width) {
  if (!width || width >= box.width) return { width: box.width, height: box.height };
  return { width, height: Math.max(1, Math.round((box.height * width) / box.width)) };
}

/** The crop as { blob, name }. `options`: { width, format, quality }; null width is the full size. */
export async function cutCrop(photo, ratio, crop, options) {
  if (!photo.picture) throw new ServiceError(422, "no_picture", `${photo.name} cannot be shown here, so it cannot be cut here`);
  const format = options.format === "same" ? formatOf(photo.file) : options.format;
  const { width, height } = savedSize(crop.box, options.width);
  const canvas = drawScaled(photo.picture, inPicture(photo, crop.box), width, height, CLEAR.has(format) ? null : "white");
  const blob = await encode(canvas, format, options.quality, photo.abort.signal);
  return { blob, name: nameOf(photo, ratio, crop, blob) };
}

/** The box in the pixels of the picture at hand, which is the source's size unless the browser made it smaller. */
function inPicture(photo, box) {
  const scale = sizeOf(photo.picture).width / photo.size.width;
  return { x: box.x * scale, y: box.y * scale, width: box.width * scale, height: box.height * scale };
}

/** Browsers write JPEG and PNG, most of them WebP; for the rest the service does it, from the cut alone. */
async function encode(canvas, format, quality, signal) {
  const type = `image/${format}`;
  const blob = await toBlob(canvas, type, quality / 100);
  if (blob?.type === type) return blob;
  const cut = await toBlob(canvas, "image/png");
  if (!cut) throw new ServiceError(413, "too_large", "this browser cannot hold a picture of that size");
  return wholePicture(new File([cut], "crop.png", { type: cut.type }), canvas, { signal, format, quality });
}

function nameOf(photo, ratio, crop, blob) {
  const stem = photo.name.replace(/\.[^.]*$/, "") || "photo";
  const which = crop.kind === "ranked" ? crop.rank : crop.kind;
  return `${stem}-${ratio.replace(":", "x")}-${which}.${SUFFIXES[blob.type] ?? "jpg"}`;
}

/** Hand a file to the browser's downloads. */
export function saveFile({ blob, name }) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the download may begin late
}
