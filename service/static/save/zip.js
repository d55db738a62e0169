// The chosen crop of every photo in one ZIP file, with a list of the boxes.

import { downloadZip } from "../vendor/client-zip.js";
import { cutCrop } from "./cut.js";
import { jsonOf } from "./texts.js";

/** { blob, name, missing } of `photos` at `ratio`; those without a crop are named in `missing`. */
export async function zipCrops(photos, ratio, options, onProgress) {
  const taken = new Set();
  const missing = [];
  const saved = [];
  async function* files() {
    for (const [index, photo] of photos.entries()) {
      onProgress(index + 1);
      const crop = photo.cropAt(ratio);
      try {
        if (!crop) throw new Error("no crop");
        const { blob, name } = await cutCrop(photo, ratio, crop, options);
        saved.push(photo);
        yield { name: unique(name, taken), input: blob, lastModified: new Date() };
      } catch {
        missing.push(photo.name); // told at the end: one photo must not cost the others
      }
    }
    yield { name: "crops.json", input: jsonOf(saved, [ratio]), lastModified: new Date() };
  }
  const blob = await downloadZip(files()).blob();
  return { blob, name: `crops-${ratio.replace(":", "x")}.zip`, missing };
}

/** Photos of two folders may share a name. */
function unique(name, taken) {
  const [stem, suffix] = [name.replace(/\.[^.]*$/, ""), name.replace(/^.*(?=\.)/, "")];
  let free = name;
  for (let number = 2; taken.has(free.toLowerCase()); number += 1) free = `${stem} (${number})${suffix}`;
  taken.add(free.toLowerCase());
  return free;
}
