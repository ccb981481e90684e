// @ts-check
/** @import { HeatmapPicture } from "./data.d.ts" */
import { shades } from "./colours.js";
import { colour } from "./dom.js";
import { extent, isNumber, rangeInWords, short } from "./numbers.js";
import { figure, plain } from "./plots.js";

/** @typedef {{ row: string, column: string, r: number, c: number }} Cell */

/**
 * Sites by rows and columns, with those outlined that a claim chose or names.
 * @param {HeatmapPicture} picture
 */
export function heatmap(picture) {
  const { title, rows, columns, values, now, before } = picture;
  const notes = [
    before.length ? `dashed: ${before.join(", ")}, before` : "",
    now.length ? `outlined: ${now.join(", ")}, now` : "",
  ];
  return figure({
    title,
    note: notes.filter(Boolean).join("; ").slice(0, 300),
    summary: rangeInWords(values),
    width: Math.max(columns.length * 82 + 190, 300),
    wide: columns.length > 16,
    table: { head: ["", ...columns], rows: rows.map((row, r) => [row, ...values[r]]) },
    plot: () => ({ data: [trace(picture)], layout: layout(picture) }),
  });
}

/** @param {HeatmapPicture} picture */
function trace({ rows, columns, values }) {
  const [least, most] = extent(values);
  const hasText = columns.length <= 12 && rows.length * columns.length <= 400;
  return {
    type: "heatmap",
    z: values,
    x: columns.map(plain),
    y: rows.map(plain),
    ...shades(least, most),
    xgap: 2,
    ygap: 2,
    text: texts(values, Math.max(Math.abs(least), Math.abs(most)) || 1),
    texttemplate: hasText ? "%{text}" : "",
    textfont: { size: 11 },
    customdata: values.map((row) => row.map(short)),
    hovertemplate: "%{y} %{x}: %{customdata}<extra></extra>",
    colorbar: { thickness: 10, outlinewidth: 0, len: 0.95 },
  };
}

/**
 * Values with as many decimals as the largest asks for; no zero has a minus.
 * @param {HeatmapPicture["values"]} values
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

/** @param {HeatmapPicture} picture */
function layout({ rows, columns, now, before }) {
  const cells = rows.flatMap((row, r) => columns.map((column, c) => ({ row, column, r, c })));
  return {
    height: Math.min(Math.max(rows.length * 36 + 70, 170), 640),
    xaxis: { type: "category", side: "bottom", showgrid: false, automargin: true },
    yaxis: { type: "category", autorange: "reversed", showgrid: false, automargin: true },
    shapes: [
      ...outlines(cells, before, { color: colour("soft"), width: 2, dash: "dot" }),
      ...outlines(cells, now, { color: colour("ink"), width: 2.5 }),
    ],
  };
}

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
