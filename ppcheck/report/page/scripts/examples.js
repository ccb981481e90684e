// @ts-check
/** @import { Interval, SeparationPicture, Strip } from "./data.d.ts" */
import { hue, translucent } from "./colours.js";
import { colour } from "./dom.js";
import { distinct, extent, isNumber, rangeInWords } from "./numbers.js";
import { axis, figure, plain } from "./plots.js";

/**
 * Where few values occur at all, how often each does.
 * @param {string} name
 * @param {number[]} values
 */
function counted(name, values) {
  const x = distinct(values);
  /** @param {number} value */
  const share = (value) => values.filter((other) => other === value).length / values.length;
  const gaps = x.slice(1).map((value, n) => value - x[n]);
  return {
    type: "bar",
    x,
    y: x.map(share),
    width: Math.min(...gaps, Math.abs(x[0]) || 1) * 0.12,
    name: plain(name),
    marker: { color: hue(0) },
    text: x.map((value) => `${(100 * share(value)).toFixed(0)} %`),
    textposition: "auto",
    hovertemplate: "%{x}: %{text} of examples<extra></extra>",
  };
}

/**
 * @param {string} name
 * @param {number[]} values
 * @param {string} own
 */
const cloud = (name, values, own) => ({
  x: values,
  name: plain(name),
  type: distinct(values).length > 8 ? "violin" : "box",
  orientation: "h",
  points: "all",
  boxpoints: "all",
  jitter: 0.5,
  pointpos: -1.1,
  side: "positive",
  spanmode: "hard",
  width: 0.9,
  marker: { size: 4, opacity: 0.6, color: own },
  line: { color: own, width: 1.5 },
  fillcolor: translucent(own),
  meanline: { visible: true },
  hovertemplate: "%{x:.3g}<extra></extra>",
});

/**
 * The activations of groups of prompts, one below the other.
 * @param {SeparationPicture} picture
 */
export function separation({ title, groups }) {
  const rows = groups.flatMap(({ name, values }) => values.map((value) => [name, value]));
  return figure({
    title,
    summary: groups.map(({ name, values }) => `${name}: ${rangeInWords(values)}`).join(". "),
    table: { head: ["group", "activation"], rows },
    plot: () => ({
      data: groups.map(({ name, values }, n) => cloud(name, values, hue(n))),
      layout: {
        height: groups.length * 84 + 70,
        showlegend: false,
        xaxis: axis({ title: { text: "activation" } }),
        yaxis: axis({ type: "category", showgrid: false }),
      },
    }),
  });
}

/**
 * Every example of a statistic, against what is expected of their mean.
 * @param {Strip} shown
 * @param {Interval} [statistic]
 */
export function strip({ name, values, of }, statistic) {
  const thinned = `${values.length} of ${of.toLocaleString("en")} examples, evenly by rank`;
  return figure({
    title: `${name}, example by example`,
    note: of > values.length ? thinned : `${of} examples`,
    summary: rangeInWords(values),
    wide: true,
    table: { head: ["rank", name], rows: values.map((value, n) => [n + 1, value]) },
    plot: () => ({
      data: [distinct(values).length > 8 ? cloud(name, values, hue(0)) : counted(name, values)],
      layout: {
        height: 210,
        margin: { l: 20, r: 20, t: 12, b: 30 },
        showlegend: false,
        xaxis: axis({ zeroline: true }),
        yaxis: axis({ showticklabels: false, showgrid: false, zeroline: false }),
        shapes: uprights(values, statistic),
      },
    }),
  });
}

/**
 * The estimate and the edges of its bound. A statistic that lies outside its examples is no mean
 * of them, a correlation say: its bound has another scale.
 * @param {number[]} values
 * @param {Interval} [statistic]
 */
function uprights(values, statistic) {
  const estimate = statistic?.estimate;
  const [least, most] = extent(values);
  const slack = 1e-3 * (most - least || Math.abs(most) || 1);
  if (!isNumber(estimate) || estimate < least - slack || estimate > most + slack) return [];
  const edges = [...(statistic?.bound ?? [])].filter(isNumber);
  return [
    ...edges.map((edge) => upright(edge, { color: colour("edge"), width: 2 })),
    upright(estimate, { color: colour("ink"), width: 1.5, dash: "dot" }),
  ];
}

/**
 * @param {number} x
 * @param {object} line
 */
const upright = (x, line) => ({ type: "line", yref: "paper", y0: 0, y1: 1, x0: x, x1: x, line });
