// @ts-check
/** @import { AuditData, AuditedClaim } from "./data.d.ts" */
import { FEW, groupOf, rowOf } from "./cells.js";
import { printing, theme } from "./chrome.js";
import { cellInWords, panel } from "./course.js";
import { el, find, read } from "./dom.js";
import { addTools, bar, chip, choice, hasWords, searchField, switched } from "./filters.js";
import { keys } from "./keys.js";
import { courseMap } from "./mapslider.js";
import { detailsRow, Rows } from "./rows.js";

/** @type {AuditData} */
const data = read("data");
/** @type {AuditedClaim[]} */
const claims = data.claims.map((claim, number) => ({ ...claim, number }));
const checkpoints = data.names.length;
const width = checkpoints + 2;

const filters = { text: "", spec: "", moving: false, falling: false };
/** @type {Set<string>} */
const kinds = new Set();

const rows = new Rows({
  body: find(".matrix > tbody"),
  // The more cells a row has, the fewer rows are drawn at a time.
  atOnce: Math.min(Math.max(Math.round(9000 / checkpoints), 60), 400),
  claims,
  chosen: () => claims.filter(isChosen),
  rowsOf: (claim, isOpen, before) => {
    const row = rowOf(claim, isOpen, data);
    return before?.spec === claim.spec ? [row] : [groupOf(claim.spec, width), row];
  },
  detailsOf: (claim) => {
    const details = panel(claim, read(`evidence-${claim.number}`), data);
    return detailsRow(claim, claim.kind, width, details);
  },
  reset: () => {
    Object.assign(filters, { text: "", spec: "", moving: false, falling: false });
    kinds.clear();
  },
});

/** @param {AuditedClaim} claim */
function isChosen({ kind, moves, falls, spec, id, says, course }) {
  if (kinds.size && !kinds.has(kind)) return false;
  if ((filters.moving && !moves.length) || (filters.falling && !falls.length)) return false;
  if (filters.spec && spec !== filters.spec) return false;
  return hasWords(filters.text, [id, says, spec, kind, course, ...moves.flat(), ...falls.flat()]);
}

function tools() {
  const specs = [...new Set(claims.map(({ spec }) => spec))];
  const search = searchField((text) => {
    filters.text = text;
    rows.list();
  });
  const pick = choice("All specs", specs, (spec) => {
    filters.spec = spec;
    rows.list();
  });
  const moving = eventChip("moving", "→", "to another component", "moved", ({ moves }) => moves);
  const fell = eventChip("falling", data.fell, "fell while holding", "fell", ({ falls }) => falls);
  addTools([search, pick], "How claims fare", [
    ...Object.keys(data.kinds).map(kindChip),
    moving,
    fell,
  ]);
}

/** @param {string} kind */
const kindChip = (kind) =>
  chip({
    mark: data.kinds[kind],
    text: kind,
    count: countOf(kind),
    state: kind,
    press: () => {
      const isOn = switched(kinds, kind);
      rows.list();
      return isOn;
    },
  });

/**
 * A button for the claims in which something happened.
 * @param {"moving" | "falling"} name
 * @param {string} mark
 * @param {string} text
 * @param {string} state
 * @param {(claim: AuditedClaim) => unknown[]} events
 */
const eventChip = (name, mark, text, state, events) =>
  chip({
    mark,
    text,
    count: claims.filter((claim) => events(claim).length).length,
    state,
    press: () => {
      filters[name] = !filters[name];
      rows.list();
      return filters[name];
    },
  });

/** @param {string} kind */
const countOf = (kind) => claims.filter((claim) => claim.kind === kind).length;

function heads() {
  const table = find(".matrix");
  if (checkpoints <= FEW) table.classList.add("few");
  const narrow = checkpoints <= 40 ? "30px" : "19px";
  table.style.setProperty("--cell", checkpoints <= FEW ? "112px" : narrow);
  const names = data.names.map((name, at) =>
    el("th", { scope: "col", title: data.labels[at] }, el("span", { class: "text" }, name)),
  );
  const first = el("th", { scope: "col", class: "name" }, "claim");
  find("thead", table).append(el("tr", {}, first, names, el("td", { class: "rest" })));
  table.hidden = false;
}

/** @returns {[string, number][]} */
function counts() {
  const all = Object.keys(data.kinds).map(
    (kind) => /** @type {[string, number]} */ ([kind, countOf(kind)]),
  );
  return all.filter(([, count]) => count);
}

/** What a cell was decided by is looked up when it is pointed at, not for thirty thousand cells. */
function hints() {
  rows.body.addEventListener("mouseover", ({ target }) => {
    /** @type {HTMLElement | null} */
    const cell = /** @type {Element} */ (target).closest("td.cell");
    if (!cell || cell.title) return;
    const number = cell.closest("tr")?.dataset.number;
    const label = cell.getAttribute("aria-label") ?? "";
    cell.title = cellInWords(read(`evidence-${number}`), label, Number(cell.dataset.at));
  });
}

tools();
heads();
bar(counts());
courseMap(data, (number) => rows.goTo(number));
theme();
keys(rows);
hints();
printing(() => rows.drawAll());
rows.list();
rows.watch();
rows.followHash();
