const MEANING = {
  holds: "The whole interval lies inside the bound.",
  fails: "The whole interval lies outside the bound.",
  inconclusive: "The interval lies on both sides of the bound's edge: these units cannot decide.",
  moved: "Another component than the one named plays the role.",
  error: "It could not be measured.",
  "not applicable": "It is not about this model.",
};
const LOST = ["no longer measured", "gone"];
const FEW = 8;

/** What unfolds below a claim. */
function panel(claim, evidence) {
  const meaning = LOST.includes(claim.change?.kind) ? `It was measured in ${evidence.baseline}, and is not now.` : MEANING[claim.verdict];
  const parts = [
    el("p", { class: "words text", dir: "auto" }, claim.says || claim.id),
    el("p", { class: "judged", "data-state": claim.verdict }, el("b", {}, `${DATA.marks[claim.verdict]} ${claim.verdict}. `), evidence.reason ? `${meaning} ${evidence.reason}` : meaning),
    ...figuresOf(claim, evidence), ...differencesOf(claim, evidence), ...picturesOf(evidence), ...examplesOf(evidence), ...measuredOf(claim, evidence),
    el("div", { class: "buttons" },
      button("Download JSON", () => save(`${claim.id}.json`, JSON.stringify({ ...claim, ...evidence }, null, 1), "application/json")),
      button("Download CSV", () => save(`${claim.id}.csv`, csv(figureRows(evidence)), "text/csv"))),
  ];
  return el("div", { class: "panel", "data-state": claim.state ?? claim.verdict, role: "region", "aria-label": `Details of ${claim.id}` }, parts);
}

const figureRows = ({ statistics }) => [
  ["statistic", "estimate", "low", "high", "level", "n", "expected", "verdict", "method", "family", "p"],
  ...statistics.map((s) => [s.name, s.estimate, s.low, s.high, s.level, s.n, s.expected, s.verdict, s.method, s.family, s.p]),
];

