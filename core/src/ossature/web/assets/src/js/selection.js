/** Rows that are selected, one by one, a range, the page or all that match, and the bar that says what can be done. */
import { openDialog } from "./dialogs.js";
import { on } from "./page.js";
import { toast } from "./toasts.js";

let last = null;
let everything = null;

const bar = () => document.querySelector("[data-bulk]");
const boxes = () => [...document.querySelectorAll("[data-rows] tbody .os-pick")];
const chosen = () => boxes().filter((box) => box.checked);

function show() {
  const box = bar();
  if (!box) return;
  const found = chosen();
  for (const one of boxes()) one.closest("tr").toggleAttribute("data-picked", one.checked);
  const all = document.querySelector("[data-pick-all]");
  if (all) {
    all.checked = found.length > 0 && found.length === boxes().length;
    all.indeterminate = found.length > 0 && !all.checked;
  }
  const choosing = selecting();
  document.querySelector("[data-select-rows]")?.setAttribute("aria-pressed", String(choosing));
  box.hidden = !found.length && !choosing;
  for (const one of box.querySelectorAll("[data-mass], [data-bulk-copy]")) one.disabled = !found.length;
  document.querySelector("[data-list]")?.classList.toggle("os-picking", found.length > 0);
  const merging = box.querySelector("[data-merge]");
  if (merging) merging.hidden = Boolean(everything) || found.length < 2 || found.length > Number(merging.dataset.most);
  const words = everything ? (everything.more ? box.dataset.first : box.dataset.all) : !found.length ? box.dataset.zero : found.length === 1 ? box.dataset.one : box.dataset.many;
  box.querySelector("[data-bulk-count]").textContent = words.replace("#", String(everything ? everything.links.length : found.length));
  box.querySelector("[data-bulk-page]").hidden = Boolean(all?.checked);
  box.querySelector("[data-bulk-all]").hidden = Boolean(everything) || !(all?.checked && document.querySelector(".os-pager a[rel=next], .os-pager a[rel=prev]"));
  const mails = everything ? everything.emails : mailsOf(found);
  box.querySelector("[data-bulk-copy=emails]").hidden = !mails.length;
}

/** On a phone rows are chosen in a mode of their own, begun by its button or by holding a row: then a tap selects. */
const NARROW = matchMedia("(max-width: 767px)");
const HOLD = 500;
const selecting = () => Boolean(document.querySelector("[data-list].os-selecting"));
let held = null;

function choose(on) {
  document.querySelector("[data-list]").classList.toggle("os-selecting", on);
  if (on) show();
  else clear();
}

function holding(event) {
  const row = NARROW.matches && event.pointerType === "touch" && !selecting() && event.target.closest?.("[data-rows] tbody tr[data-href]");
  if (!row || !row.querySelector(".os-pick")) return;
  const { clientX, clientY } = event;
  const timer = setTimeout(() => { held = row; choose(true); pick(row); }, HOLD);
  const over = (move) => {
    if (move.type === "pointermove" && Math.hypot(move.clientX - clientX, move.clientY - clientY) < 10) return;
    clearTimeout(timer);
    setTimeout(() => { held = null; }, 100); // after the click that may follow
    for (const type of OVER) document.removeEventListener(type, over, true);
  };
  for (const type of OVER) document.addEventListener(type, over, true);
}

const OVER = ["pointermove", "pointerup", "pointercancel"];

/** A tap on a row selects it; what follows holding it does nothing more. */
function tapped(event) {
  const row = event.target.closest?.("[data-rows] tbody tr[data-href]");
  if (!row || !(held || (NARROW.matches && selecting()))) return;
  if (!held && event.target.matches(".os-pick")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!held) pick(row);
}

function onPhones() {
  on("click", "[data-select-rows]", () => choose(!selecting()));
  on("click", "[data-bulk-page]", () => {
    for (const box of boxes()) box.checked = true;
    show();
  });
  document.addEventListener("pointerdown", holding);
  document.addEventListener("click", tapped, true);
  document.addEventListener("contextmenu", (event) => held && event.preventDefault());
}

/** The rows that are selected, each with the version that is shown; all that match say so instead. */
function named() {
  return chosen().map((box) => box.closest("tr")).map((row) => `${row.dataset.href.split("/").at(-1)}.${row.dataset.version}`).join(" ");
}

