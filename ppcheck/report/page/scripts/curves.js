// @ts-check
/** @import { Crossing, CurvesPicture, Line } from "./data.d.ts" */
import { hue, translucent } from "./colours.js";
import { colour } from "./dom.js";
import { ends, isNumber, rangeInWords, short } from "./numbers.js";
import { axis, figure, plain } from "./plots.js";

/** Lines differ in dash and symbol, too. */
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "x", "star"];
const BANDS = "Bands: the 95 % interval of each point, or the range of random controls";

/**
 * Curves that share one picture, with their bands and where they cross.
 * @param {CurvesPicture} picture
 */
export function curves(picture) {
  const { title, x_label, y_label, lines, marks } = picture;
  const isBanded = lines.some(({ low }) => low);
  const crossings = marks.map(({ name, x, low, high }) => `${name} ${short(x)} ${ends(low, high)}`);
  const head = ["curve", x_label, y_label || "value", ...(isBanded ? ["low", "high"] : [])];
  return figure({
    title,
    note: [isBanded ? BANDS : "", ...crossings].filter(Boolean).join("; "),
    summary: lines.map(({ name, y }) => `${name}: ${rangeInWords(y)}`).join(". "),
    table: { head, rows: lines.flatMap((line) => tableRows(line, isBanded)) },
    plot: () => ({
      data: lines.flatMap((line, n) => traces(line, n, lines.length)),
      layout: {
        height: 320,
        xaxis: axis({ title: { text: plain(x_label) }, zeroline: false, ...ticks(lines) }),
        yaxis: axis({ title: { text: plain(y_label) } }),
        legend: { orientation: "h", y: -0.24, yanchor: "top" },
        showlegend: lines.length > 1,
        shapes: marks.flatMap(crossing),
      },
    }),
  });
}

/**
 * @param {Line} line
 * @param {boolean} isBanded
 */
const tableRows = ({ name, x, y, low, high }, isBanded) =>
  x.map((at, n) => [name, at, y[n], ...(isBanded ? [low?.[n] ?? "", high?.[n] ?? ""] : [])]);

/**
 * Layers and doses are whole numbers, and so are the ticks.
 * @param {Line[]} lines
 */
const ticks = (lines) =>
  lines.every(({ x }) => x.length <= 16 && x.every(Number.isInteger)) ? { dtick: 1 } : {};

/**
 * A line and, where it has one, its band.
 * @param {Line} line
 * @param {number} n
 * @param {number} of
 */
function traces({ name, x, y, low, high }, n, of) {
  const own = hue(n);
  const group = `${n}`;
  const label = of > 1 ? plain(name).replaceAll("%{", "% {") : "";
  /** @param {number} at */
  const text = (at) =>
    low ? `${short(y[at])} [${short(low[at])}, ${short(high?.[at])}]` : short(y[at]);
  const line = {
    x,
    y,
    name: plain(name),
    mode: x.length > 40 ? "lines" : "lines+markers",
    legendgroup: group,
    line: { color: own, width: 2.2, dash: DASHES[n % DASHES.length] },
    marker: { symbol: SYMBOLS[n % SYMBOLS.length], size: 7 },
    text: x.map((_, at) => text(at)),
    hovertemplate: `%{x}: %{text}<extra>${label}</extra>`,
  };
  if (!low) return [line];
  const edge = {
    x,
    mode: "lines",
    line: { width: 0 },
    hoverinfo: "skip",
    showlegend: false,
    legendgroup: group,
  };
  const upper = { ...edge, y: high, fill: "tonexty", fillcolor: translucent(own) };
  return [{ ...edge, y: low }, upper, line];
}

/**
 * Where a curve crosses one half: a line, and a band as wide as its interval.
 * @param {Crossing} mark
 */
function crossing({ x, low, high }) {
  const full = { yref: "paper", y0: 0, y1: 1 };
  const across = { type: "line", xref: "paper", x0: 0, x1: 1, y0: 0.5, y1: 0.5 };
  const at = { color: colour("ink"), width: 1.5, dash: "dash" };
  const half = { color: colour("soft"), width: 1, dash: "dot" };
  const band = { line: { width: 0 }, fillcolor: colour("band"), layer: "below" };
  const isWhole = isNumber(low) && isNumber(high);
  return [
    ...(isWhole ? [{ type: "rect", ...full, x0: low, x1: high, ...band }] : []),
    { type: "line", ...full, x0: x, x1: x, line: at },
    { ...across, line: half },
  ];
}
