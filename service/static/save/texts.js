// What one takes along as text: JSON and CSS of the chosen crops, and the command that asks the service for them.

import { cropFacts } from "../crops/crop.js";
import { askedAs } from "../crops/ratios.js";
import { cropQuery, hasKey } from "../service/api.js";

/** The chosen crop of each photo at each of `ratios`, as far as it is known; a list with one entry a photo. */
export function jsonOf(photos, ratios) {
  const entries = photos.map((photo) => {
    const known = ratios.map((ratio) => [ratio, photo.cropAt(ratio)]).filter(([, crop]) => crop);
    return { file: photo.name, image: photo.size, crops: known.map(([ratio, crop]) => cropFacts(crop, ratio, photo.size)) };
  });
  return JSON.stringify(entries, null, 2);
}

/** A CSS rule a photo: the whole photo in a container of the crop's ratio, looking at the crop. */
export function cssOf(photos, ratio) {
  const rules = photos.map((photo) => {
    const crop = photo.cropAt(ratio);
    if (!crop) return null;
    const { object_position: position } = cropFacts(crop, ratio, photo.size);
    const shape = ratio.includes(":") ? ratio.replace(":", " / ") : `${crop.box.width} / ${crop.box.height}`;
    return [
      `img[src$="${photo.name.replace(/["\\]/g, "\\$&")}"] {`,
      `  aspect-ratio: ${shape};`, "  object-fit: cover;", `  object-position: ${position};`, "}",
    ].join("\n");
  });
  return rules.filter(Boolean).join("\n\n");
}

/** A command for a POSIX shell, to be run where the photo lies. A key is named, never spelled out. */
export function curlOf(photo, ratio) {
  const name = /[",;\\]/.test(photo.name) ? `"${photo.name.replace(/["\\]/g, "\\$&")}"` : photo.name;
  const url = new URL(`crop?${cropQuery([askedAs(ratio, photo.size)], photo.keep)}`, document.baseURI);
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
