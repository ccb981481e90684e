// @ts-check
/** @import { Series } from "./data.d.ts" */
import { hue, translucent } from "./colours.js";
import { colour } from "./dom.js";
import { isNumber, rangeInWords } from "./numbers.js";
import { axis, figure, plain } from "./plots.js";

const MOST_TICKS = 12;
const NOTE =
  "Band: the interval at each checkpoint; shaded: what is expected. " +
  "A hollow point is a checkpoint at which it is not met.";

/**
 * One statistic over the checkpoints, against what is expected of it.
 * @param {string} name
 * @param {Series} series
 * @param {string[]} checkpoints
 * @param {(at: number) => string} figureAt
 */
export function trajectory(name, series, checkpoints, figureAt) {
  const { y, low, high, of, expected } = series;
  const rows = y.map((_, at) => [
    ...[checkpoints[at], y[at] ?? "", low[at] ?? "", high[at] ?? "", of[at] ?? ""],
  ]);
  const texts = y.map((_, at) => `${checkpoints[at]}: ${of[at] ?? name} ${figureAt(at)}`);
  return figure({
    title: expected ? `${name} ${expected}` : name,
    note: NOTE,
    summary: rangeInWords(y),
    table: { head: ["checkpoint", name, "low", "high", "of"], rows },
    plot: () => ({
      data: [...bands(series), line(series, texts)],
      layout: layout(series, checkpoints),
    }),
  });
}

/**
 * @param {Series} series
 * @param {string[]} texts
 */
const line = ({ y, met }, texts) => ({
  x: y.map((_, at) => at),
  y,
  mode: y.length > 60 ? "lines" : "lines+markers",
  connectgaps: false,
  line: { color: hue(0), width: 2 },
  marker: {
    size: 8,
    color: met.map((is) => (is ? hue(0) : colour("card"))),
    line: { width: 2, color: hue(0) },
  },
  text: texts.map(plain),
  hovertemplate: "%{text}<extra></extra>",
});

/**
 * @param {Series} series
 * @param {string[]} checkpoints
 */
function layout({ y, low, high, bound }, checkpoints) {
  const [from, to] = bound;
  const numbers = [...y, ...low, ...high, from, to].filter(isNumber);
  const margin = 0.08 * (Math.max(...numbers) - Math.min(...numbers) || 1);
  const range = [Math.min(...numbers) - margin, Math.max(...numbers) + margin];
  const every = Math.ceil(checkpoints.length / MOST_TICKS);
  const tickvals = [...checkpoints.keys()].filter((at) => at % every === 0);
  const ticktext = tickvals.map((at) => plain(checkpoints[at]).slice(0, 40));
  const ends = { range: [-0.4, checkpoints.length - 0.6], showgrid: false, zeroline: false };
  const across = { xref: "paper", x0: 0, x1: 1 };
  const shade = { line: { width: 0 }, fillcolor: colour("band"), opacity: 0.45, layer: "below" };
  const edge = { color: colour("edge"), width: 2, dash: "dash" };
  return {
    showlegend: false,
    xaxis: axis({ tickvals, ticktext, ...ends }),
    yaxis: axis({ range, zeroline: false }),
    shapes: [
      { type: "rect", ...across, y0: from ?? range[0], y1: to ?? range[1], ...shade },
      ...[from, to]
        .filter(isNumber)
        .map((at) => ({ type: "line", ...across, y0: at, y1: at, line: edge })),
    ],
  };
}

/**
 * The interval around each stretch of neighbouring checkpoints whose intervals have both ends.
 * @param {Series} series
 */
function bands({ y, low, high }) {
  return stretches({ y, low, high }).map((some) => ({
    x: [...some, ...some.toReversed()],
    y: [...some.map((at) => high[at]), ...some.toReversed().map((at) => low[at])],
    mode: "lines",
    line: { width: some.length > 1 ? 0 : 3, color: translucent(hue(0)) },
    fill: "toself",
    fillcolor: translucent(hue(0)),
    hoverinfo: "skip",
  }));
}

/**
 * @param {Pick<Series, "y" | "low" | "high">} series
 * @returns {number[][]}
 */
function stretches({ y, low, high }) {
  /** @type {number[][]} */
  const found = [];
  /** @param {number} at */
  const isWhole = (at) => isNumber(y[at]) && isNumber(low[at]) && isNumber(high[at]);
  for (const at of y.keys()) {
    if (!isWhole(at)) continue;
    if (at > 0 && isWhole(at - 1)) found[found.length - 1].push(at);
    else found.push([at]);
  }
  return found;
}
