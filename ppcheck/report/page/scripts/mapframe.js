// @ts-check
/** @import { MapFold, MapLayout, MapPicture } from "./data.d.ts" */
import { svg } from "./dom.js";
import { foldParts } from "./mapfolds.js";

const LONGEST = 16;
const ROOMY = 30;
const EDGE = 6;

/**
 * What lies under a map: layers and their names, and those that are folded; tokens and their names.
 * @param {MapPicture} picture
 * @param {MapLayout} layout
 * @param {MapFold[]} folds
 */
export function frame(picture, layout, folds) {
  const { layers, columns, nodes, arrows } = picture;
  const foldOf = (/** @type {number} */ n) =>
    folds.find(({ fold }) => picture.folds[fold][0] <= n && n <= picture.folds[fold][1]);
  const lines = layers.map(([name, low, high], n) => {
    const within = foldOf(n);
    if (within && !within.isOpen) return null;
    const [top, bottom] = band(low, high, layout);
    const isNamed = within || bottom - top >= ROOMY || n === 0 || n === layers.length - 1;
    return svg(
      "g",
      {},
      svg("path", { class: "between", d: `M26 ${bottom}H${layout.width - EDGE}` }),
      isNamed ? svg("text", { class: "layer", x: 22, y: (top + bottom) / 2 + 4 }, name) : null,
    );
  });
  const names = columns.map((name, n) => {
    const [left, width] = layout.columns[n];
    const text = name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name;
    return svg("text", { class: "column", x: left + width / 2, y: layout.height - 8 }, text);
  });
  const first = nodes.length + arrows.length;
  const runs = folds.map((one, n) => foldParts(one, first + n, picture, layout));
  return svg("g", { "aria-hidden": "true" }, runs, lines, names);
}

/**
 * How much of the effect the residual stream carries at a token in a layer.
 * @param {MapPicture} picture
 * @param {MapLayout} layout
 */
export function heat({ heat: shares, layers }, layout) {
  const lanes = shares.map(([column, layer, share]) => {
    const [left, width] = layout.columns[column];
    const [, low, high] = layers[layer];
    const [y, bottom] = band(low, high, layout);
    const opacity = (0.03 + 0.22 * share).toFixed(3);
    const size = { x: left - EDGE, y, width: width + 2 * EDGE, height: bottom - y };
    return svg("rect", { ...size, style: `fill-opacity: ${opacity}` });
  });
  return svg("g", { class: "heat", "aria-hidden": "true" }, lanes);
}

/**
 * Top and bottom of a layer.
 * @param {number} low
 * @param {number} high
 * @param {MapLayout} layout
 */
function band(low, high, { rows }) {
  return [rows[high][0], rows[low][0] + rows[low][1]];
}
