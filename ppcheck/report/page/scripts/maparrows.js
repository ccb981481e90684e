// @ts-check
/** @import { MapArrow, MapLayout, MapPicture } from "./data.d.ts" */
import { svg } from "./dom.js";
import { foot, RADIUS, RAISED } from "./mapshapes.js";

const TIP = 7;
const GAP_LANES = 4;
const GAP_STEP = 4;
const BOW = 34;
const ASIDE = 44;

/**
 * A line, its end, whether it comes from above, and the token that is read at its start.
 * @typedef {{ d: string, x: number, y: number, isDown?: boolean, read?: [number, number] }} Route
 */

/**
 * What an arrow is drawn of: a line, its end, and a broad one around them to point at.
 * @param {MapArrow} arrow
 * @param {Route} route
 */
export function arrowParts(arrow, { d, x, y, isDown, read }) {
  const up = isDown ? -TIP : TIP;
  const tip = arrow.denies ? `M${x - 6} ${y}h12` : `M${x} ${y}l-4.5 ${up}h9z`;
  return [
    svg("path", { class: "reach", d }),
    svg("path", { class: "line", d }),
    svg("path", { class: arrow.denies ? "bar" : "tip", d: tip }),
    read ? svg("circle", { class: "read", cx: read[0], cy: read[1], r: 3 }) : null,
  ];
}

/**
 * Where an arrow runs.
 * @param {MapArrow} arrow
 * @param {number} number
 * @param {MapPicture} picture
 * @param {MapLayout} layout
 * @returns {Route}
 */
export function routeOf(arrow, number, { nodes }, layout) {
  const [x, middle] = layout.at[arrow.head];
  const end = middle + foot(nodes[arrow.head]);
  const goal = arrow.denies ? end : end + TIP - 1;
  if (arrow.token) return looking(arrow.token, number, [x, end, goal], layout);
  const [fromX, fromY] = layout.at[arrow.tail ?? arrow.head];
  const start = fromY + RAISED - RADIUS - 1;
  if (arrow.kind === "moved") return moving(fromX, start, x, middle + RAISED - RADIUS - 3);
  const rise = start - end;
  const pull = Math.max(14, Math.min(rise * 0.5, 90));
  const isPast = Math.abs(fromX - x) < 30 && rise > 80;
  const bow = isPast ? BOW * (number % 2 ? 1 : -1) : 0;
  const bend = `${fromX + bow} ${start - pull} ${x + bow} ${goal + pull}`;
  return { d: `M${fromX} ${start}C${bend} ${x} ${goal}`, x, y: end };
}

/**
 * From the token that is read along the gap below a row, and up to the head that reads it.
 * @param {[number, number]} token
 * @param {number} number
 * @param {[number, number, number]} ends
 * @param {MapLayout} layout
 * @returns {Route}
 */
function looking([row, column], number, [x, end, goal], { rows, columns }) {
  const [top, height] = rows[row];
  const [left, width] = columns[column];
  const fromX = left + width / 2;
  const y = top + height - 3 - GAP_STEP * (number % GAP_LANES);
  const side = Math.sign(x - fromX);
  const turn = Math.min(8, Math.abs(x - fromX));
  const d = `M${fromX} ${y}H${x - side * turn}Q${x} ${y} ${x} ${goal}`;
  return { d, x, y: end, read: [fromX, y] };
}

/**
 * Over the top from the old place to the new, or round the side to one below or above it.
 * @param {number} fromX
 * @param {number} start
 * @param {number} x
 * @param {number} end
 * @returns {Route}
 */
function moving(fromX, start, x, end) {
  const height = Math.min(start, end) - 20;
  const isBelow = Math.abs(fromX - x) < RADIUS;
  const over = `${fromX} ${height} ${x} ${height}`;
  const bend = isBelow ? `${fromX + ASIDE} ${start} ${x + ASIDE} ${end - TIP}` : over;
  const d = `M${fromX} ${start - 5}C${bend} ${x} ${end - TIP + 1}`;
  return { d, x, y: end, isDown: true };
}
