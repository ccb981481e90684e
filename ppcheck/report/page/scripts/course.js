// @ts-check
/** @import { AuditData, AuditedClaim, AuditEvidence, Series } from "./data.d.ts" */
import { definitions, el, headRow, moved } from "./dom.js";
import { ends, isNumber, short } from "./numbers.js";
import { trajectory } from "./trajectory.js";

/**
 * A statistic at one checkpoint; empty where it was not measured.
 * @param {Series} series
 * @param {number} at
 */
const figureAt = ({ y, low, high }, at) =>
  isNumber(y[at]) ? `${short(y[at])} ${ends(low[at], high[at])}` : "";

/**
 * The figure that decided a claim at a checkpoint; empty where none did.
 * @param {AuditEvidence} evidence
 * @param {number} at
 */
export function figureIn({ series, deciding, of }, at) {
  const place = deciding[at];
  const one = place === null ? null : series[of[place]];
  return one ? `${one.of[at]} ${figureAt(one, at)}` : "";
}

/**
 * A cell in words: its verdict, and the figure that decided it or the reason.
 * @param {AuditEvidence} evidence
 * @param {string} verdict
 * @param {number} at
 */
export function cellInWords(evidence, verdict, at) {
  const reason = evidence.reasons[at];
  return [verdict, figureIn(evidence, at), reason].filter(Boolean).join(": ");
}

/**
 * What unfolds below a claim of an audit.
 * @param {AuditedClaim} claim
 * @param {AuditEvidence} evidence
 * @param {AuditData} data
 */
export function panel(claim, evidence, data) {
  const { id, kind } = claim;
  const names = Object.keys(evidence.series);
  const plots = names.map((name) =>
    trajectory(name, evidence.series[name], data.names, (at) =>
      figureAt(evidence.series[name], at),
    ),
  );
  return el(
    "div",
    { class: "panel", "data-state": kind, role: "region", "aria-label": `Details of ${id}` },
    el("p", { class: "words text", dir: "auto" }, claim.says || id),
    el(
      "p",
      { class: "judged" },
      el("b", {}, `${data.kinds[kind]} ${kind}. `),
      el("span", { class: "text" }, spanOf(claim, data.names)),
    ),
    ...events(claim, data.names),
    ...(names.length
      ? [el("h3", {}, "From checkpoint to checkpoint"), el("div", { class: "plots" }, plots)]
      : []),
    el("h3", {}, "Checkpoint by checkpoint"),
    checkpointsOf(claim, evidence, data),
    el("h3", {}, "The claim"),
    definitions([
      ["where", `${claim.spec}:${claim.line}`],
      ["check", claim.check],
      ["expected", evidence.expected],
    ]),
  );
}

/**
 * @param {AuditedClaim} claim
 * @param {string[]} names
 */
function spanOf({ first, last }, names) {
  if (first === null || last === null) return "There is no checkpoint at which it holds.";
  return `First holds at ${names[first]}, last at ${names[last]}.`;
}

/**
 * Figures that fell and roles that moved, each with its checkpoint.
 * @param {AuditedClaim} claim
 * @param {string[]} names
 */
function events({ falls, moves }, names) {
  /** @param {number} at */
  const where = (at) => el("span", { class: "soft text" }, ` at ${names[at]}`);
  const fell = falls.map(([words, at]) =>
    el("p", {}, el("span", { class: "value" }, words), where(at)),
  );
  const steps = moves.map(([then, now, at]) => el("p", {}, moved("span", then, now), where(at)));
  return [
    ...(fell.length ? [el("h3", {}, "What fell"), ...fell] : []),
    ...(steps.length ? [el("h3", {}, "Who plays the role"), ...steps] : []),
  ];
}

/**
 * A table with a row for each checkpoint.
 * @param {AuditedClaim} claim
 * @param {AuditEvidence} evidence
 * @param {AuditData} data
 */
function checkpointsOf(claim, evidence, data) {
  const names = Object.keys(evidence.series);
  const hasPlayers = evidence.players.some((one) => one !== null);
  const players = hasPlayers ? ["players"] : [];
  const head = headRow(["checkpoint", "verdict", ...players, ...names, "reason"], {
    class: "text",
  });
  const body = data.names.map((_, at) => checkpointRow(claim, evidence, data, at, hasPlayers));
  const label = `${claim.id}, checkpoint by checkpoint`;
  return el(
    "div",
    { class: "scroll long", tabindex: 0, role: "region", "aria-label": label },
    el("table", { class: "figures" }, head, el("tbody", {}, body)),
  );
}

/**
 * @param {AuditedClaim} claim
 * @param {AuditEvidence} evidence
 * @param {AuditData} data
 * @param {number} at
 * @param {boolean} hasPlayers
 */
function checkpointRow(claim, { players, who, reasons, series }, data, at, hasPlayers) {
  const verdict = data.verdicts[claim.verdicts[at]];
  const player = players[at];
  return el(
    "tr",
    { "data-state": verdict },
    el("td", { class: "name text" }, checkpointName(claim, data, at)),
    el(
      "td",
      { class: "verdict" },
      el("b", { "aria-hidden": "true" }, verdict ? data.marks[verdict] : data.nothing),
      verdict ?? "not measured",
    ),
    hasPlayers ? el("td", { class: "value text" }, player === null ? "" : who[player]) : null,
    Object.values(series).map((one) => el("td", { class: "value" }, figureAt(one, at))),
    el("td", { class: "text" }, reasons[at] ?? ""),
  );
}

/**
 * The checkpoint's name; where it has a page, a link to the claim in it.
 * @param {AuditedClaim} claim
 * @param {AuditData} data
 * @param {number} at
 */
function checkpointName({ spec, id }, { names, pages }, at) {
  const page = pages[at];
  if (!page) return names[at];
  return el("a", { href: `${page}#${encodeURIComponent(`${spec}::${id}`)}` }, names[at]);
}