async function act(kind, where) {
  const table = document.querySelector("[data-rows]");
  const url = (where ?? bar().dataset.massUrl) + (everything || where ? new URL(table.dataset.all, location.href).search : "");
  const values = { _act: kind, ...(everything ? { _all: "1" } : { _rows: named() }) };
  await window.htmx.ajax("POST", url, { target: "#mass-dialog", source: bar(), swap: "innerHTML ignoreTitle:true", values });
}

function reload() {
  choose(false);
  window.htmx.ajax("GET", location.href, { target: "#rows", source: document.body, swap: "outerHTML show:none" });
}

function dialogues() {
  on("click", "[data-mass]", (button) => act(button.dataset.mass, button.dataset.massUrl));
  on("click", "[data-merge]", (button) => {
    const ids = chosen().map((box) => `id=${box.closest("tr").dataset.href.split("/").at(-1)}`);
    location.assign(`${button.dataset.merge}?${ids.join("&")}`);
  });
  on("submit", "[data-export]", (form) => form.closest("dialog")?.close());
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "mass-dialog") return;
    openDialog("mass-dialog");
    const wanted = event.target.querySelector("[aria-invalid=true]:not([hidden])") ?? event.target.querySelector(".os-mass-field:last-of-type :is(input:not([type=hidden]):not([type=checkbox]), select:not([hidden]), textarea)") ?? event.target.querySelector("#mass-add");
    wanted?.focus();
  });
  on("change", "[data-mass-add]", (select) => select.value && select.form.requestSubmit());
  on("change", "[data-mass-clear]", (box) => box.closest(".os-mass-field").classList.toggle("os-mass-cleared", box.checked));
  document.addEventListener("os:mass-over", reload);
}

const mailsOf = (found) => found.flatMap((box) => [...box.closest("tr").querySelectorAll('a[href^="mailto:"]')].map((link) => link.href.slice(7)));

export function pick(row) {
  const box = row.querySelector(".os-pick");
  if (!box) return;
  box.checked = !box.checked;
  everything = null;
  last = row;
  show();
}

/** Everything between the row picked last and this one. */
export function pickTo(row) {
  const all = boxes().map((box) => box.closest("tr"));
  const from = last ? all.indexOf(last) : -1;
  const to = all.indexOf(row);
  if (from < 0 || to < 0) return pick(row);
  for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) one.querySelector(".os-pick").checked = true;
  everything = null;
  last = row;
  show();
}

function clear() {
  for (const box of boxes()) box.checked = false;
  everything = null;
  last = null;
  show();
}

async function copy(what) {
  const found = chosen();
  const lines = everything ? everything[what] : what === "emails" ? mailsOf(found) : found.map((box) => box.closest("tr").dataset.href);
  const unique = [...new Set(lines)];
  if (!unique.length) return toast(bar().dataset.none, "info");
  const text = unique.map((line) => (what === "links" ? new URL(line, location.href).href : line)).join("\n");
  await navigator.clipboard.writeText(text);
  toast(bar().dataset.copied.replace("#", String(unique.length)), "success");
}

export function startSelection() {
  dialogues();
  onPhones();
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("[data-rows] tbody .os-pick");
    if (!box) return;
    const row = box.closest("tr");
    if (event.shiftKey && box.checked && last) pickTo(row);
    everything = null;
    last = row;
    show();
  });
  on("change", "[data-pick-all]", (all) => {
    for (const box of boxes()) box.checked = all.checked;
    everything = null;
    show();
  });
  on("click", "[data-bulk-clear]", () => choose(false));
  on("click", "[data-bulk-copy]", (button) => copy(button.dataset.bulkCopy));
  on("click", "[data-bulk-all]", async () => {
    const answer = await fetch(document.querySelector("[data-rows]").dataset.all, { headers: { Accept: "application/json" } });
    if (answer.ok) everything = await answer.json();
    show();
  });
  // Rows that come anew are selected as they were; of all that match it is to be said once more.
  let kept = new Set();
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id === "rows") kept = new Set(everything ? [] : chosen().map((box) => box.closest("tr").dataset.href));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "rows") return;
    for (const box of boxes()) if (kept.has(box.closest("tr").dataset.href)) box.checked = true;
    last = everything = null;
    show();
  });
}
