// @ts-check
/** @import { MapFold, MapPicture } from "./data.d.ts" */
/** @import { Known, MapItem } from "./mapnotes.js" */
import { el, find } from "./dom.js";
import { headOf, listOf, noteOf } from "./mapnotes.js";

/** @type {Record<string, (at: number, count: number) => number>} */
const STEPS = {
  ArrowRight: (at) => at + 1,
  ArrowUp: (at) => at + 1,
  ArrowLeft: (at) => at - 1,
  ArrowDown: (at) => at - 1,
  Home: () => 0,
  End: (_, count) => count - 1,
};

/** What is pointed at in a map, by mouse or keys, is named; what it is linked to stands out. */
export class Pointing {
  #stage;
  #known;
  #goTo;
  #unfold;
  #note = el("div", { class: "note", hidden: true });
  #isPinned = false;
  #pinned = 0;
  /** @type {{ node: SVGGElement, drawn: Element, is: MapItem }[]} */
  #items = [];
  /** @type {MapPicture | null} */
  #picture = null;

  /**
   * @param {HTMLElement} stage
   * @param {Known} known
   * @param {(number: number) => void} goTo
   * @param {(fold: number) => void} unfold
   */
  constructor(stage, known, goTo, unfold) {
    this.#stage = stage;
    this.#known = known;
    this.#goTo = goTo;
    this.#unfold = unfold;
    stage.append(this.#note);
    stage.addEventListener("pointerover", (event) => this.#over(event));
    stage.addEventListener("pointerleave", () => this.#leave());
    stage.addEventListener("focusin", (event) => this.#over(event));
    stage.addEventListener("focusout", ({ relatedTarget }) => {
      const isOut = relatedTarget && !stage.contains(/** @type {Node} */ (relatedTarget));
      if (isOut) this.#hide();
      else this.#leave();
    });
    stage.addEventListener("click", (event) => this.#open(event));
    stage.addEventListener("keydown", (event) => this.#press(event));
    document.addEventListener("click", ({ target }) => {
      if (!stage.contains(/** @type {Node} */ (target))) this.#hide();
    });
  }

  /**
   * A picture that was drawn again; its components come first, then its arrows, then what is
   * folded.
   * @param {MapPicture} picture
   * @param {MapFold[]} folds
   * @param {HTMLElement} sheet
   */
  watch(picture, folds, sheet) {
    /** @type {NodeListOf<SVGGElement>} */
    const items = sheet.querySelectorAll(".item");
    const drawn = new Map(
      [...sheet.querySelectorAll(".drawn")].map((one) => [one.getAttribute("data-item"), one]),
    );
    const all = [...picture.nodes, ...picture.arrows, ...folds];
    this.#picture = picture;
    this.#items = [...items].map((node, n) => ({
      node,
      drawn: drawn.get(String(n)) ?? node,
      is: all[n],
    }));
    this.#items[0]?.node.setAttribute("tabindex", "0");
    this.#hide();
  }

  /** @param {Event} event */
  #at({ target }) {
    const found = /** @type {Element} */ (target).closest("[data-item]");
    return Number(found?.getAttribute("data-item") ?? -1);
  }

  /** @param {Event} event */
  #over(event) {
    if (this.#isPinned) return;
    const at = this.#at(event);
    if (at < 0) this.#hide();
    else this.#show(at, noteOf(this.#items[at].is, this.#known));
  }

  #leave() {
    if (!this.#isPinned) this.#hide();
  }

  /**
   * @param {number} at
   * @param {(Node | string | null)[]} content
   */
  #show(at, content) {
    this.#note.replaceChildren(...content.filter((one) => one !== null));
    this.#note.hidden = false;
    this.#place(this.#items[at].node);
    const linked = this.#linked(at);
    for (const [n, { drawn }] of this.#items.entries()) {
      drawn.classList.toggle("on", linked.has(n));
      drawn.classList.toggle("at", n === at);
    }
    this.#stage.classList.toggle("asked", !("fold" in this.#items[at].is));
  }

  #hide() {
    this.#isPinned = false;
    this.#note.hidden = true;
    this.#note.classList.remove("pinned");
    this.#stage.classList.remove("asked");
    for (const { drawn } of this.#items) drawn.classList.remove("on", "at");
  }

  /**
   * The component with its arrows and where they lead; the arrow with its ends.
   * @param {number} at
   */
  #linked(at) {
    const { nodes, arrows } = /** @type {MapPicture} */ (this.#picture);
    const found = new Set([at]);
    for (const [n, { tail, head }] of arrows.entries()) {
      const number = nodes.length + n;
      if (number !== at && tail !== at && head !== at) continue;
      for (const one of [number, head, tail]) if (one !== null) found.add(one);
    }
    return found;
  }

  /** Below what it is about, or above where there is no room. @param {Element} node */
  #place(node) {
    const stage = this.#stage.getBoundingClientRect();
    const box = node.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#note;
    const middle = box.left + box.width / 2 - stage.left;
    const left = Math.max(4, Math.min(middle - width / 2, stage.width - width - 4));
    const isAbove = box.bottom + height + 8 > innerHeight && box.top - height - 8 > 0;
    const top = isAbove ? box.top - stage.top - height - 8 : box.bottom - stage.top + 8;
    this.#note.style.left = `${left}px`;
    this.#note.style.top = `${top}px`;
  }

  /** Go to its claim or, where there are several, list them. @param {Event} event */
  #open(event) {
    const at = this.#at(event);
    if (at < 0) {
      if (!this.#note.contains(/** @type {Node} */ (event.target))) this.#hide();
      return;
    }
    const { is } = this.#items[at];
    if ("fold" in is) {
      this.#unfold(is.fold);
      this.#focus(at);
    } else if (is.claims.length === 1) {
      this.#hide();
      this.#goTo(is.claims[0][0]);
    } else if (is.claims.length) {
      const leave = (/** @type {number} */ number) => {
        this.#hide();
        this.#goTo(number);
      };
      this.#isPinned = true;
      this.#pinned = at;
      this.#note.classList.add("pinned");
      this.#show(at, listOf(is, this.#known, leave));
      this.#note.setAttribute("aria-label", `Claims about ${headOf(is)}`);
      find("button", this.#note).focus();
    }
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const at = this.#at(event);
    if (event.key === "Escape") {
      if (this.#isPinned) this.#items[this.#pinned].node.focus();
      this.#hide();
    } else if (at >= 0 && STEPS[event.key]) {
      event.preventDefault();
      const next = STEPS[event.key](at, this.#items.length);
      this.#focus(Math.max(0, Math.min(next, this.#items.length - 1)));
    } else if (at >= 0 && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      this.#open(event);
    }
  }

  /** Only one of them is a stop of the tab key. @param {number} at */
  #focus(at) {
    for (const { node } of this.#items) node.setAttribute("tabindex", "-1");
    this.#items[at].node.setAttribute("tabindex", "0");
    this.#items[at].node.focus();
  }
}
