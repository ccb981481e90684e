/** An element with attributes; what is appended is put in as text, never as markup. */
const el = (tag, attributes = {}, ...children) => grown(document.createElement(tag), attributes, children);

const svg = (tag, attributes = {}, ...children) =>
  grown(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function grown(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const read = (id) => JSON.parse(document.getElementById(id).textContent);

const plural = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** Three significant digits, as in the terminal. */
const short = (value) => (isNumber(value) ? String(Number(value.toPrecision(3))) : "");

const button = (text, act, attributes = {}) => el("button", { type: "button", class: "quiet", click: act, ...attributes }, text);

/** A colour of the style sheet as the present theme has it. */
function colour(name) {
  const probe = el("i", { style: `color: var(--${name})` });
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function save(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: url, download: name.replace(/[^\w.@-]+/g, "-") }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** Fields that a spreadsheet would run as a formula get a quote before them. */
function csv(rows) {
  const field = (value) => {
    const text = typeof value === "string" && /^[=+@\t\r-]/.test(value) ? `'${value}` : String(value ?? "");
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(field).join(",")).join("\r\n") + "\r\n";
}

const tableOf = ({ head, rows }) =>
  el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Data as a table" },
    el("table", { class: "figures" },
      el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((value) =>
        el("td", { class: isNumber(value) ? "value num" : "text" }, isNumber(value) ? short(value) : value ?? "")))))));
