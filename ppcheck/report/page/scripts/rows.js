// @ts-check
/** @import { Listed } from "./data.d.ts" */
import { el, find } from "./dom.js";
import { emptied } from "./filters.js";
import { plural } from "./numbers.js";
import { forget } from "./plots.js";

/**
 * What a table is made of: its claims, those that its filters leave in the order wanted, rows of a
 * claim below the one before it, what unfolds, and how filters are put back.
 * @template {Listed} C
 * @typedef {{
 *   body: HTMLElement,
 *   atOnce: number,
 *   claims: C[],
 *   chosen: () => C[],
 *   rowsOf: (claim: C, isOpen: boolean, before: C | undefined) => Element[],
 *   detailsOf: (claim: C) => Element,
 *   reset: () => void,
 * }} Parts
 */

/**
 * A table of claims, drawn as the reader comes to them.
 * @template {Listed} C
 */
export class Rows {
  /** @type {C[]} */
  #listed = [];
  #drawn = 0;
  /** @type {Set<number>} */
  #open = new Set();
  #parts;
  #sentinel = find("#more");

  /** @param {Parts<C>} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  get body() {
    return this.#parts.body;
  }

  /** List the claims that the filters leave and draw the first rows. */
  list() {
    const { body, claims, chosen } = this.#parts;
    this.#listed = chosen();
    forget(body);
    body.replaceChildren();
    this.#drawn = 0;
    this.#draw();
    const all = plural(claims.length, "claim");
    const few = `${this.#listed.length.toLocaleString("en")} of ${all}`;
    find("#shown").textContent = this.#listed.length === claims.length ? all : few;
  }

  /** Draw every row that is listed, for the printer. */
  drawAll() {
    this.#draw(this.#listed.length);
  }

  #draw(count = this.#parts.atOnce) {
    const { body, rowsOf, detailsOf } = this.#parts;
    for (const claim of this.#listed.slice(this.#drawn, this.#drawn + count)) {
      const isOpen = this.#open.has(claim.number);
      body.append(...rowsOf(claim, isOpen, this.#listed[this.#drawn - 1]));
      if (isOpen) body.append(detailsOf(claim));
      this.#drawn += 1;
    }
    this.#sentinel.hidden = this.#drawn >= this.#listed.length;
  }

  /**
   * Unfold or fold a claim.
   * @param {number} number
   */
  toggle(number, open = !this.#open.has(number)) {
    if (open === this.#open.has(number)) return;
    const row = document.getElementById(`claim-${number}`);
    if (open) {
      this.#open.add(number);
      row?.after(this.#parts.detailsOf(this.#parts.claims[number]));
    } else {
      this.#open.delete(number);
      const details = document.getElementById(`details-${number}`);
      if (details) forget(details);
      details?.remove();
    }
    row?.classList.toggle("open", open);
    row?.querySelector(".unfold")?.setAttribute("aria-expanded", String(open));
  }

  /**
   * Unfold a claim wherever it is, without filters that hide it, and go there.
   * @param {number} number
   */
  goTo(number) {
    if (!this.#listed.some((claim) => claim.number === number)) this.#unfilter();
    const place = this.#listed.findIndex((claim) => claim.number === number);
    if (place >= this.#drawn) this.#draw(place + 1 - this.#drawn + 10);
    this.toggle(number, true);
    const row = find(`#claim-${number}`);
    row.scrollIntoView({ block: "start" });
    find(".unfold", row).focus({ preventScroll: true });
  }

  #unfilter() {
    this.#parts.reset();
    emptied();
    this.list();
  }

  /**
   * Go to the row's button before or after the one in focus.
   * @param {Element} from
   * @param {number} by
   */
  step(from, by) {
    /** @type {NodeListOf<HTMLElement>} */
    const found = this.body.querySelectorAll("tr.claim .unfold");
    const buttons = [...found];
    const place = buttons.indexOf(/** @type {HTMLElement} */ (from)) + by;
    if (place >= buttons.length && this.#drawn < this.#listed.length) {
      this.#draw();
      this.step(from, by);
      return;
    }
    const next = buttons[Math.max(0, Math.min(place, buttons.length - 1))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  /** Draw further rows as the reader comes to them. */
  watch() {
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) this.#draw();
      },
      { rootMargin: "600px" },
    );
    observer.observe(this.#sentinel);
  }

  /** Go to the claim that the address names, now and whenever it names another. */
  followHash() {
    const follow = () => {
      const named = decodeURIComponent(location.hash);
      const number = this.#parts.claims.findIndex(({ spec, id }) => named === `#${spec}::${id}`);
      if (number >= 0) this.goTo(number);
    };
    window.addEventListener("hashchange", follow);
    follow();
  }
}

/**
 * The button that unfolds a claim.
 * @param {Listed} claim
 * @param {boolean} isOpen
 */
export const unfolding = ({ number, id }, isOpen) =>
  el(
    "button",
    {
      type: "button",
      class: "unfold text",
      "aria-expanded": String(isOpen),
      "aria-controls": `details-${number}`,
    },
    id,
  );

/**
 * The row that unfolds below a claim.
 * @param {Listed} claim
 * @param {string} state
 * @param {number} width
 * @param {Element} panel
 */
export const detailsRow = ({ number }, state, width, panel) =>
  el(
    "tr",
    { class: "details", id: `details-${number}`, "data-state": state },
    el("td", { colspan: width }, panel),
  );
