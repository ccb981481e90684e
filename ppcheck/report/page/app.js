function tools() {
  const search = el("input", { type: "search", id: "search", placeholder: "Search claims", "aria-label": "Search claims", "aria-keyshortcuts": "/", input: () => { state.text = search.value.trim(); list(); } });
  const pick = (name, label) => {
    const values = [...new Set(CLAIMS.map((claim) => (name === "change" ? claim.change?.kind : claim[name])).filter(Boolean))].sort();
    if (values.length < 2) return null;
    const field = el("select", { "aria-label": label, name, change: () => { state[name] = field.value; list(); } },
      el("option", { value: "" }, label), values.map((value) => el("option", { value }, value)));
    return field;
  };
  const chips = Object.keys(DATA.marks).map((verdict) => {
    const count = CLAIMS.filter((claim) => claim.verdict === verdict).length;
    if (!count) return null;
    const chip = el("button", { type: "button", class: "chip", "data-state": verdict, "aria-pressed": "false", click: () => {
      const on = !state.verdicts.delete(verdict);
      if (on) state.verdicts.add(verdict);
      chip.setAttribute("aria-pressed", String(on));
      list();
    } }, el("b", {}, `${DATA.marks[verdict]} ${count}`), ` ${verdict}`);
    return chip;
  });
  document.querySelector("#claims .tools").append(...[search, pick("check", "All checks"), pick("spec", "All specs"), pick("model", "All models"), pick("change", "All changes"),
    el("div", { class: "chips", role: "group", "aria-label": "Verdicts" }, chips)].filter(Boolean));
}

function heads() {
  const table = document.querySelector(".claims");
  table.prepend(el("colgroup", {}, COLUMNS.map(({ name }) => el("col", { class: `c-${name}` }))));
  const cells = COLUMNS.map(({ name, order }) => {
    if (!order) return el("th", { scope: "col" }, el("span", { class: "label" }, name));
    const cell = el("th", { scope: "col", class: name === "n" ? "num" : null, "aria-sort": name === state.column ? "ascending" : "none" }, el("button", { type: "button", click: () => {
      state.ascending = state.column === name ? !state.ascending : true;
      state.column = name;
      for (const each of cells) if (each.hasAttribute("aria-sort")) each.setAttribute("aria-sort", "none");
      cell.setAttribute("aria-sort", state.ascending ? "ascending" : "descending");
      list();
    } }, name));
    return cell;
  });
  table.querySelector("thead").append(el("tr", {}, cells));
  table.hidden = false;
}

function bar() {
  const states = [...new Set([...CLAIMS].sort(byRank).map(({ state }) => state))];
  const shown = states.map((state) => [state, CLAIMS.filter((claim) => claim.state === state).length]);
  const place = document.getElementById("bar");
  grown(place, { role: "img", "aria-label": shown.map(([verdict, count]) => `${count} ${verdict}`).join(", ") },
    shown.map(([verdict, count]) => el("i", { "data-state": verdict, style: `flex: ${count}`, title: `${count} ${verdict}` })));
}

const CARDS = 9;
const CHANGED = ["regressed", "no longer holds", "no longer measured", "moved", "improved", "not comparable", "gone"];

function changes() {
  const shown = CLAIMS.filter(({ change, moved }) => moved || CHANGED.includes(change?.kind)).sort((one, other) => one.rank[1] - other.rank[1] || byRank(one, other));
  const section = document.getElementById("changes"), cards = section.querySelector(".cards");
  const card = (claim) => {
    const kind = claim.change?.kind ?? "moved", mark = claim.change?.mark ?? "→", { difference } = claim;
    return el("button", { type: "button", class: "card", "data-state": kind, click: () => goTo(claim.number) },
      el("span", { class: "name text" }, claim.id), el("span", { class: "verdict" }, `${mark} ${kind}`),
      claim.moved ? el("span", { class: "step text" }, `${claim.moved[0]} → `, el("b", {}, claim.moved[1])) : claim.led ? el("span", { class: "step text" }, claim.led) : null,
      claim.change?.reason ? el("span", { class: "step text" }, claim.change.reason) : null,
      difference ? el("span", { class: "step text" }, `${difference.name} ${difference.old} → `, el("b", {}, difference.new), ` ${difference.bound}`) : null,
      el("span", { class: "what text" }, claim.says));
  };
  cards.append(...shown.slice(0, CARDS).map(card));
  if (shown.length > CARDS) {
    const rest = button(`Show all ${shown.length}`, () => { cards.append(...shown.slice(CARDS).map(card)); rest.remove(); });
    section.append(el("div", { class: "buttons" }, rest));
  }
  section.hidden = !shown.length;
}

tools();
heads();
bar();
changes();
theme();
keys();
printing(() => more(listed.length));
list();
watch();
followHash();
