// @ts-check
/** @import { AuditData, AuditEvidence } from "./data.d.ts" */
/** @import { KnownClaim } from "./mapnotes.js" */
import { figureIn } from "./course.js";
import { el, read } from "./dom.js";
import { theMap } from "./map.js";
import { pictureAt } from "./mapcourse.js";

/**
 * The map of an audit at one checkpoint at a time, at first the last one.
 * @param {AuditData} data
 * @param {(number: number) => void} goTo
 */
export function courseMap(data, goTo) {
  const { states, checkpoints, pictures } = data.map;
  const { names, marks } = data;
  /** What unfolds below claims, each read when it is first asked for. @type {AuditEvidence[]} */
  const evidences = [];
  /** @param {number} number */
  const known = (number) => {
    evidences[number] ??= read(`evidence-${number}`);
    return claimAt(data, number, evidences[number], now);
  };
  const now = { at: checkpoints[checkpoints.length - 1], since: checkpoints[0], states };
  theMap({
    titles: pictures.map(({ title }) => title),
    pictureOf: (number) => {
      const whole = pictures[number];
      return pictureAt(whole, `${whole.title} at ${names[now.at]}`, now);
    },
    known: { claim: known, marks },
    goTo,
    more: (redraw) => (checkpoints.length > 1 ? sliding(data, now, redraw) : []),
  });
}

/**
 * A slider over the checkpoints, and a choice of the one with which they are compared.
 * @param {AuditData} data
 * @param {{ at: number, since: number }} now
 * @param {() => void} redraw
 */
function sliding({ names, map: { checkpoints } }, now, redraw) {
  // As wide as the longest name, so that nothing moves while it slides.
  const width = `width: ${Math.max(...checkpoints.map((at) => names[at].length)) + 1}ch`;
  const name = el("output", { for: "checkpoint", "aria-live": "off", style: width });
  const slide = el("input", {
    type: "range",
    id: "checkpoint",
    min: 0,
    max: checkpoints.length - 1,
    value: checkpoints.length - 1,
    input: () => {
      now.at = checkpoints[Number(slide.value)];
      say();
      redraw();
    },
  });
  const say = () => {
    name.value = names[now.at];
    slide.setAttribute("aria-valuetext", names[now.at]);
  };
  const since = el(
    "select",
    {
      id: "since",
      change: () => {
        now.since = Number(since.value);
        redraw();
      },
    },
    checkpoints.map((at) => el("option", { value: at }, names[at])),
  );
  say();
  return [
    el("div", { class: "slide" }, el("label", { for: "checkpoint" }, "Checkpoint"), slide, name),
    el("div", { class: "since" }, el("label", { for: "since" }, "What moved since"), since),
  ];
}

/**
 * @param {AuditData} data
 * @param {number} number
 * @param {AuditEvidence} evidence
 * @param {{ at: number, since: number }} now
 * @returns {KnownClaim}
 */
function claimAt(data, number, evidence, { at, since }) {
  const { id, verdicts } = data.claims[number];
  const [verdict, before] = [at, since].map((one) => data.verdicts[verdicts[one]] ?? "");
  const became = before && before !== verdict ? `${before} at ${data.names[since]}` : "";
  return { id, verdict, state: verdict, measured: figureIn(evidence, at), became };
}
