// @ts-check
/** @import { Interval } from "./data.d.ts" */
import { svg } from "./dom.js";
import { isNumber, short } from "./numbers.js";

/**
 * What an axis must show: estimate, finite ends, and the edges of the bound.
 * @param {Interval[]} intervals
 * @returns {[number, number]}
 */
export function domain(intervals) {
  const numbers = intervals
    .flatMap(({ estimate, low, high, bound }) => [estimate, low, high, ...(bound ?? [])])
    .filter(isNumber);
  if (!numbers.length) return [0, 1];
  const least = Math.min(...numbers);
  const most = Math.max(...numbers);
  const margin = (most - least || Math.abs(most) || 1) * 0.14;
  return [least - margin, most + margin];
}

/**
 * An interval against its bound, drawn; the text beside it says the same.
 * @param {Interval} shown
 * @param {{ width?: number, height?: number, scale?: [number, number], edges?: boolean }} [of]
 */
export function drawnInterval(shown, of = {}) {
  const { width = 230, height = 16, scale = domain([shown]), edges = false } = of;
  const [from, to] = scale;
  /** @param {number} value */
  const x = (value) => ((value - from) / (to - from)) * width;
  const middle = height / 2;
  const parts = [
    svg("line", { class: "axis", x1: 0, x2: width, y1: middle, y2: middle }),
    ...drawnBound(shown.bound, x, { width, height, edges }),
  ];
  if (from < 0 && to > 0) {
    parts.push(svg("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: height }));
  }
  parts.push(...drawnRange(shown, x, width, middle));
  const total = height + (edges ? 14 : 2);
  const viewBox = `0 -1 ${width} ${total}`;
  const attributes = { class: "interval", width, height: total, viewBox, "aria-hidden": "true" };
  return svg("svg", attributes, parts);
}

/**
 * @param {Interval["bound"]} bound
 * @param {(value: number) => number} x
 * @param {{ width: number, height: number, edges: boolean }} of
 * @returns {SVGElement[]}
 */
function drawnBound(bound, x, { width, height, edges }) {
  if (!bound) return [];
  const start = isNumber(bound[0]) ? x(bound[0]) : 0;
  const end = isNumber(bound[1]) ? x(bound[1]) : width;
  const band = { class: "band", x: start, y: 0, width: Math.max(end - start, 1.5), height };
  const finite = [...new Set(bound.filter(isNumber))];
  const isClose = finite.length === 2 && end - start < 56;
  /** @type {(edge: number, n: number) => SVGElement} */
  const label = (edge, n) =>
    svg(
      "text",
      {
        x: x(edge),
        y: height + 11,
        "text-anchor": isClose ? ["end", "start"][n] : "middle",
        "font-size": 9.5,
        fill: "currentColor",
        opacity: 0.75,
      },
      short(edge),
    );
  const lines = finite.flatMap((edge, n) => [
    svg("line", { class: "edge", x1: x(edge), x2: x(edge), y1: -1, y2: height + 1 }),
    ...(edges ? [label(edge, n)] : []),
  ]);
  return [svg("rect", band), ...lines];
}

/**
 * The range with its point; an end that is infinite has an arrow.
 * @param {Interval} shown
 * @param {(value: number) => number} x
 * @param {number} width
 * @param {number} middle
 * @returns {SVGElement[]}
 */
function drawnRange({ estimate, low, high }, x, width, middle) {
  const left = isNumber(low) ? x(low) : 0;
  const right = isNumber(high) ? x(high) : width;
  /** @type {SVGElement[]} */
  const parts = [svg("line", { class: "range", x1: left, x2: right, y1: middle, y2: middle })];
  if (!isNumber(low)) parts.push(svg("path", { class: "cap", d: `M0 ${middle} l7 -4 v8 z` }));
  if (!isNumber(high)) {
    parts.push(svg("path", { class: "cap", d: `M${width} ${middle} l-7 -4 v8 z` }));
  }
  if (isNumber(estimate)) {
    parts.push(svg("circle", { class: "dot", cx: x(estimate), cy: middle, r: 4.2 }));
  }
  return parts;
}
