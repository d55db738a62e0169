// What is said of the chosen crop, and, for developers, its score and where the time went.

import { verdict } from "../crops/verdict.js";

const STAGES = [["decode", "Decode"], ["queue", "Queue"], ["inference", "Inference"]];

/** Fill the panel; `byId(name)` gives its elements. */
export function showPanel(byId, photo, ratio, crop, best) {
  const { title, detail, kind } = verdict({ crop, best: best ?? crop, ratio, wholeScore: photo.wholeScore });
  byId("verdict").textContent = title;
  byId("verdict").dataset.kind = kind;
  byId("verdict-detail").textContent = detail;
  byId("verdict-detail").hidden = !detail;
  const { width, height } = crop.box;
  byId("fact-size").textContent = `${width} × ${height} px`;
  byId("fact-from").textContent = `${photo.size.width} × ${photo.size.height} px`;
  byId("fact-share").textContent = `${Math.round((100 * width * height) / (photo.size.width * photo.size.height))} %`;
  byId("fact-score").textContent = crop.score === null ? "not known" : crop.score.toFixed(2);
  byId("fact-whole-score").textContent = photo.wholeScore?.toFixed(2) ?? "not known";
  if (photo.timing) showTiming(byId, photo.timing);
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
  byId("timing-total").textContent = formatMs(total);
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
