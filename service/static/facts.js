// What is known of the chosen crop: its score beside the whole photo's, its size, and where the time went.

// Below this the two are about as good: the whole frame lies at the edge of what the model knows.
const SMALL_GAIN = 0.1;
const STAGES = [["decode", "Decode"], ["queue", "Queue"], ["inference", "Inference"]];

/** Fill the panel; `byId(name)` gives its elements. */
export function showFacts(byId, photo, crops, crop) {
  const { width, height } = photo.answer.image;
  const gain = crop.score - photo.wholeScore;
  byId("score").textContent = crop.score.toFixed(2);
  byId("gain").textContent = describeGain(gain);
  byId("gain").dataset.kind = Math.abs(gain) < SMALL_GAIN ? "even" : gain > 0 ? "better" : "worse";
  byId("fact-crop").textContent = `${crop.rank} of ${crops.length}`;
  byId("fact-size").textContent = `${crop.box.width} × ${crop.box.height} px`;
  byId("fact-from").textContent = `${width} × ${height} px`;
  byId("fact-share").textContent = `${Math.round(crop.area_share * 100)} % of the photo`;
  showScale(byId("scale"), photo, crops, crop);
  showTiming(byId, photo.timing);
}

function describeGain(gain) {
  if (Math.abs(gain) < SMALL_GAIN) return "about as good as the whole photo";
  return gain > 0 ? `${gain.toFixed(2)} above the whole photo` : `${(-gain).toFixed(2)} below the whole photo`;
}

/** A line from the lowest to the highest score: a dot a crop, a tick for the whole photo. */
function showScale(scale, photo, crops, chosen) {
  const scores = [photo.wholeScore, ...crops.map((crop) => crop.score)];
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const place = (score) => `${high > low ? ((score - low) / (high - low)) * 100 : 50}%`;
  const mark = (className, score, text = "") => {
    const element = document.createElement("span");
    element.className = className;
    element.textContent = text;
    element.style.left = place(score);
    return element;
  };
  const whole = mark("scale-whole", photo.wholeScore, "whole photo");
  whole.classList.toggle("is-right", photo.wholeScore > (low + high) / 2);
  scale.replaceChildren(
    whole,
    ...crops.filter((crop) => crop !== chosen).map((crop) => mark("scale-dot", crop.score)),
    mark("scale-dot is-chosen", chosen.score),
  );
}

function showTiming(byId, timing) {
  const { total = timing.roundTrip, roundTrip } = timing;
  const stages = STAGES.filter(([name]) => name in timing).map(([name, label]) => [name, label, timing[name]]);
  const named = stages.reduce((sum, [, , ms]) => sum + ms, 0);
  const parts = [
    ...stages,
    ["rest", "Rest", Math.max(0, total - named)],
    ["network", "Network", Math.max(0, roundTrip - total)],
  ];
  byId("timing-total").textContent = `${formatMs(total)}`;
  byId("timing-bar").replaceChildren(
    ...parts.map(([name, , ms]) => {
      const bar = document.createElement("span");
      bar.dataset.stage = name;
      bar.style.flexGrow = ms.toFixed(3);
      return bar;
    }),
  );
  byId("timing-list").replaceChildren(
    ...parts.map(([name, label, ms]) => {
      const [row, term, value] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
      row.dataset.stage = name;
      term.textContent = label;
      value.textContent = formatMs(ms);
      row.append(term, value);
      return row;
    }),
  );
}

function formatMs(ms) {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
