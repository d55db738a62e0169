// What one takes along: the crop as a file, the answer as JSON, the command that asks for it.

import { cropPicture, cropQuery, hasKey, MAX_OVERLAP } from "./api.js";

/** The crop as { blob, name }: cut by the service from the full photo, with its colour profile. */
export async function cutCrop(photo, ratio, crop) {
  const options = [["aspect_ratio", ratio], ["max_overlap", MAX_OVERLAP], ["rank", crop.rank]];
  const { blob, box } = await cropPicture(photo.file, options, photo.abort.signal);
  const wanted = [crop.box.x, crop.box.y, crop.box.width, crop.box.height];
  const isWanted = box.every((edge, index) => edge === wanted[index]);
  // The service reads a large JPEG in full here and smaller for its scores, so near equals may change places.
  const canCutHere = photo.picture && !photo.isPreview;
  return nameCrop(photo, ratio, crop, isWanted || !canCutHere ? blob : await cutHere(photo, crop, blob.type));
}

async function cutHere(photo, crop, type) {
  const { x, y, width, height } = crop.box;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  canvas.getContext("2d").drawImage(photo.picture, x, y, width, height, 0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, type, 0.92));
}

function nameCrop(photo, ratio, crop, blob) {
  const stem = photo.name.replace(/\.[^.]*$/, "") || "photo";
  const suffix = blob.type.replace("image/", "").replace("jpeg", "jpg");
  return { blob, name: `${stem}-${ratio.replace(":", "x")}-${crop.rank}.${suffix}` };
}

/** Hand a file to the browser's downloads. */
export function saveFile({ blob, name }) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the download may begin late
}

/** What the copied command answers: the photo's answer with the crops of the ratio on show. */
export function jsonOf(photo, ratio) {
  return JSON.stringify({ ...photo.answer, crops: photo.cropsOf(ratio) }, null, 2);
}

/** A command for a POSIX shell, to be run where the photo lies. A key is named, never spelled out. */
export function curlOf(photo, ratio) {
  const name = /[",;\\]/.test(photo.name) ? `"${photo.name.replace(/["\\]/g, "\\$&")}"` : photo.name;
  const url = new URL(`crop?${cropQuery([ratio])}`, document.baseURI);
  const key = hasKey() ? ' -H "X-API-Key: $VRN_API_KEY"' : "";
  return `curl${key} -F ${quote(`image=@${name}`)} ${quote(url.href)}`;
}

function quote(text) {
  return /^[\w@=./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Put `text` on the clipboard; false where the browser forbids it. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Without HTTPS there is no clipboard for scripts, but copying a selection still works. */
function copyBySelection(text) {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "hidden";
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return isCopied;
}
