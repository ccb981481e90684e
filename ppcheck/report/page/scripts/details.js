// @ts-check
/** @import { Claim, Evidence, Marks, Strip } from "./data.d.ts" */
import { charts } from "./charts.js";
import { button, csv, definitions, el, save } from "./dom.js";
import { strip } from "./examples.js";
import { differencesOf, figureRows, figuresOf } from "./figures.js";
import { forget } from "./plots.js";

/** @type {Record<string, string>} */
const MEANING = {
  holds: "The whole interval lies inside the bound.",
  fails: "The whole interval lies outside the bound.",
  inconclusive: "The interval lies on both sides of the bound's edge: these units cannot decide.",
  moved: "Another component than the one named plays the role.",
  error: "It could not be measured.",
  "not applicable": "It is not about this model.",
};
const LOST = ["no longer measured", "gone"];
const NO_ROOM =
  "To keep this page small it has only the figures of this claim. " +
  "Run it alone, with --ppcheck-report, for its pictures and examples.";

/**
 * What unfolds below a claim.
 * @param {Claim} claim
 * @param {Evidence} evidence
 * @param {Marks} marks
 */
export function panel(claim, evidence, marks) {
  return el(
    "div",
    {
      class: "panel",
      "data-state": claim.state ?? claim.verdict,
      role: "region",
      "aria-label": `Details of ${claim.id}`,
    },
    el("p", { class: "words text", dir: "auto" }, claim.says || claim.id),
    judgedOf(claim, evidence, marks),
    ...figuresOf(evidence, marks),
    ...differencesOf(claim, evidence),
    ...picturesOf(evidence),
    ...repliesOf(evidence),
    ...examplesOf(evidence),
    ...measuredOf(claim, evidence),
    downloads(claim, evidence),
  );
}

/**
 * @param {Claim} claim
 * @param {Evidence} evidence
 * @param {Marks} marks
 */
function judgedOf({ verdict, change }, { baseline, reason }, marks) {
  const isLost = change && LOST.includes(change.kind);
  const lost = `It was measured in ${baseline}, and is not now.`;
  const meaning = isLost ? lost : MEANING[verdict];
  return el(
    "p",
    { class: "judged", "data-state": verdict },
    el("b", {}, `${marks[verdict]} ${verdict}. `),
    reason ? `${meaning} ${reason}` : meaning,
  );
}

/** @param {Evidence} evidence */
function picturesOf({ pictures }) {
  if (pictures === undefined) return [el("p", { class: "notice" }, NO_ROOM)];
  const figures = charts(pictures);
  if (!figures.length) return [];
  return [el("h3", {}, "Evidence"), el("div", { class: "plots" }, figures)];
}

/**
 * The examples of one statistic at a time.
 * @param {Evidence} evidence
 */
function examplesOf({ examples, statistics }) {
  if (!examples?.length) return [];
  const place = el("div", {});
  /** @param {number} number */
  const show = (number) => {
    const shown = examples[number];
    const statistic = statistics.find(({ name }) => name === shown.name);
    forget(place);
    place.replaceChildren(strip(shown, statistic), ...against(shown), ...worst(shown));
  };
  show(0);
  const select = el(
    "select",
    { "aria-label": "Statistic", change: () => show(Number(select.value)) },
    examples.map(({ name }, n) => el("option", { value: n }, name)),
  );
  const tools = el("div", { class: "tools" }, examples.length > 1 ? select : null);
  return [el("h3", {}, "Examples"), tools, place];
}

/**
 * What the model wrote, by outcome, each reply with a prompt that had it.
 * @param {Evidence} evidence
 */
function repliesOf({ replies }) {
  if (!replies?.length) return [];
  const parts = replies.flatMap(({ outcome, count, shown }) => [
    el("p", { class: "count" }, `${outcome}: ${count.toLocaleString("en")}`),
    el(
      "ul",
      { class: "worst" },
      shown.map((one) =>
        el(
          "li",
          {},
          el("code", {}, `${one.count.toLocaleString("en")} ×`),
          el("q", { dir: "auto" }, one.prompt),
          el("q", { class: "reply", dir: "auto" }, one.reply),
        ),
      ),
    ),
  ]);
  return [el("h3", {}, "Replies, the commonest by outcome"), ...parts];
}

/** @param {Strip} shown */
function against({ opposite, of }) {
  if (opposite === null) return [];
  const counts = `${opposite.toLocaleString("en")} of ${of.toLocaleString("en")}`;
  return [el("p", { class: "count" }, `${counts} examples go against the estimate.`)];
}

/** @param {Strip} shown */
function worst(shown) {
  if (!shown.worst.length) return [];
  const items = shown.worst.map(({ text, value }) =>
    el("li", {}, el("code", {}, value), el("q", { dir: "auto" }, text)),
  );
  return [
    el("p", { class: "count" }, "Furthest from what is expected:"),
    el("ul", { class: "worst" }, items),
  ];
}

/**
 * @param {Claim} claim
 * @param {Evidence} evidence
 */
function measuredOf({ spec, line, check, model }, evidence) {
  const { on, sample, source, facts, notes, command } = evidence;
  /** @type {[string, string][]} */
  const rows = [
    ["where", `${spec}:${line}`],
    ["check", check],
    ["model", model],
    ["on", sample ? `${on}: ${sample}` : on],
    ["source", source],
    ...notes.map((note) => /** @type {[string, string]} */ (["note", note])),
  ];
  /** @param {[string, string][]} some */
  const list = (some) => definitions(some.filter(([, text]) => text));
  const copy = button("Copy", async () => {
    await navigator.clipboard.writeText(command);
    copy.textContent = "Copied";
  });
  return [
    el("h3", {}, "How it was measured"),
    el("div", { class: "facts" }, list(rows), list(facts)),
    el("h3", {}, "Run it alone"),
    el("div", { class: "command" }, el("code", {}, command), navigator.clipboard ? copy : null),
  ];
}

/**
 * @param {Claim} claim
 * @param {Evidence} evidence
 */
function downloads(claim, evidence) {
  const json = () => JSON.stringify({ ...claim, ...evidence }, null, 1);
  return el(
    "div",
    { class: "buttons" },
    button("Download JSON", () => save(`${claim.id}.json`, json(), "application/json")),
    button("Download CSV", () => save(`${claim.id}.csv`, csv(figureRows(evidence)), "text/csv")),
  );
}
