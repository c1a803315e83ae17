/** Rows of a list: j and k walk, Enter opens, e edits, x selects, space and a click beside the links preview. */
import { on, isTyping, whenReady } from "./page.js";
import { closePreview, isPreviewing, preview, togglePreview } from "./preview.js";
import { pick, pickTo } from "./selection.js";

const active = () => document.querySelector("tr[data-active]");
const rows = () => [...document.querySelectorAll("[data-rows] tbody tr[data-href]")].filter((row) => row.getClientRects().length);
const inside = "a, button, input, label, select, summary, [popover]";

export function activate(row, focus = true) {
  active()?.removeAttribute("data-active");
  row.dataset.active = "";
  row.scrollIntoView({ block: "nearest" });
  if (focus) row.querySelector("a")?.focus({ preventScroll: true });
}

/** Move the marked row; false when the page has no rows. */
export function walk(step) {
  const all = rows();
  if (!all.length) return false;
  const at = all.indexOf(active() ?? document.activeElement?.closest?.("tr"));
  const to = all[Math.max(0, Math.min(all.length - 1, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
  activate(to);
  if (isPreviewing()) preview(to);
  return true;
}

const marked = () => active() ?? document.activeElement?.closest?.("tr[data-href]");

function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return;
  if (event.key === "Escape" && isPreviewing() && !isTyping(event.target)) {
    event.preventDefault();
    closePreview();
    return active()?.querySelector("a")?.focus();
  }
  if (isTyping(event.target) || document.documentElement.dataset.keys === "off") return;
  const row = marked();
  if (!row || (event.target.closest?.(inside) && !event.target.closest("tr[data-href]"))) return;
  const act = {
    " ": () => { activate(row); togglePreview(row); },
    x: () => { activate(row); event.shiftKey ? pickTo(row) : pick(row); },
    X: () => { activate(row); pickTo(row); },
    e: () => { if (row.closest("[data-edits]")) location.assign(`${row.dataset.href}/edit`); },
    Enter: () => { if (!event.target.closest?.("a, button, input")) location.assign(row.dataset.href); },
  }[event.key];
  if (!act || (event.key === " " && event.target.closest?.("input, button, a:not(.os-row-link)"))) return;
  if (event.key === "Enter" && event.target.closest?.("a, button, input")) return;
  event.preventDefault();
  act();
}

export function startRows() {
  on("click", "tr[data-href]", (row, event) => {
    if (event.target.closest(inside) || String(getSelection())) return;
    if (event.ctrlKey || event.metaKey) return open(row.dataset.href, "_blank", "noopener");
    if (!document.getElementById("preview") || !row.closest("[data-rows]")) return location.assign(row.dataset.href);
    activate(row);
    preview(row);
  });
  on("dblclick", "[data-rows] tr[data-href]", (row, event) => {
    if (!event.target.closest(inside)) location.assign(row.dataset.href);
  });
  on("auxclick", "tr[data-href]", (row, event) => {
    if (event.button === 1 && !event.target.closest("a")) open(row.dataset.href, "_blank", "noopener");
  });
  document.addEventListener("keydown", press);
  let was = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const row = event.target.id === "rows" && active();
    if (row) was = { href: row.dataset.href, focus: row.contains(document.activeElement) };
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "rows" || !was) return;
    const row = rows().find((one) => one.dataset.href === was.href);
    if (row) row.dataset.active = "";
    if (row && was.focus) row.querySelector("a")?.focus({ preventScroll: true });
    was = null;
  });
  whenReady(() => remember());
}

/** The list one comes from, for previous and next on a record's page and for the way back. */
const KEY = "ossature:list";

function remember() {
  const table = document.querySelector("[data-rows]");
  if (table) {
    const found = [...table.querySelectorAll("tbody tr[data-href]")].map((row) => row.dataset.href);
    try { sessionStorage.setItem(KEY, JSON.stringify({ url: location.pathname + location.search, rows: found })); } catch { /* private windows may refuse */ }
    return;
  }
  const walkers = document.querySelector("[data-walk]");
  let list;
  try { list = JSON.parse(sessionStorage.getItem(KEY) ?? "null"); } catch { list = null; }
  if (!list || !location.pathname.startsWith(`${list.url.split("?")[0]}/`)) return;
  for (const crumb of document.querySelectorAll(".os-crumbs a")) if (crumb.pathname === list.url.split("?")[0]) crumb.href = list.url;
  const at = list.rows.indexOf(location.pathname);
  if (!walkers || at < 0 || list.rows.length < 2) return;
  walkers.hidden = false;
  for (const link of walkers.querySelectorAll("a")) {
    const to = list.rows[at + Number(link.dataset.walkStep)];
    if (to) link.href = to;
    link.hidden = !to;
  }
}
