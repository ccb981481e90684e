/** After Okabe and Ito, told apart by every kind of colour vision; lines differ in dash too. */
const hue = (n) => colour(`hue-${n % 6}`);
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "x", "star"];

const extent = (values) => {
  const numbers = values.flat(2).filter(isNumber);
  return [Math.min(...numbers), Math.max(...numbers)];
};

const spoken = (values) => {
  const [least, most] = extent(values);
  return `Values from ${short(least)} to ${short(most)}`;
};

/** Blue for more and orange for less, through the colour of the card where there is nothing. */
function shades(least, most) {
  const reach = Math.max(Math.abs(least), Math.abs(most)) || 1;
  const none = colour("card");
  if (least < -0.05 * reach) return { colorscale: [[0, colour("least")], [0.25, colour("less")], [0.5, none], [0.75, colour("more")], [1, colour("most")]], zmin: -reach, zmax: reach };
  return { colorscale: [[0, none], [0.5, colour("more")], [1, colour("most")]], zmin: 0, zmax: reach };
}

function heatmap({ title, rows, columns, values, now, before }) {
  const named = (row, column) => [row + column, `${column}.${row}`];
  const cells = rows.flatMap((row, r) => columns.map((column, c) => ({ row, column, r, c, value: values[r][c] })));
  const outlined = (names, line) => cells
    .filter(({ row, column }) => named(row, column).some((name) => names.includes(name)))
    .map(({ r, c }) => ({ type: "rect", x0: c - 0.46, x1: c + 0.46, y0: r - 0.46, y1: r + 0.46, line }));
  const [least, most] = extent(values);
  const reach = Math.max(Math.abs(least), Math.abs(most)) || 1;
  const decimals = reach < 10 ? Math.min(Math.max(2, 1 - Math.floor(Math.log10(reach))), 5) : 0;
  const notes = [before.length ? `dashed: ${before.join(", ")}, before` : "", now.length ? `outlined: ${now.join(", ")}, now` : ""];
  return figure({
    title,
    note: notes.filter(Boolean).join("; ").slice(0, 300),
    summary: spoken(values),
    width: Math.max(columns.length * 82 + 190, 300),
    wide: columns.length > 16,
    table: { head: ["", ...columns], rows: rows.map((row, r) => [row, ...values[r]]) },
    plot: () => ({
      data: [{
        type: "heatmap", z: values, x: columns.map(plain), y: rows.map(plain), ...shades(least, most), xgap: 2, ygap: 2,
        text: values.map((row) => row.map((value) => (isNumber(value) ? value.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1") : ""))),
        texttemplate: columns.length <= 12 && cells.length <= 400 ? "%{text}" : "", textfont: { size: 11 },
        customdata: values.map((row) => row.map(short)), hovertemplate: "%{y} %{x}: %{customdata}<extra></extra>",
        colorbar: { thickness: 10, outlinewidth: 0, len: 0.95 },
      }],
      layout: {
        height: Math.min(Math.max(rows.length * 36 + 70, 170), 640),
        xaxis: { type: "category", side: "bottom", showgrid: false, automargin: true },
        yaxis: { type: "category", autorange: "reversed", showgrid: false, automargin: true },
        shapes: [...outlined(before, { color: colour("soft"), width: 2, dash: "dot" }), ...outlined(now, { color: colour("ink"), width: 2.5 })],
      },
    }),
  });
}

function bars({ title, names, values }) {
  return figure({
    title,
    summary: spoken(values),
    table: { head: ["site", "effect"], rows: names.map((name, n) => [name, values[n]]) },
    plot: () => ({
      data: [{ type: "bar", orientation: "h", x: values, y: names.map(plain), marker: { color: values.map((value) => hue(value < 0 ? 1 : 0)) }, hovertemplate: "%{y}: %{x:.3g}<extra></extra>" }],
      layout: { height: names.length * 20 + 80, xaxis: axis(), yaxis: axis({ type: "category", autorange: "reversed", showgrid: false }) },
    }),
  });
}

const translucent = (rgb) => rgb.replace("rgb(", "rgba(").replace(")", ", 0.2)");

function curves({ title, x_label, y_label, lines, marks }) {
  const banded = lines.some(({ low }) => low);
  const switches = marks.map(({ name, x, low, high }) => `${name} ${short(x)} [${short(low) || "-∞"}, ${short(high) || "∞"}]`);
  return figure({
    title,
    note: [banded ? "Bands: the 95 % interval of each point, or the range of random controls" : "", ...switches].filter(Boolean).join("; "),
    summary: lines.map(({ name, y }) => `${name}: ${spoken(y)}`).join(". "),
    table: {
      head: ["curve", x_label, y_label || "value", ...(banded ? ["low", "high"] : [])],
      rows: lines.flatMap(({ name, x, y, low, high }) => x.map((at, n) => [name, at, y[n], ...(banded ? [low?.[n] ?? "", high?.[n] ?? ""] : [])])),
    },
    plot: () => ({
      data: lines.flatMap((line, n) => traces(line, n, lines.length)),
      layout: {
        height: 320, xaxis: axis({ title: { text: plain(x_label) }, zeroline: false, ...steps(lines) }), yaxis: axis({ title: { text: plain(y_label) } }),
        legend: { orientation: "h", y: -0.24, yanchor: "top" }, showlegend: lines.length > 1, shapes: marks.flatMap(crossing),
      },
    }),
  });
}

/** Layers and doses are whole numbers, and so are the ticks. */
const steps = (lines) => (lines.every(({ x }) => x.length <= 16 && x.every(Number.isInteger)) ? { dtick: 1 } : {});

function traces({ name, x, y, low, high }, n, of) {
  const own = hue(n), group = `${n}`;
  const line = {
    x, y, name: plain(name), mode: x.length > 40 ? "lines" : "lines+markers", legendgroup: group,
    line: { color: own, width: 2.2, dash: DASHES[n % DASHES.length] }, marker: { symbol: SYMBOLS[n % SYMBOLS.length], size: 7 },
    text: x.map((_, at) => (low ? `${short(y[at])} [${short(low[at])}, ${short(high[at])}]` : short(y[at]))),
    hovertemplate: `%{x}: %{text}<extra>${of > 1 ? plain(name).replaceAll("%{", "% {") : ""}</extra>`,
  };
  if (!low) return [line];
  const edge = { x, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false, legendgroup: group };
  return [{ ...edge, y: low }, { ...edge, y: high, fill: "tonexty", fillcolor: translucent(own) }, line];
}

/** Where a curve crosses one half: a line, and a band as wide as its interval. */
function crossing({ x, low, high }) {
  const full = { yref: "paper", y0: 0, y1: 1 };
  const at = { type: "line", ...full, x0: x, x1: x, line: { color: colour("ink"), width: 1.5, dash: "dash" } };
  const half = { type: "line", xref: "paper", x0: 0, x1: 1, y0: 0.5, y1: 0.5, line: { color: colour("soft"), width: 1, dash: "dot" } };
  const within = isNumber(low) && isNumber(high) ? [{ type: "rect", ...full, x0: low, x1: high, line: { width: 0 }, fillcolor: colour("band"), layer: "below" }] : [];
  return [...within, at, half];
}

/** The residual stream: a lane a position, as thick as what it carries, and where it crosses over. */
function flow(picture) {
  const { title, rows, columns, values, handover } = picture;
  const origin = columns.indexOf(picture.from), target = columns.indexOf(picture.to);
  const largest = Math.max(...values.flat().filter(isNumber).map(Math.abs), 1e-9);
  const points = rows.flatMap((row, r) => columns.map((column, c) => ({ row, column, r, c, value: values[r][c] ?? 0 })));
  return figure({
    title: `${title}: how it flows`,
    note: isNumber(handover) ? `Handed over from ${picture.from} to ${picture.to} at layer ${short(handover)}; lanes are as thick as the share that the residual stream carries there` : "Lanes are as thick as the share that the residual stream carries there",
    summary: spoken(values),
    table: { head: ["", ...columns], rows: rows.map((row, r) => [row, ...values[r]]) },
    plot: () => ({
      data: [{
        x: points.map(({ c }) => c), y: points.map(({ r }) => r), mode: "markers", type: "scatter",
        marker: { size: points.map(({ value }) => 9 + 21 * Math.abs(value) / largest), color: points.map(({ value }) => hueOf(value, largest)), line: { color: colour("card"), width: 2 } },
        text: points.map(({ row, column, value }) => plain(`${row} at ${column}: ${short(value)}`)), hovertemplate: "%{text}<extra></extra>",
      }],
      layout: {
        height: Math.max(rows.length * 54 + 80, 240), margin: { l: 56, r: 24, t: 18, b: 44 },
        xaxis: axis({ tickvals: columns.map((_, c) => c), ticktext: columns.map(plain), range: [-0.6, columns.length - 0.4], showgrid: false, zeroline: false }),
        yaxis: axis({ tickvals: rows.map((_, r) => r), ticktext: rows.map(plain), range: [-0.7, rows.length - 0.3], showgrid: false, zeroline: false }),
        shapes: lanes(points, largest), annotations: arrow(handover, origin, target),
      },
    }),
  });
}

const hueOf = (value, largest) => {
  if (Math.abs(value) < 0.02 * largest) return colour("soft");
  return hue(value < 0 ? 1 : 0);
};

const lanes = (points, largest) => points.filter(({ r }) => r > 0).map(({ r, c, value }) => ({
  type: "line", layer: "below", x0: c, x1: c, y0: r - 1, y1: r, opacity: 0.45,
  line: { width: 1.5 + 14 * Math.abs(value) / largest, color: hueOf(value, largest) },
}));

function arrow(layer, from, to) {
  if (!isNumber(layer) || from < 0 || to < 0) return [];
  return [{ x: to, y: layer, ax: from, ay: layer - 1, xref: "x", yref: "y", axref: "x", ayref: "y", showarrow: true, arrowhead: 2, arrowsize: 1.3, arrowwidth: 2.2, arrowcolor: colour("ink"), standoff: 14, startstandoff: 12, text: "" }];
}

function attention({ title, tokens, weights }) {
  const most = Math.max(...weights, 1e-9);
  return figure({
    title, wide: true,
    table: { head: ["token", "attention"], rows: tokens.map((token, n) => [token, weights[n]]) },
    note: "The stronger the shade, the more attention; hover for the figure",
    body: el("p", { class: "tokens", dir: "auto" }, tokens.map((token, n) =>
      el("span", { style: `--weight: ${weights[n] / most}`, class: weights[n] >= 0.5 * most ? "strong" : null, title: `${token}: ${short(weights[n])}` }, token))),
  });
}

const distinct = (values) => [...new Set(values)].sort((one, other) => one - other);

/** Where few values occur at all, how often each does. */
function counted(name, values) {
  const x = distinct(values), share = (value) => values.filter((other) => other === value).length / values.length;
  const gap = Math.min(...x.slice(1).map((value, n) => value - x[n]), Math.abs(x[0]) || 1);
  return {
    type: "bar", x, y: x.map(share), width: gap * 0.12, name: plain(name), marker: { color: hue(0) },
    text: x.map((value) => `${(100 * share(value)).toFixed(0)} %`), textposition: "auto", hovertemplate: "%{x}: %{text} of examples<extra></extra>",
  };
}

const cloud = (name, values, own) => ({
  x: values, name: plain(name), type: distinct(values).length > 8 ? "violin" : "box", orientation: "h", points: "all", boxpoints: "all",
  jitter: 0.5, pointpos: -1.1, side: "positive", spanmode: "hard", width: 0.9,
  marker: { size: 4, opacity: 0.6, color: own }, line: { color: own, width: 1.5 }, fillcolor: translucent(own), meanline: { visible: true },
  hovertemplate: "%{x:.3g}<extra></extra>",
});

function separation({ title, groups }) {
  return figure({
    title,
    summary: groups.map(({ name, values }) => `${name}: ${spoken(values)}`).join(". "),
    table: { head: ["group", "activation"], rows: groups.flatMap(({ name, values }) => values.map((value) => [name, value])) },
    plot: () => ({
      data: groups.map(({ name, values }, n) => cloud(name, values, hue(n))),
      layout: { height: groups.length * 84 + 70, showlegend: false, xaxis: axis({ title: { text: "activation" } }), yaxis: axis({ type: "category", showgrid: false }) },
    }),
  });
}

const upright = (x, line) => ({ type: "line", yref: "paper", y0: 0, y1: 1, x0: x, x1: x, line });

/**
 * Every example of a statistic, against what is expected of their mean. A statistic that lies outside
 * its examples is no mean of them, a correlation say: its bound has another scale.
 */
function strip({ name, values, of }, statistic) {
  const [least, most] = extent(values), slack = 1e-3 * (most - least || Math.abs(most) || 1);
  const mean = isNumber(statistic?.estimate) && statistic.estimate >= least - slack && statistic.estimate <= most + slack;
  return figure({
    title: `${name}, example by example`,
    note: of > values.length ? `${values.length} of ${of.toLocaleString("en")} examples, evenly by rank` : `${of} examples`,
    summary: spoken(values), wide: true,
    table: { head: ["rank", name], rows: values.map((value, n) => [n + 1, value]) },
    plot: () => ({
      data: [distinct(values).length > 8 ? cloud(name, values, hue(0)) : counted(name, values)],
      layout: {
        height: 210, margin: { l: 20, r: 20, t: 12, b: 30 }, showlegend: false, xaxis: axis({ zeroline: true }), yaxis: axis({ showticklabels: false, showgrid: false, zeroline: false }),
        shapes: mean ? [
          ...(statistic.bound ?? []).filter(isNumber).map((edge) => upright(edge, { color: colour("edge"), width: 2 })),
          upright(statistic.estimate, { color: colour("ink"), width: 1.5, dash: "dot" }),
        ] : [],
      },
    }),
  });
}

const CHARTS = { flow, attention, curves, maps: heatmap, separations: separation, bars };
