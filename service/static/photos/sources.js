// How photos come in: chosen, dropped anywhere on the page as files, folders or addresses, or pasted.

import { pictureFromUrl, ServiceError } from "../service/api.js";
import { describe } from "../service/problems.js";

const PHOTO_NAME = /\.(jpe?g|jfif|mpo|png|webp|avif|avifs|gif|bmp|tiff?|hei[cf]s?|hif)$/i;
const TEXT_FIELDS = "input, textarea";

/** Calls `onFiles(files)` for each lot of photos and `onRefusal(text)` where there is nothing to take. */
export function listenForPhotos({ chooser, folderChooser, buttons, folderButtons, veil, onFiles, onRefusal }) {
  const take = async (found, nothing) => {
    try {
      const files = await found;
      if (files.length) onFiles(files);
      else onRefusal(nothing);
    } catch (error) {
      onRefusal(error.message);
    }
  };
  for (const button of buttons) button.addEventListener("click", () => chooser.click());
  for (const button of folderButtons) button.addEventListener("click", () => folderChooser.click());
  for (const input of [chooser, folderChooser]) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // so that choosing the same photo again counts as a change
      if (files.length) take(input === chooser ? files : files.filter(isPhoto), "There are no photos in that folder.");
    });
  }

  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    const url = files.length || event.target.closest?.(TEXT_FIELDS) ? null : webAddress(event.clipboardData.getData("text/plain"));
    if (!files.length && !url) return; // text, perhaps into a field
    event.preventDefault();
    take(files.length ? files : fetchPhoto(url), "");
  });

  let depth = 0; // enter and leave are told for each element on the way
  const show = (isOver) => {
    depth = isOver ? depth : 0;
    veil.hidden = !isOver;
  };
  document.addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth += 1;
    show(true);
  });
  document.addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) show(false);
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    show(false);
    take(dropped(event.dataTransfer), "That was neither a photo, nor a folder with photos, nor the address of one.");
  });
}

/** Entries and texts must be asked for before the event ends; their files come later. */
async function dropped(transfer) {
  const url = webAddress(transfer.getData("text/uri-list").split("\n").find((line) => !line.startsWith("#")) ?? transfer.getData("text/plain"));
  const parts = [...transfer.items].filter((item) => item.kind === "file").map((item) => {
    const entry = item.webkitGetAsEntry?.();
    return entry?.isDirectory ? filesOf(entry) : item.getAsFile();
  });
  const files = (await Promise.all(parts)).flat().filter(Boolean);
  return files.length || !url ? files : fetchPhoto(url);
}

/** Every photo below a folder, by path. */
async function filesOf(folder) {
  const reader = folder.createReader();
  const entries = [];
  for (let some; some?.length !== 0; entries.push(...some)) {
    some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // at most 100 at a time
  }
  entries.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  const found = [];
  for (const entry of entries) {
    if (entry.isDirectory) found.push(...(await filesOf(entry)));
    else found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
  }
  return found.filter(isPhoto);
}

/** In a folder other things lie beside photos; a file that was named itself is sent whatever it is called. */
function isPhoto(file) {
  const isHidden = file.name.startsWith(".");
  return !isHidden && (PHOTO_NAME.test(file.name) || (file.type.startsWith("image/") && !file.type.includes("svg")));
}

function webAddress(text) {
  const trimmed = (text ?? "").trim();
  return /^https?:\/\/\S+$/i.test(trimmed) ? new URL(trimmed) : null;
}

/** The photo at an address: from this server itself, or fetched by it where its operator allows that place. */
async function fetchPhoto(url) {
  const name = decodeURIComponent(url.pathname.split("/").at(-1)) || "photo.jpg";
  try {
    if (url.origin === location.origin) {
      const answer = await fetch(url);
      const blob = await answer.blob();
      if (answer.ok && blob.type.startsWith("image/")) return [new File([blob], name, { type: blob.type })];
      throw new Error("There is no photo at that address.");
    }
    const blob = await pictureFromUrl(url.href);
    return [new File([blob], name, { type: blob.type })];
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new Error(wordsFor(error, url.host));
  }
}

/** What went wrong with an address; a service that is not set up to fetch has no such route, or allows other places. */
function wordsFor(error, host) {
  const instead = "Save the picture and drop the file.";
  if (error.code === "source_missing") return "There is no photo at that address.";
  if (error.code === "source_failed") return `${host} did not give the photo. ${instead}`;
  if ([400, 403, 404, 405].includes(error.status)) return `This service does not fetch photos from ${host}. ${instead}`;
  const { title, advice } = describe(error);
  return `${title}. ${advice}`;
}
