/** List these claims and draw the first rows; others follow as the reader comes to them. */
function show(claims) {
  listed = claims;
  forget(body);
  body.replaceChildren();
  rendered = 0;
  more();
  const all = plural(CLAIMS.length, "claim");
  document.getElementById("shown").textContent = listed.length === CLAIMS.length ? all : `${listed.length.toLocaleString("en")} of ${all}`;
}

function toggle(number, open = !state.open.has(number)) {
  if (open === state.open.has(number)) return;
  const row = document.getElementById(`claim-${number}`);
  if (open) {
    state.open.add(number);
    row?.after(detailsOf(CLAIMS[number]));
  } else {
    state.open.delete(number);
    const details = document.getElementById(`details-${number}`);
    if (details) forget(details);
    details?.remove();
  }
  row?.classList.toggle("open", open);
  row?.querySelector(".unfold").setAttribute("aria-expanded", String(open));
}

/** Unfold a claim wherever it is, without filters that hide it, and go there. */
function goTo(number) {
  if (!listed.some((claim) => claim.number === number)) clear();
  const place = listed.findIndex((claim) => claim.number === number);
  if (place >= rendered) more(place + 1 - rendered + 10);
  toggle(number, true);
  const row = document.getElementById(`claim-${number}`);
  row.scrollIntoView({ block: "start" });
  row.querySelector(".unfold").focus({ preventScroll: true });
}

/** Empty the fields and raise the buttons that filter. */
function unfiltered() {
  for (const field of document.querySelectorAll("#claims .tools input, #claims .tools select")) field.value = "";
  for (const chip of document.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", "false");
}

/** The row button before or after the one in focus. */
function step(from, by) {
  const buttons = [...body.querySelectorAll("tr.claim .unfold")];
  const place = buttons.indexOf(from) + by;
  if (place >= buttons.length && rendered < listed.length) {
    more();
    step(from, by);
    return;
  }
  const next = buttons[Math.max(0, Math.min(place, buttons.length - 1))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function keys() {
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr.claim");
    if (row && !getSelection().toString()) toggle(Number(row.dataset.number));
  });
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (key === "/" && !target.matches("input, select, textarea")) {
      event.preventDefault();
      document.getElementById("search").focus();
    } else if (key === "ArrowDown" && (target.id === "search" || target.matches(".unfold"))) {
      event.preventDefault();
      step(target, 1);
    } else if (key === "ArrowUp" && target.matches(".unfold")) {
      event.preventDefault();
      step(target, -1);
    } else if (key === "Escape" && (target.closest("tr.details") || target.getAttribute("aria-expanded") === "true")) {
      const number = Number(target.closest("tr").id.split("-")[1]);
      toggle(number, false);
      document.querySelector(`#claim-${number} .unfold`).focus();
    }
  });
}

/** Draw further rows as the reader comes to them. */
function watch() {
  new IntersectionObserver((entries) => { if (entries.some(({ isIntersecting }) => isIntersecting)) more(); }, { rootMargin: "600px" }).observe(sentinel);
}