function figuresOf(claim, { statistics, left_out }) {
  if (!statistics.length) return [];
  const family = (name) => name.split("[")[0];
  const scales = new Map(statistics.map(({ name }) => [family(name), domain(statistics.filter((one) => family(one.name) === family(name)))]));
  const head = ["statistic", "estimate and interval", "against the bound", "expected", "n", "interval", "p", "verdict"];
  const row = (one) => el("tr", { "data-state": one.verdict || "unjudged" },
    el("td", { class: "name text" }, one.name),
    el("td", { class: "value" }, one.text, one.opposite ? el("div", { class: "soft" }, `${one.opposite.toLocaleString("en")} of ${one.examples.toLocaleString("en")} go the other way`) : null),
    el("td", {}, drawnInterval(one, { scale: scales.get(family(one.name)), edges: Boolean(one.bound), width: 220, height: 14 })),
    el("td", { class: "value" }, one.expected),
    el("td", { class: "value" }, one.n.toLocaleString("en")),
    el("td", { class: "soft" }, [one.level, one.method, one.family].filter(Boolean).join(", ")),
    el("td", { class: "value" }, one.p),
    el("td", { class: "verdict" }, one.verdict ? `${DATA.marks[one.verdict]} ${one.verdict}` : ""));
  const body = el("tbody", {}, statistics.slice(0, FEW).map(row));
  const rest = statistics.slice(FEW);
  const more = rest.length ? button(`Show all ${statistics.length}`, () => {
    body.append(...rest.map(row));
    more.remove();
  }) : null;
  return [el("h3", {}, "Figures"), el("div", { class: "scroll" }, el("table", { class: "figures" },
    el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col" }, text)))), body)), more ? el("div", { class: "buttons" }, more) : null,
    left_out ? el("p", { class: "count" }, `${left_out.toLocaleString("en")} more are in the record (--ppcheck-json).`) : null];
}

const shift = ([from, to]) => el("p", { class: "moved", "aria-label": `moved from ${from} to ${to}` }, el("s", { class: "text" }, from), "→", el("em", { class: "text" }, to));

function differencesOf(claim, { differences, baseline, unpaired }) {
  if (!claim.change && !claim.moved) return [];
  const head = ["statistic", "then", "now", "difference", "against the tolerance", "tolerance", "interval", "change"];
  const rows = differences.map((one) => el("tr", { "data-state": one.change },
    el("td", { class: "name text" }, one.name), el("td", { class: "value" }, one.old), el("td", { class: "value" }, one.new),
    el("td", { class: "value" }, one.text), el("td", {}, drawnInterval(one, { edges: true, width: 220, height: 14 })),
    el("td", { class: "value" }, `± ${one.tolerance}`), el("td", { class: "soft" }, `${one.level}, n = ${one.n}`),
    el("td", { class: "verdict" }, `${one.mark} ${one.change}`)));
  return [
    el("h3", {}, baseline ? "Against the baseline" : "Moved"),
    claim.change ? el("p", { class: "against" }, el("span", { class: "change", "data-state": claim.change.kind }, claim.change.text), el("span", { class: "soft text" }, ` against ${baseline}`)) : null,
    claim.moved ? shift(claim.moved) : null,
    unpaired.length ? el("p", { class: "against text" }, `On one side alone, and not compared: ${unpaired.join(", ")}`) : null,
    rows.length ? el("div", { class: "scroll" }, el("table", { class: "figures" },
      el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, rows))) : null,
  ];
}

function picturesOf({ pictures }) {
  if (pictures === undefined) return [el("p", { class: "notice" }, "To keep this page small it has only the figures of this claim. Run it alone, with --ppcheck-report, for its pictures and examples.")];
  const figures = Object.entries(CHARTS).flatMap(([kind, chart]) => (pictures[kind] ?? []).map(chart));
  return figures.length ? [el("h3", {}, "Evidence"), el("div", { class: "plots" }, figures)] : [];
}

function examplesOf({ examples, statistics }) {
  if (!examples?.length) return [];
  const place = el("div", {});
  const show = (number) => {
    const shown = examples[number], { opposite } = shown;
    forget(place);
    place.replaceChildren(
      strip(shown, statistics.find(({ name }) => name === shown.name)),
      ...(opposite === null ? [] : [el("p", { class: "count" }, `${opposite.toLocaleString("en")} of ${shown.of.toLocaleString("en")} examples go against the estimate.`)]),
      ...(shown.worst.length ? [el("p", { class: "count" }, "Furthest from what is expected:"), el("ul", { class: "worst" }, shown.worst.map(({ text, value }) =>
        el("li", {}, el("code", {}, value), el("q", { dir: "auto" }, text))))] : []));
  };
  show(0);
  const choice = examples.length > 1 ? el("select", { "aria-label": "Statistic", change: (event) => show(Number(event.target.value)) },
    examples.map(({ name }, n) => el("option", { value: n }, name))) : null;
  return [el("h3", {}, "Examples"), el("div", { class: "tools" }, choice), place];
}

function measuredOf(claim, { on, sample, source, facts, notes, command }) {
  const rows = [["where", `${claim.spec}:${claim.line}`], ["check", claim.check], ["model", claim.model], ["on", sample ? `${on}: ${sample}` : on], ["source", source], ...notes.map((note) => ["note", note])];
  const list = (some) => el("dl", {}, some.filter(([, text]) => text).flatMap(([name, text]) => [el("dt", {}, name), el("dd", { class: "text" }, text)]));
  const copy = button("Copy", async () => {
    await navigator.clipboard.writeText(command);
    copy.textContent = "Copied";
  });
  return [el("h3", {}, "How it was measured"), el("div", { class: "facts" }, list(rows), list(facts)),
    el("h3", {}, "Run it alone"), el("div", { class: "command" }, el("code", {}, command), navigator.clipboard ? copy : null)];
}
