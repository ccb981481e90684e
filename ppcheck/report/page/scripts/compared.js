// @ts-check
/** @import { Maybe } from "./data.d.ts" */
/** @import { Drawer } from "./plots.js" */
import { el } from "./dom.js";
import { extent, isNumber, rangeInWords } from "./numbers.js";
import { placeOf } from "./plots.js";

/** @typedef {{ when: string, values: unknown[], plot: Drawer }} Panel */

export const THEN = "then";
export const NOW = "now";
export const DIFFERENCE = "difference";
export const STEP = "difference: now − then";

/**
 * Panels of one picture, each under its word.
 * @param {string} title
 * @param {Panel[]} panels
 * @param {boolean} [stacked]
 */
export const sideBySide = (title, panels, stacked = false) =>
  el(
    "div",
    { class: stacked ? "abreast stacked" : "abreast" },
    panels.map(({ when, values, plot }) =>
      el(
        "div",
        { class: "one" },
        el("p", { class: "when" }, when),
        placeOf(`${title}, ${when}. ${rangeInWords(values)}`, plot),
      ),
    ),
  );

/**
 * Now less then, where both are known.
 * @param {Maybe<number> | undefined} now
 * @param {Maybe<number> | undefined} then
 */
export const less = (now, then) => (isNumber(now) && isNumber(then) ? now - then : null);

/**
 * @param {Maybe<number>[][]} now
 * @param {Maybe<number>[][]} then
 */
export const lessEach = (now, then) =>
  now.map((row, r) => row.map((value, c) => less(value, then[r][c])));

/**
 * A table of all cells, then, now and difference.
 * @param {{ rows: string[], columns: string[], values: Maybe<number>[][] }} now
 * @param {Maybe<number>[][]} then
 */
export const tableOfCells = ({ rows, columns, values }, then) => ({
  head: ["row", "column", THEN, NOW, DIFFERENCE],
  rows: rows.flatMap((row, r) =>
    columns.map((column, c) => {
      const [now, before] = [values[r][c], then[r][c]];
      return [row, column, before, now, less(now, before)];
    }),
  ),
});

const LEAST_REACH = 0.1;

/**
 * How far the scale of differences reaches: at least a tenth of what then and now show, so that a
 * difference of next to nothing looks like it.
 * @param {unknown[]} steps
 * @param {[number, number]} shown
 */
export function reachOf(steps, [least, most]) {
  const [low, high] = extent([steps, 0]);
  const span = Math.max(Math.abs(least), Math.abs(most), most - least);
  return Math.max(-low, high, LEAST_REACH * span) || 1;
}

/** @param {(string | undefined)[]} some */
export const sentences = (...some) => some.filter(Boolean).join("; ");
