// @ts-check
/** @import { Claim, Difference, Evidence, Marks, Statistic } from "./data.d.ts" */
import { button, el, headRow, moved } from "./dom.js";
import { domain, drawnInterval } from "./interval.js";

const ROWS = 8;
const HEAD = [
  ...["statistic", "estimate and interval", "against the bound", "expected"],
  ...["n", "interval", "p", "verdict"],
];
const DIFFERENCES_HEAD = [
  ...["statistic", "then", "now", "difference", "against the tolerance"],
  ...["tolerance", "interval", "change"],
];
const FILE_HEAD = [
  ...["statistic", "estimate", "low", "high", "level", "n"],
  ...["expected", "verdict", "method", "family", "p"],
];

/**
 * Figures as rows of a file.
 * @param {Evidence} evidence
 */
export const figureRows = ({ statistics }) => [
  FILE_HEAD,
  ...statistics.map((one) => [
    ...[one.name, one.estimate, one.low, one.high, one.level, one.n],
    ...[one.expected, one.verdict, one.method, one.family, one.p],
  ]),
];

/** @param {string} name */
const family = (name) => name.split("[")[0];

/**
 * The claim's statistics, the first few at first; those of one family share a scale.
 * @param {Evidence} evidence
 * @param {Marks} marks
 */
export function figuresOf({ statistics, left_out }, marks) {
  if (!statistics.length) return [];
  /** @param {Statistic} one */
  const row = (one) => {
    const alike = statistics.filter(({ name }) => family(name) === family(one.name));
    return figureRow(one, domain(alike), marks);
  };
  const body = el("tbody", {}, statistics.slice(0, ROWS).map(row));
  const rest = statistics.slice(ROWS);
  const more = button(`Show all ${statistics.length}`, () => {
    body.append(...rest.map(row));
    more.remove();
  });
  const others = `${left_out.toLocaleString("en")} more are in the record (--ppcheck-json).`;
  return [
    el("h3", {}, "Figures"),
    scrolled(HEAD, body),
    rest.length ? el("div", { class: "buttons" }, more) : null,
    left_out ? el("p", { class: "count" }, others) : null,
  ];
}

/**
 * @param {string[]} head
 * @param {HTMLElement} body
 */
const scrolled = (head, body) =>
  el("div", { class: "scroll" }, el("table", { class: "figures" }, headRow(head), body));

/**
 * @param {Statistic} one
 * @param {[number, number]} scale
 * @param {Marks} marks
 */
function figureRow(one, scale, marks) {
  const size = { edges: Boolean(one.bound), width: 220, height: 14 };
  return el(
    "tr",
    { "data-state": one.verdict || "unjudged" },
    el("td", { class: "name text" }, one.name),
    el("td", { class: "value" }, one.text, oppositeOf(one)),
    el("td", {}, drawnInterval(one, { scale, ...size })),
    el("td", { class: "value" }, one.expected),
    el("td", { class: "value" }, one.n.toLocaleString("en")),
    el("td", { class: "soft" }, [one.level, one.method, one.family].filter(Boolean).join(", ")),
    el("td", { class: "value" }, one.p),
    el("td", { class: "verdict" }, one.verdict ? `${marks[one.verdict]} ${one.verdict}` : ""),
  );
}

/** @param {Statistic} statistic */
function oppositeOf({ opposite, examples }) {
  if (!opposite) return null;
  const counts = `${opposite.toLocaleString("en")} of ${examples.toLocaleString("en")}`;
  return el("div", { class: "soft" }, `${counts} go the other way`);
}

/**
 * What changed since the baseline.
 * @param {Claim} claim
 * @param {Evidence} evidence
 */
export function differencesOf(claim, { differences, baseline, unpaired }) {
  const { change } = claim;
  if (!change && !claim.moved) return [];
  const alone = `On one side alone, and not compared: ${unpaired.join(", ")}`;
  const rows = differences.map(differenceRow);
  return [
    el("h3", {}, baseline ? "Against the baseline" : "Moved"),
    change
      ? el(
          "p",
          { class: "against" },
          el("span", { class: "change", "data-state": change.kind }, change.text),
          el("span", { class: "soft text" }, ` against ${baseline}`),
        )
      : null,
    claim.moved ? moved("p", ...claim.moved) : null,
    unpaired.length ? el("p", { class: "against text" }, alone) : null,
    rows.length ? scrolled(DIFFERENCES_HEAD, el("tbody", {}, rows)) : null,
  ];
}

/** @param {Difference} one */
const differenceRow = (one) =>
  el(
    "tr",
    { "data-state": one.change },
    el("td", { class: "name text" }, one.name),
    el("td", { class: "value" }, one.old),
    el("td", { class: "value" }, one.new),
    el("td", { class: "value" }, one.text),
    el("td", {}, drawnInterval(one, { edges: true, width: 220, height: 14 })),
    el("td", { class: "value" }, `± ${one.tolerance}`),
    el("td", { class: "soft" }, `${one.level}, n = ${one.n}`),
    el("td", { class: "verdict" }, `${one.mark} ${one.change}`),
  );
