/** Rows that are selected, one by one, a range, the page or all that match, and the bar that says what can be done. */
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
  box.hidden = !found.length;
  document.querySelector("[data-list]")?.classList.toggle("os-picking", found.length > 0);
  const words = everything ? (everything.more ? box.dataset.first : box.dataset.all) : found.length === 1 ? box.dataset.one : box.dataset.many;
  box.querySelector("[data-bulk-count]").textContent = words.replace("#", String(everything ? everything.links.length : found.length));
  box.querySelector("[data-bulk-all]").hidden = Boolean(everything) || !(all?.checked && document.querySelector(".os-pager a[rel=next], .os-pager a[rel=prev]"));
  const mails = everything ? everything.emails : mailsOf(found);
  box.querySelector("[data-bulk-copy=emails]").hidden = !mails.length;
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
  on("click", "[data-bulk-clear]", clear);
  on("click", "[data-bulk-copy]", (button) => copy(button.dataset.bulkCopy));
  on("click", "[data-bulk-all]", async () => {
    const answer = await fetch(document.querySelector("[data-rows]").dataset.all, { headers: { Accept: "application/json" } });
    if (answer.ok) everything = await answer.json();
    show();
  });
  document.addEventListener("htmx:afterSwap", (event) => event.target.id === "rows" && (last = everything = null, show()));
}
