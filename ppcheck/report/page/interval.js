/** What an axis must show: estimate, finite ends, and the edges of the bound. */
function domain(intervals) {
  const numbers = intervals.flatMap(({ estimate, low, high, bound }) => [estimate, low, high, ...(bound ?? [])]).filter(isNumber);
  if (!numbers.length) return [0, 1];
  const least = Math.min(...numbers), most = Math.max(...numbers);
  const margin = (most - least || Math.abs(most) || 1) * 0.14;
  return [least - margin, most + margin];
}

/** An interval against its bound, drawn; the text beside it says the same. */
function drawnInterval(shown, { width = 230, height = 16, scale = null, edges = false } = {}) {
  const [from, to] = scale ?? domain([shown]);
  const x = (value) => ((value - from) / (to - from)) * width;
  const middle = height / 2, { estimate, low, high, bound } = shown;
  const parts = [svg("line", { class: "axis", x1: 0, x2: width, y1: middle, y2: middle })];
  if (bound) {
    const start = isNumber(bound[0]) ? x(bound[0]) : 0, end = isNumber(bound[1]) ? x(bound[1]) : width;
    parts.push(svg("rect", { class: "band", x: start, y: 0, width: Math.max(end - start, 1.5), height }));
    const finite = [...new Set(bound.filter(isNumber))], close = finite.length === 2 && end - start < 56;
    for (const [n, edge] of finite.entries()) {
      parts.push(svg("line", { class: "edge", x1: x(edge), x2: x(edge), y1: -1, y2: height + 1 }));
      if (edges) parts.push(svg("text", { x: x(edge), y: height + 11, "text-anchor": close ? ["end", "start"][n] : "middle", "font-size": 9.5, fill: "currentColor", opacity: 0.75 }, short(edge)));
    }
  }
  if (from < 0 && to > 0) parts.push(svg("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: height }));
  const left = isNumber(low) ? x(low) : 0, right = isNumber(high) ? x(high) : width;
  parts.push(svg("line", { class: "range", x1: left, x2: right, y1: middle, y2: middle }));
  if (!isNumber(low)) parts.push(svg("path", { class: "cap", d: `M0 ${middle} l7 -4 v8 z` }));
  if (!isNumber(high)) parts.push(svg("path", { class: "cap", d: `M${width} ${middle} l-7 -4 v8 z` }));
  if (isNumber(estimate)) parts.push(svg("circle", { class: "dot", cx: x(estimate), cy: middle, r: 4.2 }));
  const total = height + (edges ? 14 : 2);
  return svg("svg", { class: "interval", width, height: total, viewBox: `0 -1 ${width} ${total}`, "aria-hidden": "true" }, parts);
}
