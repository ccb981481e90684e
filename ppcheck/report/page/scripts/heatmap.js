// @ts-check
/** @import { HeatmapPicture, Maybe } from "./data.d.ts" */
/** @import { Panel } from "./compared.js" */
/** @import { Drawer } from "./plots.js" */
import { shades } from "./colours.js";
import {
  DIFFERENCE,
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
import { extent, isNumber, rangeInWords, short } from "./numbers.js";
import { figure, plain } from "./plots.js";

/**
 * @typedef {Maybe<number>[][]} Values
 * @typedef {[number, number]} Range
 * @typedef {{ values: Values, range: Range, bar: string, before: string[], now: string[] }} Sheet
 */

/** Pixels beside the cells: names of rows, the colour bar and its title. */
const BESIDE = 130;
const LETTER = 6.8;
const LONGEST_BAR = 22;
const MOST_BELOW = 120;
const MOST_ABREAST = 14;
const MOST_NAMED = 240;

/**
 * Sites by rows and columns, with those outlined that a claim chose or names; with a baseline
 * then, now and difference.
 * @param {HeatmapPicture} picture
 */
export function heatmap(picture) {
  const { title, values, then, lacking } = picture;
  return figure({
    title,
    note: sentences(outlinedIn(picture), lacking),
    summary: rangeInWords(values),
    ...(then ? mapOfBoth(picture, then) : mapAlone(picture)),
  });
}

/** @param {HeatmapPicture} picture */
function outlinedIn({ now, before }) {
  /** @param {string[]} names */
  const named = (names) => names.join(", ").slice(0, MOST_NAMED);
  if (!before.length) return now.length ? `Outlined: ${named(now)}, chosen or named here` : "";
  const outlined = now.length ? `Outlined: ${named(now)}, now` : "";
  return sentences(outlined, `dashed: ${named(before)}, before`);
}

/** @param {HeatmapPicture} picture */
function mapAlone(picture) {
  const { rows, columns, values, now, before } = picture;
  const range = extent(values);
  return {
    width: Math.max(columns.length * 82 + 190, 300),
    wide: columns.length > 16,
    table: { head: ["", ...columns], rows: rows.map((row, r) => [row, ...values[r]]) },
    plot: plotOfMap(picture, { values, range, bar: measureOf(picture), before, now }),
  };
}

/**
 * @param {HeatmapPicture} picture
 * @param {Values} then
 */
function mapOfBoth(picture, then) {
  const { title, columns, values, before, now } = picture;
  const [bar, range] = [measureOf(picture), extent([values, then])];
  const step = lessEach(values, then);
  const reach = reachOf(step, range);
  /** @type {(when: string, sheet: Sheet) => Panel} */
  const panel = (when, sheet) => ({ when, values: sheet.values, plot: plotOfMap(picture, sheet) });
  const panels = [
    panel(THEN, { values: then, range, bar, before, now: [] }),
    panel(NOW, { values, range, bar, before: [], now }),
    panel(STEP, { values: step, range: [-reach, reach], bar: DIFFERENCE, before, now }),
  ];
  return {
    wide: true,
    table: tableOfCells(picture, then),
    body: sideBySide(title, panels, columns.length > MOST_ABREAST),
  };
}

/**
 * What the colours stand for, in a word or two: `recovery` of `recovery of p(a) in resid_post`.
 * A map that is called by its sites is of their effects.
 * @param {HeatmapPicture} picture
 */
function measureOf({ title, columns }) {
  if (title === "heads" || columns.includes(title)) return "effect";
  const measure = title.split(/ (?:of|in|at|from|by|on) |[,(]/)[0];
  return measure.length > LONGEST_BAR ? `${measure.slice(0, LONGEST_BAR - 1)}…` : measure;
}

/** @type {(picture: HeatmapPicture, sheet: Sheet) => Drawer} */
const plotOfMap = (picture, sheet) => (width) => ({
  data: [trace(picture, sheet, width)],
  layout: layout(picture, sheet, width),
});

/**
 * @param {HeatmapPicture} picture
 * @param {Sheet} sheet
 * @param {number} width
 */
function trace({ rows, columns }, { values, range, bar }, width) {
  const said = texts(values, Math.max(...range.map(Math.abs)) || 1);
  const longest = Math.max(...said.flat().map(({ length }) => length));
  const hasText = (width - BESIDE) / columns.length >= longest * LETTER && rows.length <= 40;
  return {
    type: "heatmap",
    z: values,
    x: columns.map(plain),
    y: rows.map(plain),
    ...shades(...range),
    xgap: 2,
    ygap: 2,
    text: said,
    texttemplate: hasText ? "%{text}" : "",
    textfont: { size: 11 },
    customdata: values.map((row) => row.map(short)),
    hovertemplate: "%{y} %{x}: %{customdata}<extra></extra>",
    colorbar: {
      thickness: 10,
      outlinewidth: 0,
      len: 0.95,
      title: { text: plain(bar), side: "right", font: { size: 11 } },
    },
  };
}

/**
 * Values with as many decimals as the largest asks for; no zero has a minus.
 * @param {Values} values
 * @param {number} reach
 */
function texts(values, reach) {
  const wanted = Math.min(Math.max(2, 1 - Math.floor(Math.log10(reach))), 5);
  const decimals = reach < 10 ? wanted : 0;
  /** @param {number | null} value */
  const text = (value) =>
    isNumber(value) ? value.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1") : "";
  return values.map((row) => row.map(text));
}

/**
 * Names of columns that are longer than their cells stand upright, and need room below.
 * @param {HeatmapPicture} picture
 * @param {Sheet} sheet
 * @param {number} width
 */
function layout({ rows, columns }, { before, now }, width) {
  const longest = LETTER * Math.max(...columns.map(({ length }) => length));
  const upright = longest > (width - BESIDE) / columns.length ? Math.min(longest, MOST_BELOW) : 0;
  const cells = rows.flatMap((row, r) => columns.map((column, c) => ({ row, column, r, c })));
  return {
    height: Math.min(Math.max(rows.length * 36 + 70, 190), 640) + upright,
    margin: { l: 40, r: 8, t: 28, b: 40 },
    xaxis: { type: "category", side: "bottom", showgrid: false, automargin: true },
    yaxis: { type: "category", autorange: "reversed", showgrid: false, automargin: true },
    shapes: [
      ...outlines(cells, before, { color: colour("soft"), width: 2, dash: "dash" }),
      ...outlines(cells, now, { color: colour("ink"), width: 2.5 }),
    ],
  };
}

/** @typedef {{ row: string, column: string, r: number, c: number }} Cell */

/**
 * Cells are named by layer and head (`L1H3`) or by site and layer (`resid_post.L1`).
 * @param {Cell[]} cells
 * @param {string[]} names
 * @param {object} line
 */
function outlines(cells, names, line) {
  /** @param {Cell} cell */
  const isNamed = ({ row, column }) =>
    names.includes(row + column) || names.includes(`${column}.${row}`);
  return cells.filter(isNamed).map(({ r, c }) => ({
    type: "rect",
    x0: c - 0.46,
    x1: c + 0.46,
    y0: r - 0.46,
    y1: r + 0.46,
    line,
  }));
}
