const DATA = read("data");
const CLAIMS = DATA.claims.map((claim, number) => ({ ...claim, number }));
const AT_ONCE = 60;
const COMPARED = CLAIMS.some(({ change }) => change);
const SEVERAL = new Set(CLAIMS.map(({ model }) => model)).size > 1;

const byText = (key) => (one, other) => String(key(one)).localeCompare(String(key(other)), "en", { numeric: true });
const byRank = (one, other) => one.rank[0] - other.rank[0] || one.rank[1] - other.rank[1] || one.number - other.number;
const COLUMNS = [
  { name: "verdict", order: byRank },
  { name: "claim", order: byText(({ id }) => id) },
  { name: "check", order: byText(({ check }) => check) },
  { name: "measured", order: (one, other) => (one.interval?.estimate ?? Infinity) - (other.interval?.estimate ?? Infinity) },
  { name: "expected" },
  { name: "n", order: (one, other) => Number(one.n) - Number(other.n) },
  ...(COMPARED ? [{ name: "change", order: (one, other) => one.rank[1] - other.rank[1] || byRank(one, other) }] : []),
];

const state = { text: "", verdicts: new Set(), change: "", check: "", spec: "", model: "", column: "verdict", ascending: true, open: new Set() };
let listed = CLAIMS, rendered = 0;
const body = document.querySelector(".claims > tbody");
const sentinel = document.getElementById("more");

function matches(claim) {
  const { text, verdicts, change, check, spec, model } = state;
  if (verdicts.size && !verdicts.has(claim.verdict)) return false;
  if ((change && claim.change?.kind !== change) || (check && claim.check !== check) || (spec && claim.spec !== spec) || (model && claim.model !== model)) return false;
  const words = [claim.id, claim.says, claim.spec, claim.check, claim.measured, claim.change?.text ?? ""].join(" ").toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => words.includes(word));
}

/** Filter and sort anew. */
function list() {
  const { order } = COLUMNS.find(({ name }) => name === state.column);
  const sorted = CLAIMS.filter(matches).sort(order);
  show(state.ascending ? sorted : sorted.reverse());
}

function more(count = AT_ONCE) {
  const next = listed.slice(rendered, rendered + count);
  body.append(...next.flatMap((claim) => (state.open.has(claim.number) ? [rowOf(claim), detailsOf(claim)] : [rowOf(claim)])));
  rendered += next.length;
  sentinel.hidden = rendered >= listed.length;
}

function rowOf(claim) {
  const open = state.open.has(claim.number);
  const unfold = el("button", { type: "button", class: "unfold text", "aria-expanded": String(open), "aria-controls": `details-${claim.number}` }, claim.id);
  const { interval, change } = claim;
  return el("tr", { class: open ? "claim open" : "claim", id: `claim-${claim.number}`, "data-number": claim.number, "data-state": claim.state },
    el("td", { class: "verdict", "data-state": claim.verdict }, el("b", { "aria-hidden": "true" }, DATA.marks[claim.verdict]), claim.verdict, claim.outcome ? el("div", { class: "outcome", "data-state": claim.state }, claim.outcome) : null),
    el("td", {}, unfold, SEVERAL ? el("span", { class: "soft text" }, ` on ${claim.model}`) : null, el("div", { class: "says text", dir: "auto" }, claim.says)),
    el("td", { class: "soft check" }, claim.check),
    el("td", {}, el("div", { class: "value" }, claim.measured), interval ? drawnInterval(interval) : null),
    el("td", { class: "value" }, claim.expected),
    el("td", { class: "num soft" }, claim.n),
    COMPARED ? el("td", { class: "change", "data-state": change?.kind }, change?.text ?? "") : null);
}

const detailsOf = (claim) => el("tr", { class: "details", id: `details-${claim.number}`, "data-state": claim.state },
  el("td", { colspan: COLUMNS.length }, panel(claim, read(`evidence-${claim.number}`))));

function clear() {
  Object.assign(state, { text: "", change: "", check: "", spec: "", model: "" });
  state.verdicts.clear();
  unfiltered();
  list();
}
