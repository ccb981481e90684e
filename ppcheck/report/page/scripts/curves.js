// @ts-check
/** @import { Crossing, CurvesPicture, Line } from "./data.d.ts" */
/** @import { Drawer } from "./plots.js" */
/** @import { Panel } from "./compared.js" */
import { DIFFERENCE, less, NOW, reachOf, STEP, sentences, sideBySide, THEN } from "./compared.js";
import { colour } from "./dom.js";
import { hollow, traces } from "./lines.js";
import { ends, extent, isNumber, rangeInWords, short } from "./numbers.js";
import { axis, figure, plain } from "./plots.js";

const BANDS = "Bands: the 95 % interval of each point, or the range of random controls";
const INTERVALS = "Band: the interval of each layer, up to the estimate where it has one end only";
const BOUND = "dashed: what is expected";
const HOLLOW = "hollow: then";
const MOST_HOLLOW = 3;
/** Pixels above a legend, where the buttons of the plot appear. */
const MODEBAR = 56;

/**
 * Curves that share one picture, with their bands, their bound and where they cross; with a
 * baseline then, now and difference.
 * @param {CurvesPicture} picture
 */
export function curves(picture) {
  const { title, lines, lacking } = picture;
  const hasThen = lines.some(({ then }) => then);
  return figure({
    title,
    note: sentences(...notesOfCurves(picture), hasThen && isFew(lines) ? HOLLOW : "", lacking),
    summary: lines.map(({ name, y }) => `${name}: ${rangeInWords(y)}`).join(". "),
    table: tableOfCurves(picture, hasThen),
    ...(hasThen
      ? curvesOfBoth(picture)
      : { plot: () => plotOfCurves(picture, lines, rangeOf(picture)) }),
  });
}

/** @param {CurvesPicture} picture */
function notesOfCurves({ lines, marks, bound }) {
  const isBanded = lines.some(({ low, high }) => low ?? high);
  const crossings = marks.map(({ name, x, low, high }) => `${name} ${short(x)} ${ends(low, high)}`);
  const bands = bound ? INTERVALS : BANDS;
  return [isBanded ? bands : "", bound ? BOUND : "", ...crossings];
}

/** @param {Line[]} lines */
const isFew = (lines) => lines.length <= MOST_HOLLOW;

/** @param {CurvesPicture} picture */
function curvesOfBoth(picture) {
  const { title, lines } = picture;
  const range = rangeOf(picture);
  const before = lines.map((line) => ({ ...line, y: line.then ?? [], ...bandThen(line) }));
  const beside = isFew(lines) ? lines.map(hollow) : [];
  const steps = lines.map((line) => ({
    ...line,
    y: line.y.map((value, n) => less(value, line.then?.[n])),
    low: line.step_low,
    high: line.step_high,
  }));
  const shown = steps.flatMap(({ y, low, high }) => [y, low ?? [], high ?? []]);
  const reach = 1.1 * reachOf(shown, range);
  /** @type {(when: string, some: Line[], plot: Drawer) => Panel} */
  const panel = (when, some, plot) => ({ when, values: some.map(({ y }) => y), plot });
  const bare = { ...picture, marks: [] };
  const free = { ...bare, bound: null, y_label: DIFFERENCE };
  const panels = [
    panel(THEN, before, () => plotOfCurves(bare, before, range)),
    panel(NOW, lines, () => plotOfCurves(picture, lines, range, beside)),
    panel(STEP, steps, () => plotOfCurves(free, steps, [-reach, reach])),
  ];
  return { wide: true, body: sideBySide(title, panels) };
}

/** @param {Line} line */
const bandThen = ({ then_low, then_high }) => ({ low: then_low, high: then_high });

/**
 * The same for then and now: all that either shows.
 * @param {CurvesPicture} picture
 * @returns {[number, number]}
 */
function rangeOf({ lines, bound }) {
  const shown = lines.flatMap(({ y, low, high, then, then_low, then_high }) => [
    ...[y, low ?? [], high ?? [], then ?? [], then_low ?? [], then_high ?? []],
  ]);
  const [least, most] = extent([shown, bound ?? []]);
  const margin = 0.07 * (most - least || Math.abs(most) || 1);
  return [least - margin, most + margin];
}

/**
 * @param {CurvesPicture} picture
 * @param {Line[]} lines
 * @param {[number, number]} [range]
 * @param {object[]} [beside]
 */
function plotOfCurves({ x_label, y_label, marks, bound }, lines, range, beside = []) {
  return {
    data: [...beside, ...lines.flatMap((line, n) => traces(line, n, lines.length))],
    layout: {
      height: 320,
      margin: { l: 56, r: 16, t: lines.length > 1 ? MODEBAR : 12, b: 44 },
      xaxis: axis({ title: { text: plain(x_label) }, zeroline: false, ...ticks(lines) }),
      yaxis: axis({ title: { text: plain(y_label) }, ...(range ? { range } : {}) }),
      legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
      showlegend: lines.length > 1,
      shapes: [...marks.flatMap(crossing), ...expected(bound)],
    },
  };
}

/**
 * @param {CurvesPicture} picture
 * @param {boolean} hasThen
 */
function tableOfCurves({ x_label, y_label, lines }, hasThen) {
  const isBanded = lines.some(({ low, high }) => low ?? high);
  const band = isBanded ? ["low", "high"] : [];
  const figures = hasThen ? [THEN, NOW, DIFFERENCE] : [y_label || "value"];
  /** @type {(line: Line, n: number) => (number | string | null | undefined)[]} */
  const row = ({ name, x, y, low, high, then }, n) => [
    ...[name, x[n]],
    ...(hasThen ? [then?.[n], y[n], less(y[n], then?.[n])] : [y[n]]),
    ...(isBanded ? [low?.[n] ?? "", high?.[n] ?? ""] : []),
  ];
  return {
    head: ["curve", x_label, ...figures, ...band],
    rows: lines.flatMap((line) => line.x.map((_, n) => row(line, n))),
  };
}

/**
 * Layers and doses are whole numbers, and so are the ticks.
 * @param {Line[]} lines
 */
const ticks = (lines) =>
  lines.every(({ x }) => x.length <= 16 && x.every(Number.isInteger)) ? { dtick: 1 } : {};

/**
 * The edges of what is expected.
 * @param {CurvesPicture["bound"]} bound
 */
const expected = (bound) =>
  (bound ?? []).filter(isNumber).map((y) => ({
    ...{ type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y },
    line: { color: colour("edge"), width: 2, dash: "dash" },
  }));

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
