// @ts-check
/** @import { MapFold, MapLayout, MapPicture } from "./data.d.ts" */
import { svg } from "./dom.js";
import { plural } from "./numbers.js";

/** The height of a row that stands for many layers, and of one half layer of those unfolded. */
const CLOSED = 18;
const OPEN = 8;
/** Where a run begins that is folded, and one that has the names of its layers on its left. */
const LEFT = 2;
const PAST_NAMES = 26;

/**
 * The runs of layers that are folded or were unfolded, as they are named and read out.
 * @param {MapPicture} picture
 * @param {ReadonlySet<number>} open
 * @returns {MapFold[]}
 */
export const foldsOf = ({ folds, layers }, open) =>
  folds.map(([first, last], fold) => {
    const isOpen = open.has(fold);
    const name = `${layers[first][0]}–${layers[last][0]}`;
    const about = `${plural(last - first + 1, "layer")} without a component of any claim`;
    const state = isOpen ? "unfolded; click to fold" : "folded; click to unfold";
    return { fold, isOpen, name, about, state, claims: [] };
  });

/**
 * The layout in which runs of layers are one thin row, but for those that are open. Each layer
 * keeps its strip of it, so that its heat does.
 * @param {MapLayout} layout
 * @param {MapPicture} picture
 * @param {ReadonlySet<number>} open
 * @returns {MapLayout}
 */
export function foldedLayout(layout, { folds, layers }, open) {
  const heights = layout.rows.map(([, height]) => height);
  for (const [fold, [first, last]] of folds.entries()) {
    const [low, high] = [layers[first][1], layers[last][2]];
    const height = open.has(fold) ? OPEN : CLOSED / (high - low + 1);
    heights.fill(height, low, high + 1);
  }
  /** @type {number[]} How far each row is moved by those above it, from the lowest row up. */
  const moved = [];
  let shift = 0;
  for (let row = heights.length - 1; row >= 0; row -= 1) {
    moved[row] = shift;
    shift += heights[row] - layout.rows[row][1];
  }
  const rowAt = (/** @type {number} */ y) =>
    layout.rows.findIndex(([top, height]) => y >= top && y <= top + height);
  return {
    ...layout,
    height: layout.height + shift,
    rows: layout.rows.map(([top], row) => [top + moved[row], heights[row]]),
    at: layout.at.map(([x, y]) => [x, y + moved[rowAt(y)]]),
  };
}

/**
 * What is seen of a run: a frame with its name where it is folded, and around its layers where not.
 * @param {MapFold} one
 * @param {number} number
 * @param {MapPicture} picture
 * @param {MapLayout} layout
 */
export function foldParts(one, number, picture, layout) {
  const { isOpen, name } = one;
  const { x, y, width, height } = foldBox(one, picture, layout);
  const label = isOpen
    ? svg("text", { class: "folded", x: x + width - 12, y: y + 13 }, "▾")
    : svg("text", { class: "folded", x: x + 2, y: y + height / 2 + 4 }, `▸ ${name}`);
  const look = { class: "drawn fold", "data-item": number };
  return svg("g", look, svg("rect", { x, y, width, height, rx: 4 }), label);
}

/**
 * Where a run stands.
 * @param {MapFold} one
 * @param {MapPicture} picture
 * @param {MapLayout} layout
 */
export function foldBox({ fold, isOpen }, { folds, layers }, { rows, width }) {
  const [first, last] = folds[fold];
  const y = rows[layers[last][2]][0];
  const [top, height] = rows[layers[first][1]];
  const x = isOpen ? PAST_NAMES : LEFT;
  return { x, y, width: width - x - LEFT, height: top + height - y };
}
