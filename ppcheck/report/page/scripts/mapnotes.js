// @ts-check
/** @import { Claim, CitedClaim, MapArrow, MapFold, MapNode, Marks } from "./data.d.ts" */
import { button, el } from "./dom.js";

const MOST = 5;

/**
 * What is said of a claim.
 * @typedef {Pick<Claim, "id" | "verdict" | "measured" | "state"> & { became: string }} KnownClaim
 * @typedef {{ claim: (number: number) => KnownClaim, marks: Marks }} Known
 */

/** What can be pointed at in a map. @typedef {MapNode | MapArrow | MapFold} MapItem */

/** What it is, in words. @param {MapItem} item */
export const headOf = (item) =>
  "name" in item ? [item.name, item.about].filter(Boolean).join(", ") : item.about;

/**
 * A claim with its figure.
 * @param {CitedClaim} cited
 * @param {Known} known
 */
function lineOf([number, figure], { claim, marks }) {
  const { id, verdict, measured, became, state } = claim(number);
  const ending = became ? `; ${became}` : "";
  return { mark: marks[verdict], text: `${id}: ${figure || measured || verdict}${ending}`, state };
}

/**
 * All of it as one sentence, for screen readers.
 * @param {MapItem} item
 * @param {Known} known
 */
export function sentenceOf(item, known) {
  const lines = item.claims.slice(0, MOST).map((cited) => lineOf(cited, known).text);
  const more = item.claims.length - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  const isOld = "hollow" in item && item.hollow ? "was here before" : item.state;
  const head = [headOf(item), isOld].filter(Boolean).join(": ");
  return [head, lines.join("; ")].filter(Boolean).join(". ");
}

/**
 * What stands beside a component that is pointed at.
 * @param {MapItem} item
 * @param {Known} known
 */
export function noteOf(item, known) {
  const some = item.claims.slice(0, MOST);
  const more = item.claims.length - some.length;
  return [
    el("b", { class: "text" }, headOf(item)),
    "hollow" in item && item.hollow ? el("span", {}, "was here before") : null,
    "fold" in item ? el("span", { class: "soft" }, item.state) : null,
    el(
      "ul",
      {},
      some.map((cited) => {
        const { mark, text, state } = lineOf(cited, known);
        return el(
          "li",
          { "data-state": state },
          el("b", {}, mark),
          el("span", { class: "text" }, text),
        );
      }),
    ),
    more > 0 ? el("span", { class: "soft" }, `and ${more} more`) : null,
  ];
}

/**
 * All claims about it, each leading to its row.
 * @param {MapItem} item
 * @param {Known} known
 * @param {(number: number) => void} goTo
 */
export function listOf(item, known, goTo) {
  const lines = item.claims.map((cited) => {
    const { mark, text, state } = lineOf(cited, known);
    const leading = button(`${mark} ${text}`, () => goTo(cited[0]), { class: "quiet text" });
    return el("li", { "data-state": state }, leading);
  });
  return [el("b", { class: "text" }, headOf(item)), el("ul", {}, lines)];
}
