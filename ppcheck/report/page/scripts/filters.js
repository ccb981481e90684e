// @ts-check
/** @import { Child } from "./dom.js" */
import { el, find, grown, present } from "./dom.js";

/** @param {(text: string) => void} search */
export function searchField(search) {
  const field = el("input", {
    type: "search",
    id: "search",
    placeholder: "Search claims",
    "aria-label": "Search claims",
    "aria-keyshortcuts": "/",
    input: () => search(field.value.trim()),
  });
  return field;
}

/**
 * A choice of one value or of all, where there are several.
 * @param {string} label
 * @param {string[]} values
 * @param {(value: string) => void} choose
 * @param {string | null} [name]
 */
export function choice(label, values, choose, name = null) {
  if (values.length < 2) return null;
  const field = el(
    "select",
    { "aria-label": label, name, change: () => choose(field.value) },
    el("option", { value: "" }, label),
    values.map((value) => el("option", { value }, value)),
  );
  return field;
}

/**
 * A button that filters, where there is something for it to find. `press` says whether it is on.
 * @param {{ mark: string, text: string, count: number, state: string, press: () => boolean }} of
 */
export function chip({ mark, text, count, state, press }) {
  if (!count) return null;
  const node = el(
    "button",
    {
      type: "button",
      class: "chip",
      "data-state": state,
      "aria-pressed": "false",
      click: () => node.setAttribute("aria-pressed", String(press())),
    },
    el("b", {}, `${mark} ${count}`),
    ` ${text}`,
  );
  return node;
}

/**
 * Put fields and buttons above the table.
 * @param {Child[]} fields
 * @param {string} label
 * @param {Child[]} chips
 */
export function addTools(fields, label, chips) {
  const group = el("div", { class: "chips", role: "group", "aria-label": label }, chips);
  find("#claims .tools").append(...present(fields), group);
}

/** Empty the fields and raise the buttons that filter. */
export function emptied() {
  for (const field of document.querySelectorAll("#claims .tools input, #claims .tools select")) {
    /** @type {HTMLInputElement | HTMLSelectElement} */ (field).value = "";
  }
  for (const node of document.querySelectorAll(".chip")) node.setAttribute("aria-pressed", "false");
}

/**
 * In or out of the set, by turns; whether it is in now.
 * @param {Set<string>} some
 * @param {string} value
 */
export function switched(some, value) {
  if (!some.delete(value)) some.add(value);
  return some.has(value);
}

/**
 * How many claims are in each state, as one bar.
 * @param {[string, number][]} counts
 */
export function bar(counts) {
  const words = counts.map(([state, count]) => `${count} ${state}`);
  grown(
    find("#bar"),
    { role: "img", "aria-label": words.join(", ") },
    counts.map(([state, count], n) =>
      el("i", { "data-state": state, style: `flex: ${count}`, title: words[n] }),
    ),
  );
}

/**
 * Whether every word that is searched for is in the texts.
 * @param {string} searched
 * @param {(string | number)[]} texts
 */
export function hasWords(searched, texts) {
  const all = texts.join(" ").toLowerCase();
  return searched
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
