// The page: builds its parts, and says what each press does.

import { normalize } from "./crops/geometry.js";
import { Album } from "./photos/album.js";
import { PhotoQueue } from "./photos/queue.js";
import { Session } from "./photos/session.js";
import { listenForPhotos } from "./photos/sources.js";
import { cutCrop, saveFile } from "./save/cut.js";
import { SaveForm } from "./save/save_form.js";
import { copyText, cssOf, curlOf, jsonOf } from "./save/texts.js";
import { zipCrops } from "./save/zip.js";
import { ServiceError, setKey } from "./service/api.js";
import { LiveScore } from "./service/live_score.js";
import { describe } from "./service/problems.js";
import { Cards } from "./view/cards.js";
import { Compare } from "./view/compare.js";
import { KeepLayer } from "./view/keep_layer.js";
import { PhotoList } from "./view/photo_list.js";
import { RatioChooser } from "./view/ratio_chooser.js";
import { render } from "./view/render.js";
import { Stage } from "./view/stage.js";
import { Toast } from "./view/toast.js";

const byId = (id) => document.getElementById(id);
const on = (id, run) => byId(id).addEventListener("click", run);

const shown = { ratio: "free", view: "one", isComparing: false };
const toast = new Toast({ box: byId("toast"), text: byId("status"), button: byId("toast-button") });
const queue = new PhotoQueue(Number(document.documentElement.dataset.maxUploadBytes), photoChanged);
const album = new Album(queue, new Session(), draw);
const liveScore = new LiveScore(scored);
const onPhoto = { onChoose: choosePhoto, onRemove: (photo) => removePhotos([photo]) };
const parts = {
  stage: new Stage(byId, drawFrame),
  keeps: new KeepLayer({ layer: byId("keeps"), toggle: byId("keep"), add: byId("keep-add") }, keepBoxes),
  cards: new Cards({ list: byId("crops"), note: byId("crops-note") }, {
    onChoose: (crop) => update(() => album.current.pick(shown.ratio, crop)),
    onDropOwn: () => update(() => album.current.dropOwn(shown.ratio)),
  }),
  compare: new Compare({ panel: byId("compare-panel"), before: byId("before"), after: byId("after") }),
  strip: new PhotoList(byId("strip"), "strip", onPhoto),
  grid: new PhotoList(byId("grid"), "grid", onPhoto),
  ratios: new RatioChooser({ group: byId("ratios"), form: byId("ratio-form"), input: byId("ratio") }, chooseRatio),
  saveForm: new SaveForm({
    size: byId("save-size"), width: byId("save-width"), format: byId("save-format"), quality: byId("save-quality"),
    qualityValue: byId("save-quality-value"), result: byId("save-result"),
  }, draw),
};

function draw() {
  render(byId, album, shown, parts, queue);
}

/** Change something about the photo on show, and remember it. */
function update(change) {
  change();
  draw();
  if (album.current) album.save(album.current);
}

function remember() {
  draw();
  ensureCrops();
  album.saveView({ ratio: shown.ratio, view: shown.view });
}

function addPhotos(files) {
  const isFirst = album.photos.length === 0;
  const leftOut = album.add(files);
  if (files.length - leftOut > 1) shown.view = "grid";
  remember();
  if (leftOut) toast.say(`This page holds 500 photos; ${leftOut} were left out. The command line takes any number.`);
  if (isFirst) byId("photo-name").focus({ preventScroll: true }); // what had the focus is gone
}

function photoChanged(photo) {
  if (!album.photos.includes(photo)) return;
  draw();
  if (photo.state === "failed" && photo === album.current) toast.say(`${photo.name}: ${describe(photo.error).title}.`);
  if (photo.state !== "done") return;
  album.save(photo);
  if (photo === album.current && !photo.isAnnounced) toast.say(`${photo.name}: ${byId("verdict").textContent}.`, { isQuiet: true });
  photo.isAnnounced = true;
  ensureCrops();
}

function choosePhoto(photo) {
  shown.view = "one";
  album.choose(photo);
  remember();
  parts.strip.reveal(photo);
}

function removePhotos(photos) {
  album.remove(photos);
  const words = photos.length === 1 ? `Removed ${photos[0].name}` : `Removed ${photos.length} photos`;
  toast.say(words, { offer: { label: "Undo", run: undo } });
  remember();
  const { current } = album;
  if (album.photos.length > 1) (shown.view === "grid" ? parts.grid : parts.strip).focus(current);
  else if (current) byId(current.state === "failed" ? "problem-title" : "photo-name").focus();
  else byId("choose").focus();
}

function undo() {
  if (!album.undoRemove()) return;
  toast.say("It is back", { isQuiet: true });
  remember();
}

function chooseRatio(ratio) {
  shown.ratio = ratio;
  remember();
}

