// @ts-check
/** @import { MapFold, MapLayout, MapPicture } from "./data.d.ts" */
/** @import { MapArrow, MapNode } from "./data.d.ts" */
/** @import { Known, MapItem } from "./mapnotes.js" */
import { button, el, find, svg } from "./dom.js";
import { arrowParts, routeOf } from "./maparrows.js";
import { savePng, saveSvg } from "./mapfiles.js";
import { foldBox, foldedLayout, foldsOf } from "./mapfolds.js";
import { frame, heat } from "./mapframe.js";
import { legendOf } from "./maplegend.js";
import { sentenceOf } from "./mapnotes.js";
import { Pointing } from "./mappointing.js";
import { component } from "./mapshapes.js";
import { plural } from "./numbers.js";

/** How much larger than laid out a small picture is drawn, and up to which height. */
const LARGEST = 1.4;
const TALLEST = 520;

/**
 * What a map is made of: the names of its pictures, each picture as it is now, what is known of
 * claims, where a click leads, and what else stands among its tools, given what draws it again.
 * @typedef {{
 *   titles: string[],
 *   pictureOf: (number: number) => MapPicture,
 *   known: Known,
 *   goTo: (number: number) => void,
 *   more?: (redraw: () => void) => Element[],
 * }} Mapped
 */

/**
 * The map at the head of the page: one picture at a time, drawn as wide as there is room.
 * @param {Mapped} mapped
 */
export function theMap({ titles, pictureOf, known, goTo, more }) {
  const section = find("#map");
  if (!titles.length) return;
  const stage = find(".stage", section);
  const sheet = el("div", { class: "sheet" });
  const pointing = new Pointing(stage, known, goTo, (fold) => {
    if (!open.delete(fold)) open.add(fold);
    draw();
  });
  const paper = matchMedia("print");
  /** The runs of layers that a reader unfolded. @type {Set<number>} */
  const open = new Set();
  let chosen = 0;
  let shown = pictureOf(chosen);
  /** @type {MapLayout | null} */
  let laid = null;

  const draw = (isFolded = paper.matches) => {
    const unfolded = isFolded ? new Set() : open;
    const folds = foldsOf(shown, unfolded);
    laid = fitting(shown.layouts, sheet.clientWidth);
    const layout = foldedLayout(laid, shown, unfolded);
    sheet.replaceChildren(drawing(shown, folds, layout, known, sheet.clientWidth));
    pointing.watch(shown, folds, sheet);
  };
  const kept = (/** @type {(title: string, picture: SVGSVGElement) => void} */ keep) => {
    draw(true);
    keep(shown.title, /** @type {SVGSVGElement} */ (sheet.querySelector("svg")));
    draw();
  };
  const show = () => {
    shown = pictureOf(chosen);
    find(".title", section).textContent = `: ${shown.title}`;
    find(".legend", section).replaceChildren(...legend());
    draw();
  };
  const choose = (/** @type {number} */ number) => {
    chosen = number;
    open.clear();
    show();
  };
  const legend = () => legendOf(shown, known.marks).filter((one) => one !== null);

  section.hidden = false;
  stage.append(sheet);
  const tools = mapTools(titles, choose, kept);
  find(".tools", section).append(...tools, ...(more?.(show) ?? []));
  show();
  paper.addEventListener("change", () => draw());
  new ResizeObserver(() => {
    if (laid !== fitting(shown.layouts, sheet.clientWidth)) draw();
  }).observe(sheet);
}

/**
 * The widest layout for which there is room, or the narrowest.
 * @param {MapLayout[]} layouts
 * @param {number} room
 */
const fitting = (layouts, room) =>
  layouts.find(({ width }) => width <= room) ?? layouts[layouts.length - 1];

/**
 * @param {string[]} titles
 * @param {(number: number) => void} choose
 * @param {(keep: (title: string, picture: SVGSVGElement) => void) => void} kept
 */
