// @ts-check
/** @import { Table } from "./dom.js" */
import { button, colour, csv, el, find, save, tableOf } from "./dom.js";

/**
 * @typedef {{ data: object[], layout: object }} Plot
 * @typedef {(width: number) => Plot} Drawer
 * @typedef {{
 *   title: string, note?: string, summary?: string, table: Table, plot?: Drawer,
 *   width?: number, wide?: boolean, body?: HTMLElement,
 * }} Figure
 */

/** @type {Promise<Window["Plotly"]> | null} */
let loading = null;

/** Plotly, unpacked when the first plot is drawn: its five megabytes cost nothing before. */
function plotly() {
  loading ??= unpacked();
  return loading;
}

async function unpacked() {
  const text = atob(find("#plotly").textContent ?? "");
  const packed = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  document.head.append(el("script", {}, await new Response(stream).text()));
  return window.Plotly;
}

/**
 * Plotly reads some markup in its texts; this leaves none.
 * @param {unknown} text
 */
export const plain = (text) =>
  String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** @type {Map<HTMLElement, Drawer>} */
const drawn = new Map();

const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      draw(/** @type {HTMLElement} */ (target));
    }
  },
  { rootMargin: "200px" },
);

/** @param {HTMLElement} node */
async function draw(node) {
  const library = await plotly();
  const plot = drawn.get(node);
  if (!node.isConnected || !plot) return;
  const { data, layout } = plot(node.clientWidth);
  await library.react(
    node,
    data,
    { ...base(), ...layout },
    {
      displaylogo: false,
      responsive: true,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    },
  );
  node.dataset.drawn = "";
}

function base() {
  const ink = colour("ink");
  return {
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 56, r: 16, t: 12, b: 44 },
    height: 300,
    hovermode: "closest",
    hoverlabel: { bgcolor: colour("card"), bordercolor: colour("line"), font: { color: ink } },
    modebar: {
      bgcolor: "rgba(0,0,0,0)",
      color: colour("soft"),
      activecolor: colour("accent"),
    },
  };
}

/** @param {object} [more] */
export const axis = (more = {}) => ({
  gridcolor: colour("line"),
  zerolinecolor: colour("soft"),
  linecolor: colour("line"),
  automargin: true,
  ...more,
});

/**
 * Where a plot is drawn when it comes into view.
 * @param {string} label
 * @param {Drawer} [plot]
 * @param {string | null} [style]
 */
export function placeOf(label, plot, style) {
  const place = el("div", { class: "plot", role: "img", "aria-label": label, style });
  if (plot) {
    drawn.set(place, plot);
    watcher.observe(place);
  }
  return place;
}

/**
 * A plot that is drawn when it comes into view, with its data as a table and as CSV.
 * @param {Figure} shown
 */
export function figure({ title, note, summary, table, plot, width, wide, body }) {
  const figures = tableOf(table);
  figures.hidden = true;
  const style = width ? `max-width: ${width}px` : null;
  const place = body ?? placeOf(`${title}. ${summary}`, plot, style);
  const toggle = button(
    "Table",
    () => {
      figures.hidden = !figures.hidden;
      toggle.setAttribute("aria-expanded", String(!figures.hidden));
    },
    { class: "quiet tiny", "aria-expanded": "false", "aria-label": `Table of ${title}` },
  );
  const download = button(
    "CSV",
    () => save(`${title}.csv`, csv([table.head, ...table.rows]), "text/csv"),
    { class: "quiet tiny", "aria-label": `Download ${title} as CSV` },
  );
  return el(
    "figure",
    { class: wide ? "wide" : null },
    el("figcaption", {}, el("span", { class: "text" }, title), toggle, download),
    place,
    note ? el("p", { class: "note" }, note) : null,
    figures,
  );
}

/** Draw again in the theme's colours, and as wide as there is room. */
export function redraw() {
  for (const node of drawn.keys()) {
    if (!node.isConnected) drawn.delete(node);
    else if ("drawn" in node.dataset) draw(node);
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let resizing;
window.addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(redraw, 150);
});

/**
 * Let go of the plots below a node that leaves the page.
 * @param {Element} node
 */
export function forget(node) {
  for (const plot of node.querySelectorAll(".plot")) {
    if (!(plot instanceof HTMLElement)) continue;
    watcher.unobserve(plot);
    drawn.delete(plot);
    if ("drawn" in plot.dataset) window.Plotly.purge(plot);
  }
}
