const interval = ({ y, low, high }, at) => (isNumber(y[at]) ? `${short(y[at])} [${short(low[at]) || "-∞"}, ${short(high[at]) || "∞"}]` : "");

/** A cell in words: its verdict, and the figure that decided it or the reason. */
function told({ series, deciding, reasons, of }, verdict, at) {
  const name = deciding[at] === null ? null : of[deciding[at]];
  const figure = name ? `: ${series[name].of[at]} ${interval(series[name], at)}` : "";
  return `${verdict}${figure}${reasons[at] ? `: ${reasons[at]}` : ""}`;
}

/** What unfolds below a claim. */
function panel(claim, evidence) {
  const names = Object.keys(evidence.series);
  return el("div", { class: "panel", "data-state": claim.kind, role: "region", "aria-label": `Details of ${claim.id}` },
    el("p", { class: "words text", dir: "auto" }, claim.says || claim.id),
    el("p", { class: "judged" }, el("b", {}, `${DATA.kinds[claim.kind]} ${claim.kind}. `), el("span", { class: "text" }, spanOf(claim))),
    claim.falls.length ? [el("h3", {}, "What fell"), ...claim.falls.map(([words, at]) => el("p", {}, el("span", { class: "value" }, words), el("span", { class: "soft text" }, ` at ${NAMES[at]}`)))] : null,
    claim.moves.length ? [el("h3", {}, "Who plays the role"), ...claim.moves.map(moved)] : null,
    names.length ? [el("h3", {}, "From checkpoint to checkpoint"), el("div", { class: "plots" }, names.map((name) => curve(claim, name, evidence.series[name])))] : null,
    el("h3", {}, "Checkpoint by checkpoint"), stepsOf(claim, evidence, names),
    el("h3", {}, "The claim"), el("dl", {}, [["where", `${claim.spec}:${claim.line}`], ["check", claim.check], ["expected", evidence.expected]].flatMap(([name, text]) => [el("dt", {}, name), el("dd", { class: "text" }, text)])));
}

function spanOf({ first, last }) {
  if (first === null) return "There is no checkpoint at which it holds.";
  return `First holds at ${NAMES[first]}, last at ${NAMES[last]}.`;
}

const moved = ([then, now, at]) => el("p", {}, el("span", { class: "moved", "aria-label": `moved from ${then} to ${now}` }, el("s", { class: "text" }, then), "→", el("em", { class: "text" }, now)), el("span", { class: "soft text" }, ` at ${NAMES[at]}`));

function stepsOf(claim, evidence, names) {
  const { players, reasons, series } = evidence, looks = players.some((one) => one !== null);
  const head = ["checkpoint", "verdict", ...(looks ? ["players"] : []), ...names, "reason"];
  const row = (name, at) => {
    const verdict = DATA.verdicts[claim.verdicts[at]], page = DATA.pages[at];
    const label = page ? el("a", { href: `${page}#${encodeURIComponent(`${claim.spec}::${claim.id}`)}` }, name) : name;
    return el("tr", { "data-state": verdict },
      el("td", { class: "name text" }, label),
      el("td", { class: "verdict" }, el("b", { "aria-hidden": "true" }, verdict ? DATA.marks[verdict] : DATA.nothing), verdict ?? "not measured"),
      looks ? el("td", { class: "value text" }, players[at] === null ? "" : evidence.who[players[at]]) : null,
      names.map((one) => el("td", { class: "value" }, interval(series[one], at))),
      el("td", { class: "text" }, reasons[at] ?? ""));
  };
  return el("div", { class: "scroll long", tabindex: 0, role: "region", "aria-label": `${claim.id}, checkpoint by checkpoint` }, el("table", { class: "figures" },
    el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col", class: "text" }, text)))), el("tbody", {}, NAMES.map(row))));
}

/** One statistic over the checkpoints, against what is expected of it. */
function curve(claim, name, series) {
  const { y, low, high, of, bound, expected } = series, [from, to] = bound;
  const numbers = [...y, ...low, ...high, from, to].filter(isNumber);
  const margin = 0.08 * (Math.max(...numbers) - Math.min(...numbers) || 1);
  const range = [Math.min(...numbers) - margin, Math.max(...numbers) + margin];
  const x = NAMES.map((_, at) => at);
  const every = Math.ceil(NAMES.length / 12), ticks = x.filter((at) => at % every === 0);
  return figure({
    title: expected ? `${name} ${expected}` : name,
    note: "Band: the interval at each checkpoint; shaded: what is expected. A hollow point is a checkpoint at which it is not met.",
    summary: spoken([y.filter(isNumber)]),
    table: { head: ["checkpoint", name, "low", "high", "of"], rows: x.map((at) => [NAMES[at], y[at] ?? "", low[at] ?? "", high[at] ?? "", of[at] ?? ""]) },
    plot: () => ({
      data: [...bands(x, y, low, high), {
        x, y, mode: NAMES.length > 60 ? "lines" : "lines+markers", connectgaps: false, line: { color: hue(0), width: 2 },
        marker: { size: 8, color: series.met.map((met) => (met ? hue(0) : colour("card"))), line: { width: 2, color: hue(0) } },
        text: x.map((at) => plain(`${NAMES[at]}: ${of[at] ?? name} ${interval(series, at)}`)), hovertemplate: "%{text}<extra></extra>",
      }],
      layout: {
        showlegend: false,
        xaxis: axis({ tickvals: ticks, ticktext: ticks.map((at) => plain(NAMES[at]).slice(0, 40)), range: [-0.4, NAMES.length - 0.6], showgrid: false, zeroline: false }),
        yaxis: axis({ range, zeroline: false }),
        shapes: [
          { type: "rect", xref: "paper", x0: 0, x1: 1, y0: from ?? range[0], y1: to ?? range[1], line: { width: 0 }, fillcolor: colour("band"), opacity: 0.45, layer: "below" },
          ...[from, to].filter(isNumber).map((edge) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: edge, y1: edge, line: { color: colour("edge"), width: 2, dash: "dash" } })),
        ],
      },
    }),
  });
}

/** The interval around each stretch of neighbouring checkpoints whose intervals have both ends. */
function bands(x, y, low, high) {
  const stretches = [[]];
  for (const at of x) {
    if (isNumber(y[at]) && isNumber(low[at]) && isNumber(high[at])) stretches.at(-1).push(at);
    else if (stretches.at(-1).length) stretches.push([]);
  }
  return stretches.filter(({ length }) => length).map((some) => ({
    x: [...some, ...some.toReversed()], y: [...some.map((at) => high[at]), ...some.toReversed().map((at) => low[at])],
    mode: "lines", line: { width: some.length > 1 ? 0 : 3, color: translucent(hue(0)) }, fill: "toself", fillcolor: translucent(hue(0)), hoverinfo: "skip",
  }));
}
