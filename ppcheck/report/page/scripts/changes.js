// @ts-check
/** @import { Claim } from "./data.d.ts" */
import { byChange } from "./columns.js";
import { button, el, find } from "./dom.js";

const CARDS = 9;
const CHANGED = [
  ...["regressed", "no longer holds", "no longer measured", "moved"],
  ...["improved", "not comparable", "gone"],
];

/**
 * A card for each claim that changed; each leads to its claim.
 * @param {Claim[]} claims
 * @param {(number: number) => void} goTo
 */
export function changes(claims, goTo) {
  const changed = claims
    .filter(({ change, moved }) => moved || (change && CHANGED.includes(change.kind)))
    .sort(byChange);
  const section = find("#changes");
  const cards = find(".cards", section);
  /** @param {Claim} claim */
  const card = (claim) => cardOf(claim, () => goTo(claim.number));
  cards.append(...changed.slice(0, CARDS).map(card));
  if (changed.length > CARDS) {
    const rest = button(`Show all ${changed.length}`, () => {
      cards.append(...changed.slice(CARDS).map(card));
      rest.remove();
    });
    section.append(el("div", { class: "buttons" }, rest));
  }
  section.hidden = !changed.length;
}

/**
 * @param {Claim} claim
 * @param {() => void} click
 */
function cardOf(claim, click) {
  const kind = claim.change?.kind ?? "moved";
  const reason = claim.change?.reason;
  return el(
    "button",
    { type: "button", class: "card", "data-state": kind, click },
    el("span", { class: "name text" }, claim.id),
    el("span", { class: "verdict" }, `${claim.change?.mark ?? "→"} ${kind}`),
    stepOf(claim),
    reason ? el("span", { class: "step text" }, reason) : null,
    differenceOf(claim),
    el("span", { class: "what text" }, claim.says),
  );
}

/**
 * Who led or played before, and who does now.
 * @param {Claim} claim
 */
function stepOf({ moved, led }) {
  if (!moved) return led ? el("span", { class: "step text" }, led) : null;
  const [then, now] = moved;
  return el("span", { class: "step text" }, `${then} → `, el("b", {}, now));
}

/** @param {Claim} claim */
function differenceOf({ difference }) {
  if (!difference) return null;
  const { name, old, bound } = difference;
  const now = el("b", {}, difference.new);
  return el("span", { class: "step text" }, `${name} ${old} → `, now, ` ${bound}`);
}
