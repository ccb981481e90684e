// @ts-check
import { colour } from "./dom.js";

/**
 * After Okabe and Ito: distinct under every kind of colour vision.
 * @param {number} n
 */
export const hue = (n) => colour(`hue-${n % 6}`);

/** @param {number} value */
export const hueBySign = (value) => hue(value < 0 ? 1 : 0);

/** @param {string} rgb */
export const translucent = (rgb) => rgb.replace("rgb(", "rgba(").replace(")", ", 0.2)");

/**
 * Blue for more and orange for less, through the colour of the card where there is nothing.
 * @param {number} least
 * @param {number} most
 */
export function shades(least, most) {
  const reach = Math.max(Math.abs(least), Math.abs(most)) || 1;
  const none = colour("card");
  const up = [colour("more"), colour("most")];
  if (least >= -0.05 * reach) {
    const colorscale = [
      [0, none],
      [0.5, up[0]],
      [1, up[1]],
    ];
    return { colorscale, zmin: 0, zmax: reach };
  }
  const down = [
    [0, colour("least")],
    [0.25, colour("less")],
  ];
  const colorscale = [...down, [0.5, none], [0.75, up[0]], [1, up[1]]];
  return { colorscale, zmin: -reach, zmax: reach };
}
