// What is said of a crop, in words for someone who edits pictures: no scores, no scales.

import { isWholeBetter, standing } from "./crop.js";
import { fitsWhole, ratioLabel } from "./ratios.js";

const COUNTS = ["hardly anyone", "1", "2", "3", "4", "5", "6", "7", "8", "9", "nearly everyone"];

/** { title, detail, kind } of `crop`; `best` is the first ranked one of its ratio, or null. */
export function verdict({ crop, best, ratio, wholeScore }) {
  if (crop.kind === "whole") return wholeVerdict(best, wholeScore);
  return fitsWhole(ratio) ? freeVerdict(crop, wholeScore) : fixedVerdict(crop, ratio, wholeScore);
}

/** The few words on a card; `cardsNote` says what they count. */
export function cardWords(crop, ratio, wholeScore) {
  if (crop.kind === "whole") return "Whole photo";
  const share = cardShare(crop, ratio);
  if (share !== null) return `${Math.round(share * 10)} of 10`;
  return { better: "Better", even: "As good", worse: "", unknown: "" }[standing(crop, wholeScore)];
}

/** What "7 of 10" on the cards of `crops` counts; empty where nothing is counted. */
export function cardsNote(crops, ratio) {
  if (!crops.some((crop) => cardShare(crop, ratio) !== null)) return "";
  return `Of 10 people, how many would prefer that crop to ${fitsWhole(ratio) ? "the whole photo" : "a plain crop of the centre"}.`;
}

/** Which crop it is, in a word or two. */
export function cropName(crop) {
  return { whole: "Whole photo", own: "Your frame" }[crop.kind] ?? (crop.rank === 1 ? "Best crop" : `Crop ${crop.rank}`);
}

/** Where a ratio is needed, cropping is no question: there the comparison is with the crop that anyone would make. */
function cardShare(crop, ratio) {
  return fitsWhole(ratio) ? crop.preferredToWhole : crop.preferredToCentre;
}

function wholeVerdict(best, wholeScore) {
  if (best && !isWholeBetter(best, wholeScore)) {
    return { title: "The whole photo", detail: "Nothing is cut off. The best crop would be preferred to it.", kind: "worse" };
  }
  return {
    title: "Leave it as it is", kind: "better",
    detail: "Cropping gains nothing here: of all crops tried, none would be preferred to the whole photo.",
  };
}

function freeVerdict(crop, wholeScore) {
  const kind = standing(crop, wholeScore);
  const title = {
    better: "Better than the whole photo", even: "About as good as the whole photo",
    worse: "The whole photo is better", unknown: "Your own frame",
  }[kind];
  return { title, detail: crop.preferredToWhole === null ? "" : people(crop.preferredToWhole, "this crop to the whole photo"), kind };
}

/** A ratio that is needed: the question is not whether to crop but where. */
function fixedVerdict(crop, ratio, wholeScore) {
  const label = ratioLabel(ratio);
  const kind = standing(crop, wholeScore);
  const title = crop.kind === "own" ? `Your own ${label} frame` : crop.rank === 1 ? `The best crop at ${label}` : `Another crop at ${label}`;
  const parts = [];
  if (crop.preferredToCentre !== null) parts.push(people(crop.preferredToCentre, "it to a plain crop of the centre"));
  if (kind === "better") {
    parts.push(crop.preferredToWhole === null ? "It is better than the whole photo too." : people(crop.preferredToWhole, "it to the whole photo"));
  } else if (kind === "worse") parts.push(`The whole photo is stronger, so crop only if you need ${label}.`);
  else if (kind === "even") parts.push("It is about as good as the whole photo.");
  return { title, detail: parts.join(" "), kind: kind === "worse" ? "even" : kind };
}

/** `share` 0 to 1 as people out of ten. */
function people(share, what) {
  const count = Math.round(share * 10);
  const words = COUNTS[count];
  if (count === 0 || count === 10) return `${words[0].toUpperCase()}${words.slice(1)} would prefer ${what}.`;
  return `Of 10 people, ${words} would prefer ${what}.`;
}