function mapTools(titles, choose, kept) {
  const select = el(
    "select",
    { "aria-label": "Picture", change: () => choose(Number(select.value)) },
    titles.map((one, n) => el("option", { value: n }, one)),
  );
  return [
    ...(titles.length > 1 ? [select] : []),
    button("SVG", () => kept(saveSvg), { "aria-label": "Download the map as SVG" }),
    button("PNG", () => kept(savePng), { "aria-label": "Download the map as PNG" }),
  ];
}

/**
 * The picture. Arrows lie under the components; in the list that is read out they come after them.
 * @param {MapPicture} picture
 * @param {MapFold[]} folds
 * @param {MapLayout} layout
 * @param {Known} known
 * @param {number} room
 */
function drawing(picture, folds, layout, known, room) {
  const { nodes, arrows, title, crowded, dense } = picture;
  const looks = [crowded ? "crowded" : "", dense ? "dense" : ""].filter(Boolean);
  const { width, height } = layout;
  const scale = Math.max(1, Math.min(LARGEST, room / width, TALLEST / height));
  const counts = `${plural(nodes.length, "component")}, ${plural(arrows.length, "arrow")}`;
  const drawn = nodes.map((node, n) => {
    const mark = known.marks[node.state] ?? node.change.charAt(0);
    const attributes = { ...lookOf(node, n, `node ${node.shape} item`), ...spoken(node, known) };
    const place = { transform: `translate(${layout.at[n].join(" ")})` };
    return svg("g", { role: "listitem", ...place }, svg("g", attributes, component(node, mark)));
  });
  const routes = arrows.map((arrow, n) => routeOf(arrow, n, picture, layout));
  const spots = arrows.map((arrow, n) => {
    const attributes = { class: "item", "data-item": nodes.length + n, ...spoken(arrow, known) };
    const spot = svg("path", { class: "spot", d: routes[n].d });
    return svg("g", { role: "listitem" }, svg("g", attributes, spot));
  });
  return svg(
    "svg",
    {
      class: ["map", ...looks].join(" "),
      viewBox: `0 0 ${width} ${height}`,
      width: width * scale,
      height: height * scale,
      role: "group",
      "aria-label": `The map of ${title}`,
    },
    heat(picture, layout),
    frame(picture, layout, folds),
    svg(
      "g",
      { "aria-hidden": "true" },
      arrows.map((arrow, n) => {
        const attributes = lookOf(arrow, nodes.length + n, `arrow by-${arrow.kind}`);
        return svg("g", attributes, arrowParts(arrow, routes[n]));
      }),
    ),
    svg(
      "g",
      { role: "list", "aria-label": `${title}: ${counts}` },
      drawn,
      spots,
      foldSpots(picture, folds, layout, known),
    ),
  );
}

/**
 * Where keys and screen readers find the layers that are folded; the mouse finds them in the frame.
 * @param {MapPicture} picture
 * @param {MapFold[]} folds
 * @param {MapLayout} layout
 * @param {Known} known
 */
const foldSpots = (picture, folds, layout, known) =>
  folds.map((one, n) => {
    const number = picture.nodes.length + picture.arrows.length + n;
    const expanded = { "aria-expanded": String(one.isOpen) };
    const look = { class: "item", "data-item": number, ...spoken(one, known), ...expanded };
    const spot = svg("rect", { class: "spot", ...foldBox(one, picture, layout) });
    return svg("g", { role: "listitem" }, svg("g", look, spot));
  });

/**
 * How a component or an arrow looks, and its number among all of them.
 * @param {MapNode | MapArrow} one
 * @param {number} number
 * @param {string} kind
 */
function lookOf(one, number, kind) {
  const looks = ["denies", "minor", "hollow"].filter((name) => Reflect.get(one, name));
  const names = ["drawn", kind, ...looks].join(" ");
  return { class: names, "data-item": number, "data-state": one.state };
}

/**
 * @param {MapItem} one
 * @param {Known} known
 */
const spoken = (one, known) => ({
  role: "button",
  tabindex: -1,
  "aria-label": sentenceOf(one, known),
});