/** Crops that were not part of the first answer are asked for when a photo is looked at in that ratio. */
async function ensureCrops(photos = [album.current]) {
  const { ratio } = shown;
  const wanted = shown.view === "grid" && album.photos.length > 1 ? album.photos : photos;
  const missing = wanted.filter((photo) => photo?.state === "done" && !photo.ranked.has(ratio) && !photo.refused.has(ratio));
  try {
    for (const photo of missing) await queue.askFor(photo, ratio);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof ServiceError)) throw error;
    const { title, detail } = describe(error);
    toast.say(detail || title);
    if (error.status === 400) parts.ratios.drop(ratio);
    if (error.status === 400 && shown.ratio === ratio) chooseRatio("free");
  }
}

function drawFrame(box, isFinal) {
  const { current: photo } = album;
  const { ratio } = shown;
  update(() => photo.draw(ratio, box));
  liveScore.ask(photo, ratio, box, normalize(box, photo.size));
  if (isFinal) album.save(photo);
}

function scored(photo, ratio, box, answer) {
  const own = photo.own.get(ratio);
  if (!own) return;
  // While one goes on drawing, the newest answer is shown though it is a moment old.
  photo.own.set(ratio, { ...own, scored: answer });
  draw();
  album.save(photo);
}

function keepBoxes(boxes) {
  update(() => album.current.keepOnly(boxes));
  ensureCrops();
}

async function busyWith(id, work) {
  byId(id).setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { title, advice, detail } = describe(error);
    toast.say(error.code === "no_picture" ? detail : `${title}. ${advice}`);
  } finally {
    byId(id).removeAttribute("aria-busy");
  }
}

const download = () => busyWith("download", async () => {
  const { current: photo } = album;
  const file = await cutCrop(photo, shown.ratio, photo.cropAt(shown.ratio), parts.saveForm.options);
  saveFile(file);
  toast.say(`Saved ${file.name}`);
});

const downloadAll = () => busyWith("download-all", async () => {
  const { ratio } = shown;
  const { photos } = album;
  for (const photo of photos) if (photo.state === "done") await queue.askFor(photo, ratio);
  const tell = (number) => toast.say(`Cutting ${number} of ${photos.length}`);
  const { blob, name, missing } = await zipCrops(photos, ratio, parts.saveForm.options, tell);
  saveFile({ blob, name });
  toast.say(missing.length ? `Saved ${name} without ${missing.join(", ")}` : `Saved ${name}`);
});

async function copy(text, what) {
  toast.say((await copyText(text)) ? `Copied ${what}` : "This browser does not let the page copy.");
}

/** The photos that a button speaks of: all in the grid, else the one on show. */
function meant() {
  return shown.view === "grid" && album.photos.length > 1 ? album.photos.filter((photo) => photo.state === "done") : [album.current];
}

listenForPhotos({
  chooser: byId("files"), folderChooser: byId("folder"), buttons: [byId("choose"), byId("add")],
  folderButtons: [byId("choose-folder")], veil: byId("drop-veil"), onFiles: addPhotos, onRefusal: (words) => toast.say(words),
});
on("sample", async () => {
  const blob = await (await fetch("static/sample.jpg")).blob();
  addPhotos([new File([blob], "sample.jpg", { type: "image/jpeg" })]);
});
on("view-one", () => { shown.view = "one"; remember(); });
on("view-grid", () => { shown.view = "grid"; remember(); });
on("previous-photo", () => { album.step(-1); remember(); parts.strip.reveal(album.current); });
on("next-photo", () => { album.step(1); remember(); parts.strip.reveal(album.current); });
on("compare", () => { shown.isComparing = !shown.isComparing; draw(); });
on("thirds", () => {
  byId("lines").hidden = !byId("lines").hidden;
  byId("thirds").setAttribute("aria-pressed", String(!byId("lines").hidden));
});
on("retry", () => queue.send(album.current));
on("retry-all", () => {
  for (const photo of album.photos) if (photo.state === "failed" && describe(photo.error).canRetry) queue.send(photo);
});
on("try-now", () => queue.wake());
on("remove", () => removePhotos([album.current]));
on("remove-all", () => removePhotos(album.photos));
on("download", download);
on("download-all", downloadAll);
on("copy-css", () => copy(cssOf(meant(), shown.ratio), "the CSS"));
on("copy-json", () => copy(jsonOf(meant(), [...new Set(meant().flatMap((photo) => [...photo.ranked.keys()]))]), "the JSON"));
on("copy-curl", () => copy(curlOf(album.current, shown.ratio), "the curl command"));
byId("keeps").addEventListener("drawing", (event) => {
  byId("keep-hint").hidden = !event.detail;
  if (event.detail && shown.isComparing) byId("compare").click();
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey(byId("key").value.trim());
  byId("key").value = "";
  for (const photo of album.photos) if (photo.error?.status === 401) queue.send(photo);
});
addEventListener("keydown", (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
  if (isUndo && !event.target.closest?.("input")) undo();
});
setInterval(() => {
  if (album.current?.state === "pausing") draw(); // the seconds until the next try
}, 1000);
album.open().then((view) => {
  if (!view) return;
  shown.ratio = view.ratio;
  shown.view = view.view;
  remember();
});
