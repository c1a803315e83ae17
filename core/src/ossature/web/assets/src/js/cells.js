/**
 * Values changed where they stand, in lists and among facts: a click or e opens the form's own input over the cell, Enter saves,
 * Tab saves and goes on, Escape gives back. In a list the arrows go from cell to cell.
 */
import { holdWhile, inUse, isWritten, letGo, onceFree } from "./holding.js";
import { announceAdded, csrf, isTyping, on, texts } from "./page.js";
import { toast } from "./toasts.js";
import { sending, typedSince } from "./typed.js";

const NARROW = matchMedia("(max-width: 767px)");
let panel = null;
let cell = null;
let first = "";
let early = "";  // typed before the input was there
let saving = null;  // what is on its way to the server; whether it was taken

const row = (one) => one.closest("tr[data-href], [data-record]");
const header = (one) => one.closest("table").tHead?.rows[0]?.cells[one.cellIndex];

/** The name of the field that a cell shows, if it can be changed here. */
function fieldOf(one) {
  if (one.dataset.fact) return one.dataset.fact;
  if (NARROW.matches || one.closest("tr").hasAttribute("data-fixed")) return "";
  const head = header(one);
  return head?.hasAttribute("data-editable") ? head.dataset.name : "";
}

const cellAt = (target) => target.closest?.("[data-rows] tbody tr[data-href] > td, dd[data-fact]");
const editable = (one) => Boolean(one && fieldOf(one));
const cells = () => [...document.querySelectorAll("[data-rows] tbody tr[data-href] > td, dd[data-fact]")].filter((one) => one.getClientRects().length && editable(one));

function place() {
  if (!panel || !cell?.isConnected) return;
  const at = cell.getBoundingClientRect();
  panel.style.minWidth = `${Math.min(Math.max(at.width, 200), innerWidth - 16)}px`;
  const size = panel.getBoundingClientRect();
  panel.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
  panel.style.top = `${Math.max(8, Math.min(at.top + (at.height - Math.min(at.height, 40)) / 2 - 3, innerHeight - size.height - 8))}px`;
}

function shut(focus = true) {
  const was = cell;
  panel?.remove();
  was?.removeAttribute("data-editing");
  panel = cell = null;
  if (focus && was?.isConnected) point(was);
  letGo();
}

/** Put the focus on a cell without opening it. */
function point(one) {
  document.querySelector("td[data-cursor]")?.removeAttribute("data-cursor");
  if (one.dataset.fact) return one.querySelector("a.os-fact-edit, a.os-fact-add")?.focus({ preventScroll: true });
  one.dataset.cursor = "";
  one.tabIndex = -1;
  one.focus({ preventScroll: true });
  one.scrollIntoView({ block: "nearest", inline: "nearest" });
}

const values = () => new URLSearchParams(new FormData(panel.querySelector("form"))).toString();

function fill(html, typed) {
  panel.innerHTML = html;
  typed?.put(panel);
  panel.dispatchEvent(new CustomEvent("os:added", { bubbles: true }));
  typed?.begin();
  place();
  if (typed && panel.contains(document.activeElement)) return null;
  const input = panel.querySelector("[role=combobox], input:not([type=hidden], [hidden]), select:not([hidden]), textarea");
  input?.focus({ preventScroll: true });
  input?.select?.();
  return input;
}

