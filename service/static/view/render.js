// Draws the page from what is shown: the one place that decides which part is in sight.

import { hasKey } from "../service/api.js";
import { describe } from "../service/problems.js";
import { ratioLabel } from "../crops/ratios.js";
import { showPanel } from "./panel.js";

/** `shown`: { ratio, view, isComparing }; `parts`: the views; `queue` tells what is being asked for. */
export function render(byId, album, shown, parts, queue) {
  const { photos, current } = album;
  const isMany = photos.length > 1;
  const isGrid = isMany && shown.view === "grid";
  byId("start").hidden = photos.length > 0;
  byId("work").hidden = byId("add").hidden = photos.length === 0;
  byId("work").dataset.view = isGrid ? "grid" : "one";
  byId("views").hidden = byId("many").hidden = !isMany;
  const needsKey = photos.some((photo) => photo.error?.status === 401);
  byId("key-form").hidden = !needsKey;
  byId("key-wrong").hidden = !(needsKey && hasKey());
  byId("strip").hidden = !isMany || isGrid;
  byId("grid").hidden = !isGrid;
  for (const view of ["one", "grid"]) byId(`view-${view}`).setAttribute("aria-pressed", String(isGrid === (view === "grid")));
  parts.ratios.show(shown.ratio);
  showMany(byId, album);
  if (isGrid) parts.grid.show(photos, current, shown.ratio);
  else parts.strip.show(photos, current, shown.ratio);
  if (current) showOne(byId, album, shown, parts, queue, isGrid);
}

/** "12 of 50", and what can be done about those that failed. */
function showMany(byId, album) {
  const { photos, current } = album;
  const [done, failed] = [album.count("done"), album.count("failed")];
  const canRetry = photos.some((photo) => photo.state === "failed" && describe(photo.error).canRetry);
  byId("progress-text").textContent = done + failed < photos.length
    ? `${done} of ${photos.length} cropped`
    : `${photos.length} photos${failed ? `, ${failed} failed` : ""}`;
  byId("progress").hidden = done + failed === photos.length;
  byId("progress").max = photos.length;
  byId("progress").value = done + failed;
  byId("retry-all").hidden = !canRetry;
  byId("place-group").hidden = photos.length < 2;
  byId("place").textContent = `${photos.indexOf(current) + 1} of ${photos.length}`;
  byId("previous-photo").disabled = current === photos[0];
  byId("next-photo").disabled = current === photos.at(-1);
  byId("download-all").hidden = photos.length < 2;
  byId("download-all").textContent = `Download all ${photos.length - failed} as ZIP`;
}

function showOne(byId, album, shown, parts, queue, isGrid) {
  const { current } = album;
  const { ratio } = shown;
  const isFailed = current.state === "failed";
  byId("photo-name").textContent = isGrid ? `All photos at ${ratioLabel(ratio).toLowerCase()}` : current.name;
  byId("problem").hidden = !isFailed || isGrid;
  byId("viewer").hidden = isFailed || isGrid;
  byId("side").hidden = isFailed && !isGrid;
  if (isFailed) showProblem(byId, current);
  showPause(byId, current, isGrid);
  const list = current.choicesAt(ratio);
  const crop = current.wholeScore === null ? null : current.cropAt(ratio);
  const isAsking = queue.isAsking(current, ratio);
  byId("facts").hidden = !crop && !isGrid;
  byId("one-facts").hidden = byId("more").hidden = byId("download").hidden = isGrid;
  if (crop) {
    showPanel(byId, current, ratio, crop, list.find((choice) => choice.kind === "ranked"));
    parts.saveForm.show(current, crop);
  }
  byId("save-result").hidden = isGrid;
  if (isGrid || isFailed) return;
  byId("compare").setAttribute("aria-pressed", String(shown.isComparing));
  byId("compare-panel").hidden = !shown.isComparing || !crop;
  byId("well").hidden = shown.isComparing && Boolean(crop);
  parts.stage.show(current, ratio, crop, isAsking);
  if (current.size) parts.keeps.show(current);
  if (shown.isComparing && crop) parts.compare.show(current, crop);
  parts.cards.show(current, ratio, list, crop);
  const why = current.refused.get(ratio);
  byId("no-crop").hidden = !why;
  byId("no-crop").textContent = why && current.keep.length
    ? `No crop at ${ratioLabel(ratio).toLowerCase()} holds everything that you marked to keep.`
    : (why ?? "");
}

function showProblem(byId, photo) {
  const { title, advice, detail, canRetry } = describe(photo.error);
  byId("problem-name").textContent = photo.name;
  byId("problem-title").textContent = title;
  byId("problem-advice").textContent = advice;
  byId("problem-detail").textContent = detail;
  byId("retry").hidden = !canRetry;
}

function showPause(byId, photo, isGrid) {
  const isPausing = photo.state === "pausing" && !isGrid;
  byId("pause").hidden = !isPausing;
  if (!isPausing) return;
  const seconds = Math.max(0, Math.ceil((photo.retryAt - Date.now()) / 1000));
  byId("pause-title").textContent = `${describe(photo.error).title}.`;
  byId("pause-when").textContent = seconds ? `Trying again in ${seconds} s.` : "Trying again.";
}
