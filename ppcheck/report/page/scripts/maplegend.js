// @ts-check
/** @import { MapNode, MapPicture, Marks } from "./data.d.ts" */
import { el, svg } from "./dom.js";
import { sample } from "./mapshapes.js";

/** @type {Record<string, string>} */
const SHAPES = {
  head: "head",
  attention: "all heads of a layer",
  mlp: "MLP",
  neuron: "neuron",
  feature: "feature of a dictionary",
  stream: "residual stream",
  direction: "direction",
};

/** @type {Record<string, string>} */
const ARROWS = {
  attention: "looks at",
  path: "tells directly",
  moved: "moved",
};

/**
 * What the marks of a picture mean, of those that are in it.
 * @param {MapPicture} picture
 * @param {Marks} marks
 */
export function legendOf({ nodes, arrows, folds, heat, hidden, crowded }, marks) {
  const shapes = Object.keys(SHAPES).filter((name) => nodes.some(({ shape }) => shape === name));
  const kinds = Object.keys(ARROWS).filter((name) => arrows.some(({ kind }) => kind === name));
  const states = new Set([...nodes, ...arrows].map(({ state }) => state).filter(Boolean));
  const isDenied = [...nodes, ...arrows].some(({ denies }) => denies);
  const isFaded = crowded && [...nodes, ...arrows].some(({ minor }) => minor);
  return [
    ...shapes.map((name) => key(sample(name), SHAPES[name])),
    ...[...states].map((state) => stateKey(state, marks[state] ?? becameMark(state, nodes))),
    ...becameKeys(nodes, states),
    ...kinds.map((name) => key(lineSample(name), ARROWS[name])),
    isDenied
      ? key(lineSample("denied"), "unfilled, or with a bar: said to be next to nothing")
      : null,
    nodes.some(({ was }) => was)
      ? key(el("i", { class: "ring" }), "hollow: was here before")
      : null,
    heat.length ? key(el("i", { class: "shade" }), "share that the residual stream carries") : null,
    folds.length ? el("span", {}, foldsSay(heat.length > 0)) : null,
    isFaded ? el("span", {}, "What is named among many others is faint. ") : null,
    hidden ? el("span", {}, `${hidden.toLocaleString("en")} more are not drawn. `) : null,
  ];
}

/**
 * What a row that stands for several layers is.
 * @param {boolean} isShaded
 */
function foldsSay(isShaded) {
  const strip = isShaded ? ", each with a strip of its own for its share" : "";
  return `▸ stands for layers without a component of any claim${strip}; a click unfolds it. `;
}

/**
 * @param {Element} drawn
 * @param {string} text
 */
const key = (drawn, text) => el("span", { class: "key" }, drawn, ` ${text}`);

/**
 * What became of components, beyond their states.
 * @param {MapNode[]} nodes
 * @param {Set<string>} states
 */
const becameKeys = (nodes, states) =>
  [...new Set(nodes.map(({ change }) => change).filter(Boolean))]
    .filter((change) => !states.has(change.slice(2)))
    .map((change) => stateKey(change.slice(2), change.charAt(0)));

/**
 * The mark of what became of a component.
 * @param {string} state
 * @param {MapNode[]} nodes
 */
const becameMark = (state, nodes) =>
  nodes.find(({ change }) => change.endsWith(` ${state}`))?.change.charAt(0) ?? "";

/**
 * @param {string} state
 * @param {string} mark
 */
const stateKey = (state, mark) =>
  el(
    "span",
    { class: "key", "data-state": state },
    el("b", { "aria-hidden": "true" }, mark),
    ` ${state}`,
  );

/** @param {string} kind */
function lineSample(kind) {
  const end = kind === "denied" ? "M17 3v8" : "M23 7l-7 -4v8z";
  return svg(
    "svg",
    {
      class: `sample line by-${kind}`,
      viewBox: "0 0 24 14",
      width: 24,
      height: 14,
      "aria-hidden": "true",
    },
    svg("path", { d: "M2 7H17" }),
    kind === "attention" ? svg("circle", { cx: 3, cy: 7, r: 3 }) : null,
    svg("path", { class: "end", d: end }),
  );
}
