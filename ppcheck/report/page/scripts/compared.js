// @ts-check
/** @import { Maybe } from "./data.d.ts" */
/** @import { Drawer } from "./plots.js" */
import { el } from "./dom.js";
import { isNumber, rangeInWords } from "./numbers.js";
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

/** @param {(string | undefined)[]} some */
export const sentences = (...some) => some.filter(Boolean).join("; ");
