/** Light or dark, by preference and by hand. */
function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)"), root = document.documentElement;
  const toggler = document.getElementById("theme");
  const isDark = () => (root.style.colorScheme ? root.style.colorScheme === "dark" : dark.matches);
  const name = () => { toggler.textContent = isDark() ? "☀ Light" : "☾ Dark"; };
  toggler.addEventListener("click", () => { root.style.colorScheme = isDark() ? "light" : "dark"; name(); redraw(); });
  dark.addEventListener("change", () => { name(); redraw(); });
  toggler.hidden = false;
  name();
}

/** Print what the reader sees, all of it. */
function printing(drawAll) {
  const print = document.getElementById("print");
  print.addEventListener("click", () => window.print());
  print.hidden = false;
  window.addEventListener("beforeprint", drawAll);
}
