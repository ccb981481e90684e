// @ts-check
import { find } from "./dom.js";
import { redraw } from "./plots.js";

/** Light or dark, by preference and by hand. */
export function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const toggler = find("#theme");
  const isDark = () => (root.style.colorScheme ? root.style.colorScheme === "dark" : dark.matches);
  const name = () => {
    toggler.textContent = isDark() ? "☀ Light" : "☾ Dark";
  };
  toggler.addEventListener("click", () => {
    root.style.colorScheme = isDark() ? "light" : "dark";
    name();
    redraw();
  });
  dark.addEventListener("change", () => {
    name();
    redraw();
  });
  toggler.hidden = false;
  name();
}

/**
 * Print what the reader sees, all of it.
 * @param {() => void} drawAll
 */
export function printing(drawAll) {
  const print = find("#print");
  print.addEventListener("click", () => window.print());
  print.hidden = false;
  window.addEventListener("beforeprint", drawAll);
}
