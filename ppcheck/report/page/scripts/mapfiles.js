// @ts-check
import { colour, save, svg } from "./dom.js";

const KEPT = [
  ...["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "opacity"],
  ...["stroke-opacity", "stroke-linejoin", "paint-order"],
  ...["font-family", "font-size", "font-weight", "text-anchor"],
];
const SHARP = 3;

/**
 * The picture by itself, with the colours that it has on the page.
 * @param {SVGSVGElement} picture
 */
function alone(picture) {
  const copy = /** @type {SVGSVGElement} */ (picture.cloneNode(true));
  const originals = [...picture.querySelectorAll("*")];
  for (const [n, node] of [...copy.querySelectorAll("*")].entries()) {
    const style = getComputedStyle(originals[n]);
    const kept = KEPT.map((name) => `${name}: ${style.getPropertyValue(name)}`).join("; ");
    node.setAttribute("style", kept);
    node.removeAttribute("tabindex");
  }
  for (const unseen of copy.querySelectorAll(".reach, .spot")) unseen.remove();
  const { width, height } = picture.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  copy.prepend(svg("rect", { width, height, style: `fill: ${colour("card")}` }));
  return new XMLSerializer().serializeToString(copy);
}

/**
 * @param {string} name
 * @param {SVGSVGElement} picture
 */
export const saveSvg = (name, picture) => save(`${name}.svg`, alone(picture), "image/svg+xml");

/**
 * @param {string} name
 * @param {SVGSVGElement} picture
 */
export async function savePng(name, picture) {
  const { width, height } = picture.viewBox.baseVal;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(alone(picture))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width * SHARP;
  canvas.height = height * SHARP;
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => blob && save(`${name}.png`, blob, "image/png"));
}
