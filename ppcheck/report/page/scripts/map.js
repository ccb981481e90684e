// @ts-check
/** @import { MapArrow, MapLayout, MapNode, MapPicture } from "./data.d.ts" */
/** @import { Known } from "./mapnotes.js" */
import { button, el, find, svg } from "./dom.js";
import { arrowParts } from "./maparrows.js";
import { savePng, saveSvg } from "./mapfiles.js";
import { frame, heat } from "./mapframe.js";
import { legendOf } from "./maplegend.js";
import { sentenceOf } from "./mapnotes.js";
import { Pointing } from "./mappointing.js";
import { component } from "./mapshapes.js";
import { plural } from "./numbers.js";

/**
 * The map at the head of the page: one picture at a time, drawn as wide as there is room.
 * @param {MapPicture[]} pictures
 * @param {Known} known
 * @param {(number: number) => void} goTo
 */
export function theMap(pictures, known, goTo) {
  const section = find("#map");
  if (!pictures.length) return;
  const stage = find(".stage", section);
  const sheet = el("div", { class: "sheet" });
  const pointing = new Pointing(stage, known, goTo);
  let shown = pictures[0];
  /** @type {MapLayout | null} */
  let laid = null;

  const draw = () => {
    laid = fitting(shown.layouts, sheet.clientWidth);
    sheet.replaceChildren(drawing(shown, laid, known));
    pointing.watch(shown, sheet);
  };
  /** @param {MapPicture} picture */
  const show = (picture) => {
    shown = picture;
    find(".title", section).textContent = `: ${picture.title}`;
    find(".legend", section).replaceChildren(...legend());
    draw();
  };
  const legend = () => legendOf(shown, known.marks).filter((one) => one !== null);

  section.hidden = false;
  stage.append(sheet);
  find(".tools", section).append(...mapTools(pictures, show, sheet, () => shown.title));
  show(shown);
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
 * @param {MapPicture[]} pictures
 * @param {(picture: MapPicture) => void} show
 * @param {HTMLElement} sheet
 * @param {() => string} title
 */
function mapTools(pictures, show, sheet, title) {
  const picture = () => /** @type {SVGSVGElement} */ (sheet.querySelector("svg"));
  const select = el(
    "select",
    { "aria-label": "Picture", change: () => show(pictures[Number(select.value)]) },
    pictures.map((one, n) => el("option", { value: n }, one.title)),
  );
  return [
    ...(pictures.length > 1 ? [select] : []),
    button("SVG", () => saveSvg(title(), picture()), { "aria-label": "Download the map as SVG" }),
    button("PNG", () => savePng(title(), picture()), { "aria-label": "Download the map as PNG" }),
  ];
}

/**
 * @param {MapPicture} picture
 * @param {MapLayout} layout
 * @param {Known} known
 */
function drawing(picture, layout, known) {
  const { nodes, arrows, title } = picture;
  const { width, height } = layout;
  const counts = `${plural(nodes.length, "component")}, ${plural(arrows.length, "arrow")}`;
  const order = [
    ...nodes.map((_, n) => `map-node-${n}`),
    ...arrows.map((_, n) => `map-arrow-${n}`),
  ];
  const list = { role: "list", "aria-label": `${title}: ${counts}`, "aria-owns": order.join(" ") };
  return svg(
    "svg",
    {
      class: picture.crowded ? "map crowded" : "map",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "group",
      "aria-label": `The map of ${title}`,
    },
    heat(picture, layout),
    frame(picture, layout),
    svg(
      "g",
      list,
      arrows.map((arrow, n) => {
        const parts = arrowParts(arrow, n, picture, layout);
        return item(`map-arrow-${n}`, arrow, `arrow ${arrow.kind}`, known, parts);
      }),
      nodes.map((node, n) => {
        const mark = known.marks[node.state] ?? node.change.charAt(0);
        const place = { transform: `translate(${layout.at[n].join(" ")})` };
        return item(
          `map-node-${n}`,
          node,
          `node ${node.shape}`,
          known,
          component(node, mark),
          place,
        );
      }),
    ),
  );
}

/**
 * @param {string} id
 * @param {MapNode | MapArrow} one
 * @param {string} kind
 * @param {Known} known
 * @param {(Element | null)[]} parts
 * @param {{ transform?: string }} [place]
 */
function item(id, one, kind, known, parts, place = {}) {
  const looks = ["denies", "minor", "hollow"].filter((name) => Reflect.get(one, name));
  const label = sentenceOf(one, known);
  const attributes = { role: "button", tabindex: -1, "aria-label": label };
  return svg(
    "g",
    { role: "listitem", id, ...place },
    svg(
      "g",
      { class: ["item", kind, ...looks].join(" "), "data-state": one.state, ...attributes },
      parts,
    ),
  );
}
