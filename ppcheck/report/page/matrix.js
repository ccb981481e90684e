const DATA = read("data");
const CLAIMS = DATA.claims.map((claim, number) => ({ ...claim, number }));
const NAMES = DATA.names;
/** Rows drawn at a time: the fewer, the more cells each has. */
const AT_ONCE = Math.min(Math.max(Math.round(9000 / NAMES.length), 60), 400);
const FEW = 10;

const state = { text: "", kinds: new Set(), moving: false, falling: false, spec: "", open: new Set() };
let listed = CLAIMS, rendered = 0;
const body = document.querySelector(".matrix > tbody");
const sentinel = document.getElementById("more");

function matches({ kind, moves, falls, spec, id, says, course }) {
  if (state.kinds.size && !state.kinds.has(kind)) return false;
  if ((state.moving && !moves.length) || (state.falling && !falls.length) || (state.spec && spec !== state.spec)) return false;
  const words = [id, says, spec, kind, course, ...moves.flat(), ...falls.flat()].join(" ").toLowerCase();
  return state.text.toLowerCase().split(/\s+/).every((word) => words.includes(word));
}

const list = () => show(CLAIMS.filter(matches));

function more(count = AT_ONCE) {
  for (const claim of listed.slice(rendered, rendered + count)) {
    if (!rendered || listed[rendered - 1].spec !== claim.spec) body.append(groupOf(claim.spec));
    body.append(rowOf(claim), ...(state.open.has(claim.number) ? [detailsOf(claim)] : []));
    rendered += 1;
  }
  sentinel.hidden = rendered >= listed.length;
}

const groupOf = (spec) => el("tr", { class: "group" }, el("th", { scope: "rowgroup", colspan: NAMES.length + 2 }, el("span", { class: "text" }, spec)));

function rowOf(claim) {
  const { number, id, says, kind, course, moves, falls, verdicts } = claim, open = state.open.has(number);
  const unfold = el("button", { type: "button", class: "unfold text", "aria-expanded": String(open), "aria-controls": `details-${number}` }, id);
  const words = NAMES.length <= FEW ? el("div", { class: "says text", dir: "auto" }, says) : null;
  return el("tr", { class: open ? "claim open" : "claim", id: `claim-${number}`, "data-number": number },
    el("th", { scope: "row", class: "name" }, unfold, words,
      el("div", { class: "course", "data-state": kind }, el("b", { "aria-hidden": "true" }, `${DATA.kinds[kind]} `), el("span", { class: "text" }, course), moves.map(([then, now, at]) => el("div", { class: "step text" }, `${then} → ${now} at ${NAMES[at]}`)),
      falls.map(([words, at]) => el("div", { class: "step text", "data-state": "fell" }, `${DATA.fell} ${words} at ${NAMES[at]}`)))),
    [...verdicts].map((code, at) => cellOf(claim, code, at)),
    el("td", { class: "rest" }));
}

function cellOf({ falls, figures }, code, at) {
  const verdict = DATA.verdicts[code], fell = falls.some(([, there]) => there === at), figure = figures?.[at];
  const mark = !verdict ? DATA.nothing : fell ? DATA.fell : DATA.marks[verdict];
  const label = `${verdict ?? "not measured"}${fell ? ", with a figure that fell," : ""} at ${NAMES[at]}`;
  return el("td", { class: "cell", "data-state": fell ? "fell" : verdict, "data-at": at, "aria-label": label }, mark, figure ? el("span", { class: "value" }, figure) : null);
}

const detailsOf = (claim) => el("tr", { class: "details", id: `details-${claim.number}`, "data-state": claim.kind },
  el("td", { colspan: NAMES.length + 2 }, panel(claim, read(`evidence-${claim.number}`))));

function tools() {
  const search = el("input", { type: "search", id: "search", placeholder: "Search claims", "aria-label": "Search claims", "aria-keyshortcuts": "/", input: () => { state.text = search.value.trim(); list(); } });
  const specs = [...new Set(CLAIMS.map(({ spec }) => spec))];
  const pick = specs.length > 1 ? el("select", { "aria-label": "All specs", change: () => { state.spec = pick.value; list(); } },
    el("option", { value: "" }, "All specs"), specs.map((value) => el("option", { value }, value))) : null;
  const chip = (mark, text, count, kind, press) => {
    const node = el("button", { type: "button", class: "chip", "data-state": kind, "aria-pressed": "false", click: () => { node.setAttribute("aria-pressed", String(press())); list(); } }, el("b", {}, `${mark} ${count}`), ` ${text}`);
    return count ? node : null;
  };
  const kinds = Object.entries(DATA.kinds).map(([kind, mark]) => chip(mark, kind, CLAIMS.filter((claim) => claim.kind === kind).length, kind, () => {
    if (!state.kinds.delete(kind)) state.kinds.add(kind);
    return state.kinds.has(kind);
  }));
  const moving = chip("→", "to another component", CLAIMS.filter(({ moves }) => moves.length).length, "moved", () => (state.moving = !state.moving));
  const falling = chip(DATA.fell, "fell while holding", CLAIMS.filter(({ falls }) => falls.length).length, "fell", () => (state.falling = !state.falling));
  document.querySelector("#claims .tools").append(...[search, pick, el("div", { class: "chips", role: "group", "aria-label": "How claims fare" }, [...kinds, moving, falling])].filter(Boolean));
}

function heads() {
  const table = document.querySelector(".matrix"), few = NAMES.length <= FEW;
  if (few) table.classList.add("few");
  table.style.setProperty("--cell", few ? "112px" : NAMES.length <= 40 ? "30px" : "19px");
  table.querySelector("thead").append(el("tr", {}, el("th", { scope: "col", class: "name" }, "claim"),
    NAMES.map((name, at) => el("th", { scope: "col", title: DATA.labels[at] }, el("span", { class: "text" }, name))), el("td", { class: "rest" })));
  table.hidden = false;
}

function bar() {
  const counts = Object.keys(DATA.kinds).map((kind) => [kind, CLAIMS.filter((claim) => claim.kind === kind).length]).filter(([, count]) => count);
  grown(document.getElementById("bar"), { role: "img", "aria-label": counts.map(([kind, count]) => `${count} ${kind}`).join(", ") },
    counts.map(([kind, count]) => el("i", { "data-state": kind, style: `flex: ${count}`, title: `${count} ${kind}` })));
}

function clear() {
  Object.assign(state, { text: "", moving: false, falling: false, spec: "" });
  state.kinds.clear();
  unfiltered();
  list();
}

/** What a cell was decided by is looked up when it is pointed at, not for thirty thousand cells. */
function hints() {
  body.addEventListener("mouseover", ({ target }) => {
    const cell = target.closest("td.cell");
    if (cell && !cell.title) cell.title = told(read(`evidence-${cell.parentNode.dataset.number}`), cell.getAttribute("aria-label"), Number(cell.dataset.at));
  });
}

tools();
heads();
bar();
theme();
keys();
hints();
printing(() => more(listed.length));
list();
watch();
followHash();
