// @ts-check
/** @import { Line } from "./data.d.ts" */
import { hue, translucent } from "./colours.js";
import { short } from "./numbers.js";
import { plain } from "./plots.js";

/** Lines differ in dash and symbol, too. */
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "x", "star"];
const MOST_MARKED = 40;

/**
 * A line and, where it has one, its band. An end that an interval does not have is the estimate.
 * @param {Line} line
 * @param {number} n
 * @param {number} of
 */
export function traces(line, n, of) {
  const { x, y, low, high } = line;
  const drawn = curveOf(line, n, of > 1 ? plain(line.name).replaceAll("%{", "% {") : "");
  if (!low && !high) return [drawn];
  const edge = {
    x,
    mode: "lines",
    line: { width: 0 },
    hoverinfo: "skip",
    showlegend: false,
    legendgroup: drawn.legendgroup,
  };
  /** @param {Line["low"]} ends */
  const withEnds = (ends) => y.map((value, at) => ends?.[at] ?? value);
  const upper = { ...edge, y: withEnds(high), fill: "tonexty", fillcolor: translucent(hue(n)) };
  return [{ ...edge, y: withEnds(low) }, upper, drawn];
}

/**
 * @param {Line} line
 * @param {number} n
 * @param {string} label
 */
function curveOf({ name, x, y, low, high }, n, label) {
  /** @param {number} at */
  const text = (at) =>
    (low ?? high)
      ? `${short(y[at])} [${short(low?.[at]) || "-∞"}, ${short(high?.[at]) || "∞"}]`
      : short(y[at]);
  return {
    x,
    y,
    name: plain(name),
    mode: x.length > MOST_MARKED ? "lines" : "lines+markers",
    legendgroup: `${n}`,
    line: { color: hue(n), width: 2.2, dash: DASHES[n % DASHES.length] },
    marker: { symbol: SYMBOLS[n % SYMBOLS.length], size: 7 },
    text: x.map((_, at) => text(at)),
    hovertemplate: `%{x}: %{text}<extra>${label}</extra>`,
  };
}

/**
 * The same line in the baseline, hollow, in the colour that it has now.
 * @param {Line} line
 * @param {number} n
 */
export const hollow = (line, n) => ({
  ...curveOf({ name: `${line.name}, then`, x: line.x, y: line.then ?? [] }, n, plain(line.name)),
  line: { color: hue(n), width: 1.5, dash: "dot" },
  marker: { symbol: `${SYMBOLS[n % SYMBOLS.length]}-open`, size: 8 },
  opacity: 0.8,
  showlegend: false,
});
