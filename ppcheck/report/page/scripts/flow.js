// @ts-check
/** @import { FlowPicture, Maybe } from "./data.d.ts" */
/** @import { Panel } from "./compared.js" */
import { hueBySign } from "./colours.js";
import {
  lessEach,
  NOW,
  reachOf,
  STEP,
  sentences,
  sideBySide,
  THEN,
  tableOfCells,
} from "./compared.js";
import { colour } from "./dom.js";
import { isNumber, rangeInWords, short } from "./numbers.js";
import { axis, figure, plain } from "./plots.js";

/** @typedef {{ row: string, column: string, r: number, c: number, value: number }} Point */

/** @typedef {{ values: Maybe<number>[][], handover: Maybe<number>, largest: number }} Sheet */

const LANES = "as thick as the share that the residual stream carries there";
const MOST_LANES = 6;

/**
 * The residual stream: a lane a position, as thick as what it carries, and where it crosses over;
 * with a baseline then, now and difference.
 * @param {FlowPicture} picture
 */
export function flow(picture) {
  const { title, rows, columns, values, then, lacking } = picture;
  return figure({
    title: `${title}: how it flows`,
    note: sentences(crossingOf(picture), lacking),
    summary: rangeInWords(values),
    ...(then
      ? flowOfBoth(picture, then)
      : {
          table: { head: ["", ...columns], rows: rows.map((row, r) => [row, ...values[r]]) },
          plot: () => plotOfFlow(picture, { ...picture, largest: largestOfFlow(values) }),
        }),
  });
}

/** @param {FlowPicture} picture */
function crossingOf({ from, to, handover, handover_then }) {
  if (!isNumber(handover)) return `Lanes are ${LANES}`;
  const before = isNumber(handover_then) ? `, at layer ${short(handover_then)} then` : "";
  const crossing = `Handed over from ${from} to ${to} at layer ${short(handover)}${before}`;
  return `${crossing}; lanes are ${LANES}`;
}

/**
 * @param {FlowPicture} picture
 * @param {Maybe<number>[][]} then
 */
function flowOfBoth(picture, then) {
  const { title, columns, values, handover, handover_then } = picture;
  const largest = largestOfFlow([...values, ...then]);
  const step = lessEach(values, then);
  /** @type {(when: string, sheet: Sheet) => Panel} */
  const panel = (when, sheet) => ({
    when,
    values: sheet.values,
    plot: () => plotOfFlow(picture, sheet),
  });
  const panels = [
    panel(THEN, { values: then, handover: handover_then, largest }),
    panel(NOW, { values, handover, largest }),
    panel(STEP, { values: step, handover: null, largest: reachOf(step, [0, largest]) }),
  ];
  return {
    wide: true,
    table: tableOfCells(picture, then),
    body: sideBySide(title, panels, columns.length > MOST_LANES),
  };
}

/** @param {Maybe<number>[][]} values */
const largestOfFlow = (values) => Math.max(...values.flat().filter(isNumber).map(Math.abs), 1e-9);

/**
 * @param {FlowPicture} picture
 * @param {Sheet} sheet
 */
function plotOfFlow({ rows, columns, from, to }, { values, handover, largest }) {
  const points = rows.flatMap((row, r) =>
    columns.map((column, c) => ({ row, column, r, c, value: values[r][c] ?? 0 })),
  );
  const quiet = { showgrid: false, zeroline: false };
  return {
    data: [markers(points, largest)],
    layout: {
      height: Math.max(rows.length * 54 + 80, 240),
      margin: { l: 56, r: 24, t: 18, b: 44 },
      xaxis: axis({ ...named(columns), range: [-0.6, columns.length - 0.4], ...quiet }),
      yaxis: axis({ ...named(rows), range: [-0.7, rows.length - 0.3], ...quiet }),
      shapes: lanes(points, largest),
      annotations: arrow(handover, columns.indexOf(from), columns.indexOf(to)),
    },
  };
}

/** @param {string[]} names */
const named = (names) => ({ tickvals: names.map((_, n) => n), ticktext: names.map(plain) });

/**
 * @param {Point[]} points
 * @param {number} largest
 */
const markers = (points, largest) => ({
  x: points.map(({ c }) => c),
  y: points.map(({ r }) => r),
  mode: "markers",
  type: "scatter",
  marker: {
    size: points.map(({ value }) => 9 + (21 * Math.abs(value)) / largest),
    color: points.map(({ value }) => hueOf(value, largest)),
    line: { color: colour("card"), width: 2 },
  },
  text: points.map(({ row, column, value }) => plain(`${row} at ${column}: ${short(value)}`)),
  hovertemplate: "%{text}<extra></extra>",
});

/**
 * @param {number} value
 * @param {number} largest
 */
const hueOf = (value, largest) =>
  Math.abs(value) < 0.02 * largest ? colour("soft") : hueBySign(value);

/**
 * @param {Point[]} points
 * @param {number} largest
 */
const lanes = (points, largest) =>
  points
    .filter(({ r }) => r > 0)
    .map(({ r, c, value }) => ({
      type: "line",
      layer: "below",
      x0: c,
      x1: c,
      y0: r - 1,
      y1: r,
      opacity: 0.45,
      line: { width: 1.5 + (14 * Math.abs(value)) / largest, color: hueOf(value, largest) },
    }));

/**
 * Where the effect is handed over, if it is known and both positions are drawn.
 * @param {number | null} layer
 * @param {number} from
 * @param {number} to
 */
function arrow(layer, from, to) {
  if (!isNumber(layer) || from < 0 || to < 0) return [];
  const look = { showarrow: true, arrowhead: 2, arrowsize: 1.3, arrowwidth: 2.2 };
  const ends = { x: to, y: layer, ax: from, ay: layer - 1 };
  const axes = { xref: "x", yref: "y", axref: "x", ayref: "y" };
  const gaps = { standoff: 14, startstandoff: 12 };
  return [{ ...ends, ...axes, ...look, arrowcolor: colour("ink"), ...gaps, text: "" }];
}
