// @ts-check
/** @import { Listed } from "./data.d.ts" */
/** @import { Rows } from "./rows.js" */
import { find } from "./dom.js";

/**
 * Rows unfold by a click and by keys.
 * @template {Listed} C
 * @param {Rows<C>} rows
 */
export function keys(rows) {
  rows.body.addEventListener("click", ({ target }) => {
    /** @type {HTMLElement | null} */
    const row = /** @type {Element} */ (target).closest("tr.claim");
    if (row && !getSelection()?.toString()) rows.toggle(Number(row.dataset.number));
  });
  document.addEventListener("keydown", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.key === "/" && !target.matches("input, select, textarea")) {
      event.preventDefault();
      find("#search").focus();
    } else if (event.key === "ArrowDown" && target.matches("#search, .unfold")) {
      event.preventDefault();
      rows.step(target, 1);
    } else if (event.key === "ArrowUp" && target.matches(".unfold")) {
      event.preventDefault();
      rows.step(target, -1);
    } else if (event.key === "Escape") {
      fold(rows, target);
    }
  });
}

/**
 * Fold the claim in which the reader is, and go back to its button.
 * @template {Listed} C
 * @param {Rows<C>} rows
 * @param {Element} target
 */
function fold(rows, target) {
  const isWithin = target.closest("tr.details") || target.getAttribute("aria-expanded") === "true";
  if (!isWithin) return;
  const number = Number(target.closest("tr")?.id.split("-")[1]);
  rows.toggle(number, false);
  find(`#claim-${number} .unfold`).focus();
}
