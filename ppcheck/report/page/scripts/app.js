// @ts-check
/** @import { Claim, RunData } from "./data.d.ts" */
import { changes } from "./changes.js";
import { printing, theme } from "./chrome.js";
import { byRank, columns } from "./columns.js";
import { panel } from "./details.js";
import { el, find, present, read } from "./dom.js";
import { addTools, bar, chip, choice, hasWords, searchField, switched } from "./filters.js";
import { keys } from "./keys.js";
import { theMap } from "./map.js";
import { detailsRow, Rows } from "./rows.js";
import { rowOf } from "./table.js";

/** @type {RunData} */
const data = read("data");
/** @type {Claim[]} */
const claims = data.claims.map((claim, number) => ({ ...claim, number }));
const isCompared = claims.some(({ change }) => change);
const shownColumns = columns(isCompared);
const look = {
  marks: data.marks,
  isCompared,
  hasModels: new Set(claims.map(({ model }) => model)).size > 1,
};

const filters = { text: "", change: "", check: "", spec: "", model: "" };
/** @type {Set<string>} */
const verdicts = new Set();
const sorting = { column: "verdict", ascending: true };

const rows = new Rows({
  body: find(".claims > tbody"),
  atOnce: 60,
  claims,
  chosen,
  rowsOf: (claim, isOpen) => [rowOf(claim, isOpen, look)],
  detailsOf: (claim) => {
    const details = panel(claim, read(`evidence-${claim.number}`), data.marks);
    return detailsRow(claim, claim.state, shownColumns.length, details);
  },
  reset: () => {
    Object.assign(filters, { text: "", change: "", check: "", spec: "", model: "" });
    verdicts.clear();
  },
});

/** Claims that the filters leave, sorted. */
function chosen() {
  const column = shownColumns.find(({ name }) => name === sorting.column);
  const sorted = claims.filter(isChosen).sort(column?.order);
  return sorting.ascending ? sorted : sorted.reverse();
}

/** @param {Claim} claim */
function isChosen(claim) {
  const { text, change, check, spec, model } = filters;
  if (verdicts.size && !verdicts.has(claim.verdict)) return false;
  if (change && claim.change?.kind !== change) return false;
  if (check && claim.check !== check) return false;
  if ((spec && claim.spec !== spec) || (model && claim.model !== model)) return false;
  const words = [claim.id, claim.says, claim.spec, claim.check, claim.measured];
  return hasWords(text, [...words, claim.change?.text ?? ""]);
}

function tools() {
  /** @type {(label: string, name: "change" | "check" | "spec" | "model") => Element | null} */
  const pick = (label, name) => {
    const all = claims.map((claim) => (name === "change" ? claim.change?.kind : claim[name]));
    const values = [...new Set(present(all).filter(Boolean))].sort();
    return choice(label, values, (value) => filter(name, value), name);
  };
  const fields = [
    searchField((text) => filter("text", text)),
    pick("All checks", "check"),
    pick("All specs", "spec"),
    pick("All models", "model"),
    pick("All changes", "change"),
  ];
  addTools(fields, "Verdicts", Object.keys(data.marks).map(verdictChip));
}

/**
 * @param {keyof typeof filters} name
 * @param {string} value
 */
function filter(name, value) {
  filters[name] = value;
  rows.list();
}

/** @param {string} verdict */
const verdictChip = (verdict) =>
  chip({
    mark: data.marks[verdict],
    text: verdict,
    count: claims.filter((claim) => claim.verdict === verdict).length,
    state: verdict,
    press: () => {
      const isOn = switched(verdicts, verdict);
      rows.list();
      return isOn;
    },
  });

function heads() {
  const table = find(".claims");
  const widths = shownColumns.map(({ name }) => el("col", { class: `c-${name}` }));
  const cells = shownColumns.map(({ name, order }) => {
    if (!order) return el("th", { scope: "col" }, el("span", { class: "label" }, name));
    const sort = el("button", { type: "button", click: () => sortBy(name, cell, cells) }, name);
    const sorted = name === sorting.column ? "ascending" : "none";
    const attributes = { class: name === "n" ? "num" : null, "aria-sort": sorted };
    const cell = el("th", { scope: "col", ...attributes }, sort);
    return cell;
  });
  table.prepend(el("colgroup", {}, widths));
  find("thead", table).append(el("tr", {}, cells));
  table.hidden = false;
}

/**
 * Sort by a column, and the other way round where the table is sorted by it already.
 * @param {string} name
 * @param {Element} cell
 * @param {Element[]} cells
 */
function sortBy(name, cell, cells) {
  sorting.ascending = sorting.column === name ? !sorting.ascending : true;
  sorting.column = name;
  for (const each of cells) {
    if (each.hasAttribute("aria-sort")) each.setAttribute("aria-sort", "none");
  }
  cell.setAttribute("aria-sort", sorting.ascending ? "ascending" : "descending");
  rows.list();
}

/** @returns {[string, number][]} */
function counts() {
  const states = new Set([...claims].sort(byRank).map(({ state }) => state));
  return [...states].map((one) => [one, claims.filter(({ state }) => state === one).length]);
}

/** What became of a claim since the baseline, where it is worth a word. @param {Claim} claim */
const becameOf = ({ change }) =>
  change && !["unchanged", "new"].includes(change.kind) ? change.text : "";

tools();
heads();
bar(counts());
theMap({
  titles: data.map.map(({ title }) => title),
  pictureOf: (number) => data.map[number],
  known: {
    claim: (number) => ({ ...claims[number], became: becameOf(claims[number]) }),
    marks: data.marks,
  },
  goTo: (number) => rows.goTo(number),
});
changes(claims, (number) => rows.goTo(number));
theme();
keys(rows);
printing(() => rows.drawAll());
rows.list();
rows.watch();
rows.followHash();
