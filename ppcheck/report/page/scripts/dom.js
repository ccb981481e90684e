// @ts-check
import { isNumber, short } from "./numbers.js";

/**
 * @typedef {string | number | boolean | null | undefined | ((event: Event) => void)} Attribute
 * @typedef {Record<string, Attribute>} Attributes
 * @typedef {Node | string | null | undefined} Child
 * @typedef {{ head: string[], rows: (string | number | null | undefined)[][] }} Table
 */

/**
 * An element with attributes; what is appended is put in as text, never as markup.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export const el = (tag, attributes = {}, ...children) =>
  grown(document.createElement(tag), attributes, children);

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElementTagNameMap[T]}
 */
export const svg = (tag, attributes = {}, ...children) =>
  grown(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

/**
 * The node, with these attributes and children.
 * @template {Element} N
 * @param {N} node
 * @param {Attributes} attributes
 * @param {(Child | Child[])[]} children
 * @returns {N}
 */
export function grown(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...present(children.flat()));
  return node;
}

/**
 * @template T
 * @param {(T | null | undefined)[]} some
 * @returns {T[]}
 */
export const present = (some) =>
  /** @type {T[]} */ (some.filter((one) => one !== null && one !== undefined));

/**
 * The one element that the page's template, or a row, is sure to have.
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {HTMLElement}
 */
export function find(selector, within = document) {
  const found = within.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return found;
}

/**
 * What Python wrote into the page under this id.
 * @param {string} id
 * @returns {any}
 */
export const read = (id) => JSON.parse(find(`#${id}`).textContent ?? "");

/**
 * @param {string} text
 * @param {() => void} act
 * @param {Attributes} [attributes]
 */
export const button = (text, act, attributes = {}) =>
  el("button", { type: "button", class: "quiet", click: act, ...attributes }, text);

/**
 * A colour of the style sheet as the present theme has it.
 * @param {string} name
 */
export function colour(name) {
  const probe = el("i", { style: `color: var(--${name})` });
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/**
 * @param {string} name
 * @param {string | Blob} content
 * @param {string} type
 */
export function save(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  el("a", { href: url, download: name.replace(/[^\w.@-]+/g, "-") }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/**
 * Fields that a spreadsheet would run as a formula get a quote before them.
 * @param {unknown[][]} rows
 */
export function csv(rows) {
  /** @param {unknown} value */
  const field = (value) => {
    const isFormula = typeof value === "string" && /^[=+@\t\r-]/.test(value);
    const text = isFormula ? `'${value}` : String(value ?? "");
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${rows.map((row) => row.map(field).join(",")).join("\r\n")}\r\n`;
}

/**
 * @param {string[]} head
 * @param {Attributes} [attributes]
 */
export const headRow = (head, attributes = {}) =>
  el(
    "thead",
    {},
    el(
      "tr",
      {},
      head.map((text) => el("th", { scope: "col", ...attributes }, text)),
    ),
  );

/** @param {Table} table */
export function tableOf({ head, rows }) {
  /** @param {string | number | null | undefined} value */
  const cell = (value) =>
    isNumber(value)
      ? el("td", { class: "value num" }, short(value))
      : el("td", { class: "text" }, String(value ?? ""));
  const body = el(
    "tbody",
    {},
    rows.map((row) => el("tr", {}, row.map(cell))),
  );
  const attributes = { tabindex: 0, role: "region", "aria-label": "Data as a table" };
  return el(
    "div",
    { class: "scroll", ...attributes },
    el("table", { class: "figures" }, headRow(head), body),
  );
}

/**
 * Names with their texts, as a list.
 * @param {(readonly [string, string])[]} some
 */
export const definitions = (some) =>
  el(
    "dl",
    {},
    some.flatMap(([name, text]) => [el("dt", {}, name), el("dd", { class: "text" }, text)]),
  );

/**
 * From whom to whom a role moved.
 * @param {"p" | "span"} tag
 * @param {string} from
 * @param {string} to
 */
export const moved = (tag, from, to) =>
  el(
    tag,
    { class: "moved", "aria-label": `moved from ${from} to ${to}` },
    el("s", { class: "text" }, from),
    "→",
    el("em", { class: "text" }, to),
  );