async function open(one) {
  if (cell === one) return;
  if (saving && !(await saving)) return;  // what was refused stays in view
  if (panel) shut(false);
  cell = one;
  early = "";
  panel = Object.assign(document.createElement("div"), { className: "os-cell-editor" });
  panel.setAttribute("role", "group");
  panel.dataset.cellEditor = "";
  panel.setAttribute("aria-busy", "true");
  (one.closest("dialog") ?? document.body).append(panel);
  one.dataset.editing = "";
  place();
  const answer = await fetch(`${row(one).dataset.href}/cell/${fieldOf(one)}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (cell !== one) return;
  if (!answer?.ok) { shut(); return toast(answer ? texts().failed : texts().offline, "danger"); }
  const html = await answer.text();
  if (cell !== one) return;
  const input = fill(html);
  panel.removeAttribute("aria-busy");
  first = values();
  const enter = early.endsWith("\n");
  const words = early.trimEnd();
  if (words && input?.matches("input, textarea")) {
    input.value = words;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (enter) save();
}

/** Keys that come while the input is on its way are kept for it. */
function wait(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.key === "Escape") return shut();
  if (event.key === "Enter") early = `${early.trimEnd()}\n`;
  else if (event.key.length === 1) early += event.key;
}

function shown(one) {
  const inside = row(one);
  if (one.dataset.fact) return [...inside.querySelectorAll("dd[data-fact]")].map((each) => each.dataset.fact);
  return [...one.closest("table").tHead.rows[0].cells].map((each) => each.dataset.name);
}

function put(one, answer) {
  const inside = row(one);
  inside.dataset.version = answer.version;
  if (one.dataset.fact) {
    for (const each of inside.querySelectorAll("dd[data-fact]")) if (each.dataset.fact in answer.cells) {
      each.innerHTML = answer.cells[each.dataset.fact].trim();
      each.classList.toggle("os-none", !each.querySelector(".os-fact-value"));
    }
    return refresh(inside);
  }
  shown(one).forEach((name, at) => {
    const html = answer.cells[name];
    if (html === undefined) return;
    if (at === 0) { if (html) inside.querySelector(".os-row-link").innerHTML = html; } else inside.cells[at].innerHTML = html;
  });
}

/** What else the page of a record says of it: its name, its state, its timeline. */
async function refresh(inside) {
  if (!inside.matches("article")) return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  onceFree(() => {
    for (const part of [".os-record-head", "#notes", "#external-ids", "[data-timeline]"]) {
      const old = inside.querySelector(part);
      const next = fresh.querySelector(part);
      if (!old || !next || old.contains(document.activeElement) || inUse(old) || isWritten(old)) continue;
      old.replaceWith(next);
      window.htmx.process(next);
      announceAdded(next);
    }
  });
}

function save(step = 0, theirs = false) {
  const form = panel?.querySelector("form");
  if (!form || panel.hasAttribute("aria-busy")) return;
  const mine = saving = send(form, step, theirs);
  mine.finally(() => { if (saving === mine) saving = null; });
}

async function send(form, step, theirs) {
  const one = cell;
  if (!step && !theirs && values() === first && !panel.querySelector(".os-cell-conflict")) { shut(); return true; }
  const body = new FormData(form);
  const sent = sending(panel);
  body.set("_shown", shown(one).join(","));
  body.set("_as", one.dataset.fact ? "facts" : "list");
  if (theirs) body.set("_theirs", "1");
  panel.setAttribute("aria-busy", "true");
  const around = cells();
  const next = step ? around[around.indexOf(one) + step] : null;
  const answer = await fetch(form.action, { method: "POST", body, headers: { "X-CSRFToken": csrf(), "HX-Request": "true" } }).catch(() => null);
  if (cell !== one) return true;
  panel.removeAttribute("aria-busy");
  if (answer?.status === 422 || answer?.status === 409) {
    const html = await answer.text();
    if (cell === one) fill(html, typedSince(panel, sent));
    return false;
  }
  if (!answer?.ok) { toast(answer ? ({ 403: texts().forbidden, 404: texts().gone }[answer.status] ?? texts().failed) : texts().offline, "danger"); return false; }
  const told = await answer.json();
  put(one, told);
  told.warnings.forEach((words) => toast(words, "warning"));
  shut(!next);
  if (next?.isConnected) open(next);
  return true;
}

function keysInside(event) {
  if (event.defaultPrevented) return;
  if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); return panel.hasAttribute("aria-busy") ? undefined : shut(); }
  if (event.key === "Enter" && (!event.target.matches("textarea, button, a") || event.ctrlKey || event.metaKey)) { event.preventDefault(); event.stopPropagation(); save(); }
  if (event.key === "Tab" && event.target.matches("input, select, textarea") && !event.target.closest(".os-money")?.querySelector(event.shiftKey ? "input" : "select")?.matches(":not(:focus)")) { event.preventDefault(); save(event.shiftKey ? -1 : 1); }
}

/** The cell beside or below one, by arrows. */
function walk(one, key) {
  const all = cells();
  const same = all.filter((each) => each.closest("tr") === one.closest("tr"));
  const column = all.filter((each) => each.cellIndex === one.cellIndex);
  const [of, step] = { ArrowRight: [same, 1], ArrowLeft: [same, -1], ArrowDown: [column, 1], ArrowUp: [column, -1] }[key];
  return of[of.indexOf(one) + step];
}

function keys(event) {
  if (panel?.contains(event.target)) return keysInside(event);
  if (panel && !panel.firstElementChild && !event.ctrlKey && !event.metaKey && !event.altKey) return wait(event);
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const link = event.target.closest?.("[data-rows] tbody tr[data-href] .os-row-link");
  if (link && event.key === "ArrowRight") {
    const to = cells().find((each) => each.closest("tr") === link.closest("tr"));
    if (to) { event.preventDefault(); point(to); }
    return;
  }
  const fact = event.target.closest?.("dd[data-fact]");
  if (fact && event.key === "e" && document.documentElement.dataset.keys !== "off") { event.preventDefault(); event.stopImmediatePropagation(); return open(fact); }
  const one = event.target.matches?.("td[data-cursor]") ? event.target : null;
  if (!one) return;
  if (event.key.startsWith("Arrow")) {
    event.preventDefault();
    const to = walk(one, event.key);
    if (to) point(to);
    else if (event.key === "ArrowLeft") back(one);
  } else if (["Enter", "F2"].includes(event.key) || (event.key === "e" && document.documentElement.dataset.keys !== "off")) { event.preventDefault(); open(one); }
  else if (event.key === "Escape") { event.preventDefault(); event.stopImmediatePropagation(); back(one); }
}

function back(one) {
  one.removeAttribute("data-cursor");
  one.closest("tr").querySelector(".os-row-link")?.focus();
}

/** A pencil on the cell below the pointer: a click on it changes a value that is a link itself. */
const pencil = Object.assign(document.createElement("button"), { type: "button", className: "os-cell-pencil", tabIndex: -1 });
pencil.innerHTML = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M10.5 3.5l2 2L6 12l-2.5.5L4 10z" fill="none" stroke="currentColor" stroke-width="1.3" stroke-linejoin="round"/></svg>';
pencil.setAttribute("aria-hidden", "true");

export function startCells() {
  document.addEventListener("mouseover", (event) => {
    const one = event.target.closest?.("[data-rows] tbody tr[data-href] > td");
    if (!one || pencil.parentElement === one) return;
    pencil.remove();
    if (editable(one)) { one.dataset.changeable = ""; one.append(pencil); }
  });
  document.addEventListener("mouseleave", () => pencil.remove());
  document.addEventListener("pointerdown", (event) => {
    if (panel && !panel.contains(event.target) && !cell.contains(event.target)) save();
  });
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || panel?.contains(event.target)) return;
    const one = cellAt(event.target);
    if (!editable(one) || (String(getSelection()) && !event.target.closest(".os-cell-pencil"))) return;
    const inside = event.target.closest("a, button, input, label, select");
    if (inside && one.contains(inside) && !inside.matches(".os-cell-pencil, .os-fact-edit, .os-fact-add")) return;
    event.preventDefault();
    event.stopPropagation();
    open(one);
  }, true);
  document.addEventListener("keydown", keys);
  on("submit", "[data-cell-form]", (_form, event) => { event.preventDefault(); event.stopPropagation(); save(); });
  on("click", "[data-cell-close]", () => shut());
  on("click", "[data-cell-theirs]", () => save(0, true));
  document.addEventListener("htmx:historyRestore", () => panel && shut(false));
  holdWhile((area) => Boolean(panel && area?.contains(cell))); // rows that were asked for before wait, so that nothing typed is lost
  addEventListener("resize", place);
  document.addEventListener("scroll", place, true);
}
