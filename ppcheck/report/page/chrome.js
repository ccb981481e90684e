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

/** Go to the claim that the address names, now and whenever it names another. */
function followHash() {
  const follow = () => {
    const number = CLAIMS.findIndex(({ spec, id }) => decodeURIComponent(location.hash) === `#${spec}::${id}`);
    if (number >= 0) goTo(number);
  };
  window.addEventListener("hashchange", follow);
  follow();
}
