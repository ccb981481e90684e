// @ts-check
/** @import { Claim, Interval, Marks } from "./data.d.ts" */
import { el } from "./dom.js";
import { drawnInterval } from "./interval.js";
import { unfolding } from "./rows.js";

/**
 * A claim's row in the table of a run.
 * @param {Claim} claim
 * @param {boolean} isOpen
 * @param {{ marks: Marks, isCompared: boolean, hasModels: boolean }} of
 */
export function rowOf(claim, isOpen, { marks, isCompared, hasModels }) {
  const { number, interval, change } = claim;
  return el(
    "tr",
    {
      class: isOpen ? "claim open" : "claim",
      id: `claim-${number}`,
      "data-number": number,
      "data-state": claim.state,
    },
    verdictOf(claim, marks),
    nameOf(claim, isOpen, hasModels),
    el("td", { class: "soft check" }, claim.check),
    measurementOf(claim.measured, interval),
    el("td", { class: "value" }, claim.expected),
    el("td", { class: "num soft" }, claim.n),
    isCompared
      ? el("td", { class: "change", "data-state": change?.kind }, change?.text ?? "")
      : null,
  );
}

/**
 * @param {Claim} claim
 * @param {Marks} marks
 */
const verdictOf = ({ verdict, outcome, state }, marks) =>
  el(
    "td",
    { class: "verdict", "data-state": verdict },
    el("b", { "aria-hidden": "true" }, marks[verdict]),
    verdict,
    outcome ? el("div", { class: "outcome", "data-state": state }, outcome) : null,
  );

/**
 * @param {Claim} claim
 * @param {boolean} isOpen
 * @param {boolean} hasModels
 */
const nameOf = (claim, isOpen, hasModels) =>
  el(
    "td",
    {},
    unfolding(claim, isOpen),
    hasModels ? el("span", { class: "soft text" }, ` on ${claim.model}`) : null,
    el("div", { class: "says text", dir: "auto" }, claim.says),
  );

/**
 * @param {string} text
 * @param {Interval | null} interval
 */
const measurementOf = (text, interval) =>
  el("td", {}, el("div", { class: "value" }, text), interval ? drawnInterval(interval) : null);
