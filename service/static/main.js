// The page: which photo, ratio and crop are on show, and everything drawn from that.

import { copyText, curlOf, cutCrop, jsonOf, saveFile } from "./actions.js";
import { hasKey, ServiceError, setKey } from "./api.js";
import { CropChooser } from "./crops.js";
import { showFacts } from "./facts.js";
import { listenForPhotos } from "./intake.js";
import { Photo, PhotoQueue } from "./photos.js";
import { describe } from "./problems.js";
import { RatioChooser } from "./ratios.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";

const byId = (id) => document.getElementById(id);
const maxUploadBytes = Number(document.documentElement.dataset.maxUploadBytes);

const shown = { photos: [], current: null, ratio: "free", rank: 1 };

const queue = new PhotoQueue(maxUploadBytes, photoChanged);
const strip = new Strip(byId("strip"), { onChoose: choosePhoto, onRemove: removePhoto });
const stage = new Stage({
  stage: byId("stage"), image: byId("photo"), frame: byId("frame"), busy: byId("busy"), placeholder: byId("placeholder"),
});
const ratios = new RatioChooser(byId("ratios"), byId("ratio-form"), byId("ratio"), chooseRatio);
const crops = new CropChooser(
  { slider: byId("slider"), previous: byId("previous"), next: byId("next"), list: byId("crops") },
  (rank) => update({ rank }),
);

function update(changes) {
  Object.assign(shown, changes);
  render();
}

function render() {
  const { photos, current, ratio, rank } = shown;
  byId("start").hidden = photos.length > 0;
  byId("work").hidden = byId("add").hidden = photos.length === 0;
  const needsKey = photos.some((photo) => photo.error?.status === 401);
  byId("key-form").hidden = !needsKey;
  byId("key-wrong").hidden = !(needsKey && hasKey());
  strip.show(photos, current);
  byId("strip").hidden = photos.length < 2;
  if (!current) return;
  byId("photo-name").textContent = current.name;
  const isFailed = current.state === "failed";
  byId("problem").hidden = !isFailed;
  byId("viewer").hidden = isFailed;
  byId("side").hidden = isFailed;
  if (isFailed) return showProblem(current);
  const all = current.cropsOf(ratio);
  const crop = all[rank - 1];
  ratios.show(ratio);
  stage.show(current, crop);
  crops.show(current, all, rank);
  byId("steps").hidden = all.length === 0;
  byId("facts").hidden = !crop;
  if (crop) showFacts(byId, current, all, crop);
}

function showProblem(photo) {
  const { title, advice, detail, canRetry } = describe(photo.error);
  byId("problem-name").textContent = photo.name;
  byId("problem-title").textContent = title;
  byId("problem-advice").textContent = advice;
  byId("problem-detail").textContent = detail;
  byId("retry").hidden = !canRetry;
}

function addPhotos(files) {
  const isFirst = shown.photos.length === 0;
  const added = files.map((file) => new Photo(file));
  update({ photos: [...shown.photos, ...added], current: added[0], rank: 1 });
  for (const photo of added) queue.add(photo);
  ensureRatio();
  if (isFirst) byId("photo-name").focus({ preventScroll: true }); // what had the focus is gone
}

function photoChanged(photo) {
  if (!shown.photos.includes(photo)) return;
  render();
  if (photo.state === "failed") say(`${photo.name}: ${describe(photo.error).title}.`);
  if (photo.state === "done" && !photo.isAnnounced) {
    photo.isAnnounced = true;
    const [best] = photo.cropsOf(shown.ratio);
    if (best && photo === shown.current) say(`${photo.name}: best crop scores ${best.score.toFixed(2)}.`, { isQuiet: true });
    ensureRatio();
  }
}

function choosePhoto(photo) {
  update({ current: photo, rank: 1 });
  ensureRatio();
}

function removePhoto(photo) {
  const index = shown.photos.indexOf(photo);
  const photos = shown.photos.filter((other) => other !== photo);
  const current = photo === shown.current ? (photos[Math.min(index, photos.length - 1)] ?? null) : shown.current;
  queue.remove(photo);
  update({ photos, current, rank: 1 });
  if (photos.length > 1) strip.focus(current);
  else if (current) byId(current.state === "failed" ? "problem-title" : "photo-name").focus();
  else byId("choose").focus();
}

function chooseRatio(ratio) {
  update({ ratio, rank: 1 });
  ensureRatio();
}

/** A ratio of the user's own is asked for when a photo is looked at in it. */
async function ensureRatio() {
  const { current: photo, ratio } = shown;
  if (photo?.state !== "done" || photo.cropsByRatio.has(ratio)) return;
  try {
    await queue.addRatio(photo, ratio);
    render();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { title, detail } = describe(error);
    ratios.drop(ratio);
    say(detail || title);
    update({ ratio: "free", rank: 1 });
  }
}

async function download() {
  const { current: photo, ratio, rank } = shown;
  const button = byId("download");
  button.setAttribute("aria-busy", "true");
  try {
    const file = await cutCrop(photo, ratio, photo.cropsOf(ratio)[rank - 1]);
    saveFile(file);
    say(`Saved ${file.name}`);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { title, advice } = describe(error);
    say(`${title}. ${advice}`);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

async function copy(text, what) {
  say((await copyText(text)) ? `Copied ${what}` : "This browser does not let the page copy.");
}

let hideStatus;

/** Tell everyone, sighted or not; quiet words are for screen readers alone. */
function say(text, { isQuiet = false } = {}) {
  clearTimeout(hideStatus);
  byId("status").textContent = text;
  byId("status").classList.toggle("is-shown", !isQuiet);
  hideStatus = setTimeout(() => byId("status").classList.remove("is-shown"), 5000);
}

listenForPhotos({
  chooser: byId("files"), buttons: [byId("choose"), byId("add")], veil: byId("drop-veil"),
  onFiles: addPhotos, onRefusal: say,
});
byId("limit").textContent = `, up to ${Math.floor(maxUploadBytes / 2 ** 20)}\u00a0MiB`;
byId("thirds").addEventListener("click", () => {
  byId("lines").hidden = !byId("lines").hidden;
  byId("thirds").setAttribute("aria-pressed", String(!byId("lines").hidden));
});
byId("retry").addEventListener("click", () => queue.send(shown.current));
byId("remove").addEventListener("click", () => removePhoto(shown.current));
byId("download").addEventListener("click", download);
byId("copy-json").addEventListener("click", () => copy(jsonOf(shown.current, shown.ratio), "the JSON"));
byId("copy-curl").addEventListener("click", () => copy(curlOf(shown.current, shown.ratio), "the curl command"));
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey(byId("key").value.trim());
  byId("key").value = "";
  for (const photo of shown.photos) if (photo.error?.status === 401) queue.send(photo);
});
