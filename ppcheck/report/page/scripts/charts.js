// @ts-check
/** @import { AttentionPicture, BarsPicture, Pictures } from "./data.d.ts" */
import { hueBySign } from "./colours.js";
import { curves } from "./curves.js";
import { el } from "./dom.js";
import { separation } from "./examples.js";
import { flow } from "./flow.js";
import { heatmap } from "./heatmap.js";
import { rangeInWords, short } from "./numbers.js";
import { axis, figure, plain } from "./plots.js";

/**
 * All pictures of a claim, in the order in which they stand.
 * @param {Pictures} pictures
 */
export const charts = (pictures) => [
  ...(pictures.flow ?? []).map(flow),
  ...(pictures.attention ?? []).map(attention),
  ...(pictures.curves ?? []).map(curves),
  ...(pictures.maps ?? []).map(heatmap),
  ...(pictures.separations ?? []).map(separation),
  ...(pictures.bars ?? []).map(bars),
];

/** @param {BarsPicture} picture */
function bars({ title, names, values }) {
  return figure({
    title,
    summary: rangeInWords(values),
    table: { head: ["site", "effect"], rows: names.map((name, n) => [name, values[n]]) },
    plot: () => ({
      data: [
        {
          type: "bar",
          orientation: "h",
          x: values,
          y: names.map(plain),
          marker: { color: values.map((value) => hueBySign(value ?? 0)) },
          hovertemplate: "%{y}: %{x:.3g}<extra></extra>",
        },
      ],
      layout: {
        height: names.length * 20 + 80,
        xaxis: axis({ title: { text: "effect" } }),
        yaxis: axis({ type: "category", autorange: "reversed", showgrid: false }),
      },
    }),
  });
}

/** @param {AttentionPicture} picture */
function attention({ title, tokens, weights }) {
  const most = Math.max(...weights, 1e-9);
  /** @type {(token: string, n: number) => HTMLElement} */
  const shaded = (token, n) =>
    el(
      "span",
      {
        style: `--weight: ${weights[n] / most}`,
        class: weights[n] >= 0.5 * most ? "strong" : null,
        title: `${token}: ${short(weights[n])}`,
      },
      token,
    );
  return figure({
    title,
    wide: true,
    table: { head: ["token", "attention"], rows: tokens.map((token, n) => [token, weights[n]]) },
    note: "The stronger the shade, the more attention; hover for the figure",
    body: el("p", { class: "tokens", dir: "auto" }, tokens.map(shaded)),
  });
}
