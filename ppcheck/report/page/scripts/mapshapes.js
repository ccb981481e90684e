// @ts-check
/** @import { MapNode } from "./data.d.ts" */
import { svg } from "./dom.js";

/** How far below the middle of its place a shape is centred, and how large it is. */
export const RAISED = -7;
export const RADIUS = 11;
const LABEL = 16;
const PILL = 24;

/**
 * Outlines around the origin; each kind of component has its own.
 * @type {Record<string, string>}
 */
const OUTLINES = {
  head: circle(0, 0, RADIUS),
  attention: circle(0, 0, RADIUS),
  mlp: "M-10 -10h20v20h-20z",
  neuron: "M0 -13L13 0L0 13L-13 0z",
  feature: "M-13 0L-6.5 -11h13L13 0L6.5 11h-13z",
  stream: "M-8 -8h16a8 8 0 0 1 0 16h-16a8 8 0 0 1 0 -16z",
  direction: "M0 -13L13 10L-13 10z",
  embed: "M-23 -10h46v20h-46z",
  logits: "M-23 -10h46v20h-46z",
};

/**
 * @param {number} x
 * @param {number} y
 * @param {number} r
 */
function circle(x, y, r) {
  return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
}

/** @param {MapNode} node */
export const isPlate = ({ shape }) => shape === "embed" || shape === "logits";

/**
 * How far below the middle of its place a component ends, its name included.
 * @param {MapNode} node
 */
export const foot = (node) => (isPlate(node) ? RAISED + PILL / 2 : LABEL + 6);

/**
 * A component around the middle of its place: its shape, the mark of its verdict, its name, and
 * what became of it.
 * @param {MapNode} node
 * @param {string} mark
 */
export function component(node, mark) {
  const { shape, label, change, was, hollow } = node;
  const place = { transform: `translate(0 ${RAISED})` };
  if (isPlate(node)) {
    return [
      svg("path", { class: "shape", d: OUTLINES[shape], ...place }),
      svg("text", { class: "name", y: RAISED + 4 }, label),
    ];
  }
  return [
    was && !hollow ? svg("path", { class: "was", d: circle(0, 0, RADIUS + 5), ...place }) : null,
    shape === "attention" ? stacked() : null,
    svg("path", { class: "shape", d: OUTLINES[shape] ?? OUTLINES.neuron, ...place }),
    hollow ? null : markOf(shape, mark),
    change ? badge(change) : null,
    svg("text", { class: "name", y: LABEL }, label),
  ];
}

/** Behind the shape of what stands for several heads. */
const stacked = () =>
  svg("path", { class: "shape", d: circle(0, 0, RADIUS), transform: `translate(4 ${RAISED - 3})` });

/**
 * @param {string} shape
 * @param {string} mark
 */
const markOf = (shape, mark) =>
  svg("text", { class: "mark", y: RAISED + (shape === "direction" ? 7 : 4.5) }, mark);

/** What became of it since the baseline, by its mark. @param {string} change */
const badge = (change) =>
  svg(
    "g",
    { class: "badge", "data-state": change.slice(2), transform: `translate(13 ${RAISED - 9})` },
    svg("path", { d: circle(0, 0, 7) }),
    svg("text", { y: 3.5 }, change[0]),
  );

/** A shape by itself, for the legend. @param {string} shape */
export const sample = (shape) =>
  svg(
    "svg",
    { class: "sample", viewBox: "-15 -15 30 30", width: 15, height: 15, "aria-hidden": "true" },
    shape === "attention" ? svg("path", { class: "shape", d: circle(4, -3, RADIUS - 1) }) : null,
    svg("path", { class: "shape", d: OUTLINES[shape] }),
  );
