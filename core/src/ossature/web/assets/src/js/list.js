/** A list's toolbar: boxes beside their buttons, sorting by several headers, groups that open in place. */
import { on, whenReady } from "./page.js";
import { keep } from "./preferences.js";

const GAP = 4;
let opener = "";
let focused = "";
let opens = false;
let passed = false;
let filling = Promise.resolve(); // one after the other, so that the last one asked for is the one that is shown

const box = () => document.getElementById("list-box");
const button = () => opener && document.getElementById(opener);

function place() {
  const found = box();
  const anchor = button();
  if (!found || !anchor || innerWidth < 768) return;
  const at = anchor.getBoundingClientRect();
  const size = found.getBoundingClientRect();
  found.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
  found.style.top = `${Math.max(8, Math.min(at.bottom + GAP, innerHeight - size.height - 8))}px`;
}

const focusable = (root) => [...root.querySelectorAll("a[href], button:not([disabled]), input:not([type=hidden]):not([disabled]), select:not([hidden])")].filter((one) => one.getClientRects().length);

/** Fetch what a box shows; the focus goes to `to`, else to where one would type or choose first. */
export function fill(url, to = "", anew = true) {
  filling = filling.then(() => fetchInto(box(), url, to, anew)).catch(reportError);
}

async function fetchInto(found, url, to, anew) {
  const before = document.activeElement?.id;
  opens = anew;
  passed = false;
  const left = await window.htmx.ajax("GET", url, { target: found, source: found, swap: "innerHTML ignoreTitle:true" }).catch(() => true);
  if (left || passed) return; // why is said by requests.js; what was passed over is followed by another
  if (!found.matches(":popover-open")) {
    if (!anew) return;
    found.removeAttribute("style");
    found.showPopover();
  }
  place();
  const now = document.activeElement;
  if (now.id !== before && now !== document.body && (!anew || found.contains(now))) return; // who went on is not called back
  const wanted = (to && document.getElementById(to)) || found.querySelector("input[type=search], .os-combo input, .os-filter-line > .form-control, .os-filter-checks input");
  (wanted?.getClientRects().length ? wanted : focusable(found)[0])?.focus();
}

function boxes() {
  on("click", "[data-box]", (link, event) => {
    if (!box() || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const again = opener === link.id && box().matches(":popover-open");
    opener = link.id;
    if (again) return box().hidePopover();
    fill(link.href);
  });
  on("click", "#list-box [data-box-link]", (link, event) => {
    event.preventDefault();
    fill(link.href);
  });
  document.addEventListener("pointerdown", (event) => {
    const link = event.target.closest?.("[data-box]");
    if (link && link.id === opener && box()?.matches(":popover-open")) event.preventDefault();
  });
  on("keydown", "#list-box", (found, event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (event.target.matches("select, [role=combobox], input:not([type=checkbox], [type=search])")) return;
    const all = focusable(found);
    const to = all[all.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)];
    if (!to) return;
    event.preventDefault();
    to.focus();
  });
  document.addEventListener("toggle", (event) => {
    if (event.target.id === "list-box" && event.newState === "closed") button()?.focus();
  }, true);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id === "rows") focused = document.activeElement?.id ?? "";
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    // What was changed in it once more is on its way to the server: the box of before is not shown.
    if (event.target.id === "list-box" && !opens && event.target.querySelector("form.htmx-request")) event.detail.shouldSwap = !(passed = true);
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "rows" && event.detail.requestConfig?.elt?.closest?.(".os-pager")) scrollTo({ top: 0 });
    const found = box();
    if (event.target.id !== "rows" || !found?.matches(":popover-open")) return;
    if (!button() || button().dataset.box === "filter") return found.hidePopover();
    fill(button().href, focused, false);
  });
}

function sorts() {
  document.addEventListener("click", (event) => {
    const header = event.target.closest?.("th a[data-add]");
    if (!header || !event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    window.htmx.ajax("GET", header.dataset.add, { target: "#rows", source: header, swap: "outerHTML show:none" });
  }, true);
}

function shut(heading) {
  heading.setAttribute("aria-expanded", "false");
  const { id } = heading.closest("tbody");
  for (const body of document.querySelectorAll("tbody[data-inside]")) {
    if (body.dataset.inside !== id && !body.dataset.inside.startsWith(`${id}-`)) continue;
    body.hidden = true;
    body.querySelector("[data-open]")?.setAttribute("aria-expanded", "false");
  }
}

async function open(heading) {
  const body = heading.closest("tbody");
  heading.setAttribute("aria-expanded", "true");
  const below = [...document.querySelectorAll(`tbody[data-inside="${CSS.escape(body.id)}"]`)];
  if (below.length) return below.forEach((one) => (one.hidden = false));
  heading.setAttribute("aria-busy", "true");
  await window.htmx.ajax("GET", heading.dataset.open, { target: body, source: document.body, swap: "afterend ignoreTitle:true" });
  heading.removeAttribute("aria-busy");
}

function groups() {
  on("click", "a[data-open]", (heading, event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (heading.getAttribute("aria-expanded") === "true") shut(heading);
    else open(heading);
  });
  on("keydown", "a[data-open]", (heading, event) => {
    const expanded = heading.getAttribute("aria-expanded") === "true";
    if (event.key === "ArrowRight" && !expanded) open(heading);
    else if (event.key === "ArrowLeft" && expanded) shut(heading);
    else return;
    event.preventDefault();
  });
  on("click", "[data-open-all]", async () => {
    for (const heading of [...document.querySelectorAll('a[data-open][aria-expanded="false"]')].slice(0, 25)) await open(heading);
  });
  on("click", "[data-close-all]", () => document.querySelectorAll('a[data-open][aria-expanded="true"]').forEach(shut));
}

export function startList() {
  boxes();
  sorts();
  groups();
  on("click", "[data-filter-row]", (toggle) => {
    keep("filters", toggle.getAttribute("aria-pressed") === "true" ? "0" : "1");
    window.htmx.ajax("GET", location.href, { target: "#rows", source: document.body, swap: "outerHTML show:none" });
  });
  whenReady((root) => root.querySelectorAll?.("th a[data-add]").forEach((header) => header.setAttribute("draggable", "false")));
}
