// A crop as the page knows it: { kind, rank, box, ... } with the box in pixels of the source photo.

import { normalize, objectPosition, roundBox, toPixels } from "./geometry.js";
import { fitsWhole, ratioValue } from "./ratios.js";

const CLOSE = 0.1; // scores nearer than this are about equal: only used where the service tells no shares
const ALL = 0.995; // of each side

/** A crop of the service's answer. `photo` is the source's size; the service may have seen a smaller copy. */
export function rankedCrop(answered, ratio, seen, photo) {
  const isSame = seen.width === photo.width && seen.height === photo.height;
  const box = isSame ? answered.box : roundBox(toPixels(answered.box_normalized, photo), photo, ratioValue(ratio, photo));
  return {
    kind: "ranked", rank: answered.rank, box, score: answered.score,
    preferredToWhole: answered.preferred_to_whole ?? null,
    preferredToCentre: answered.preferred_to_centre ?? null,
  };
}

/** The photo as it is. */
export function wholeCrop(photo, score) {
  return {
    kind: "whole", rank: 0, box: { x: 0, y: 0, width: photo.width, height: photo.height }, score,
    preferredToWhole: null, preferredToCentre: null,
  };
}

/** The frame that the user drew; `scored` is what the service says of it, or null. */
export function ownCrop(box, scored) {
  return {
    kind: "own", rank: null, box, score: scored?.score ?? null,
    preferredToWhole: scored?.preferred_to_whole ?? null,
    preferredToCentre: scored?.preferred_to_centre ?? null,
  };
}

/** Whether leaving the photo alone is the better advice than `crop`: false or true. */
export function isWholeBetter(crop, wholeScore) {
  if (crop.preferredToWhole !== null) return crop.preferredToWhole < 0.5;
  return crop.score !== null && crop.score <= wholeScore;
}

/** Share of people, 0 to 1, who would take the crop rather than the whole photo; null where nobody told. */
export function standing(crop, wholeScore) {
  if (crop.preferredToWhole !== null) {
    const tenths = Math.round(crop.preferredToWhole * 10);
    return tenths === 5 ? "even" : tenths > 5 ? "better" : "worse";
  }
  if (crop.score === null) return "unknown";
  const gain = crop.score - wholeScore;
  return Math.abs(gain) < CLOSE ? "even" : gain > 0 ? "better" : "worse";
}

/** Everything to choose from at `ratio`: the photo itself where it fits, first if cropping gains nothing. */
export function choices(ranked, ratio, photo, wholeScore, own) {
  const list = ranked.filter((crop) => !isAll(crop.box, photo));
  const place = ranked.findIndex((crop) => isAll(crop.box, photo)); // the service may rank it with the others
  if (place >= 0 || (fitsWhole(ratio) && ranked.length)) {
    const isFirst = !list.length || isWholeBetter(list[0], wholeScore);
    list.splice(isFirst ? 0 : place >= 0 ? place : list.length, 0, wholeCrop(photo, wholeScore));
  }
  if (own) list.push(own);
  return list;
}

/** Whether a box leaves out so little that it is the whole photo to anyone: boxes were rounded on a smaller copy. */
function isAll(box, photo) {
  return box.width >= ALL * photo.width && box.height >= ALL * photo.height;
}

/** What is told of a crop to programs. */
export function cropFacts(crop, ratio, photo) {
  const { x, y, width, height } = crop.box;
  const share = normalize(crop.box, photo);
  const facts = {
    aspect_ratio: ratio, chosen: crop.kind === "ranked" ? `rank ${crop.rank}` : crop.kind,
    box: { x, y, width, height },
    box_normalized: Object.fromEntries(Object.entries(share).map(([name, value]) => [name, Number(value.toFixed(6))])),
    object_position: objectPosition(crop.box, photo),
  };
  if (crop.score !== null) facts.score = crop.score;
  if (crop.preferredToWhole !== null) facts.preferred_to_whole = crop.preferredToWhole;
  if (crop.preferredToCentre !== null) facts.preferred_to_centre = crop.preferredToCentre;
  return facts;
}
