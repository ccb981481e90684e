// @ts-check
/** @import { AuditData, AuditedClaim } from "./data.d.ts" */
import { el, present } from "./dom.js";
import { unfolding } from "./rows.js";

/** Checkpoints up to which each cell has its figure beside its mark. */
export const FEW = 10;

/**
 * The row that names the spec of the claims below it.
 * @param {string} spec
 * @param {number} width
 */
export const groupOf = (spec, width) =>
  el(
    "tr",
    { class: "group" },
    el("th", { scope: "rowgroup", colspan: width }, el("span", { class: "text" }, spec)),
  );

/**
 * A claim's row in the matrix: its name and course, and a cell for each checkpoint.
 * @param {AuditedClaim} claim
 * @param {boolean} isOpen
 * @param {AuditData} data
 */
export function rowOf(claim, isOpen, data) {
  const { number, says, verdicts } = claim;
  const isShort = data.names.length > FEW;
  const words = isShort ? null : el("div", { class: "says text", dir: "auto" }, says);
  const name = present([unfolding(claim, isOpen), words, courseOf(claim, data)]);
  return el(
    "tr",
    {
      class: isOpen ? "claim open" : "claim",
      id: `claim-${number}`,
      "data-number": number,
    },
    el("th", { scope: "row", class: "name" }, name),
    [...verdicts].map((code, at) => cellOf(claim, code, at, data)),
    el("td", { class: "rest" }),
  );
}

/**
 * From where to where the claim holds, and what happened on the way.
 * @param {AuditedClaim} claim
 * @param {AuditData} data
 */
const courseOf = ({ kind, course, moves, falls }, { kinds, names, fell }) =>
  el(
    "div",
    { class: "course", "data-state": kind },
    el("b", { "aria-hidden": "true" }, `${kinds[kind]} `),
    el("span", { class: "text" }, course),
    moves.map(([then, now, at]) =>
      el("div", { class: "step text" }, `${then} → ${now} at ${names[at]}`),
    ),
    falls.map(([words, at]) =>
      el("div", { class: "step text", "data-state": "fell" }, `${fell} ${words} at ${names[at]}`),
    ),
  );

/**
 * @param {AuditedClaim} claim
 * @param {string} code
 * @param {number} at
 * @param {AuditData} data
 */
function cellOf({ falls, figures }, code, at, data) {
  const verdict = data.verdicts[code];
  const fell = falls.some(([, there]) => there === at);
  const figure = figures?.[at];
  const known = fell ? data.fell : data.marks[verdict];
  const falling = fell ? ", with a figure that fell," : "";
  return el(
    "td",
    {
      class: "cell",
      "data-state": fell ? "fell" : verdict,
      "data-at": at,
      "aria-label": `${verdict ?? "not measured"}${falling} at ${data.names[at]}`,
    },
    verdict ? known : data.nothing,
    figure ? el("span", { class: "value" }, figure) : null,
  );
}
