/** Line grids: arrows, Enter and Tab walk over the cells, rows are moved by drag or Alt and an arrow, what is computed follows from the server. */
import { csrf, on, whenReady } from "./page.js";
import { addRow } from "./parts.js";
import { pasteInto } from "./paste.js";

const INPUT = "input:not([type=hidden]), select:not([hidden]), textarea";
const rowsOf = (grid) => [...grid.querySelectorAll("tbody > [data-part-row]")];

function cellInput(row, column) {
  return row?.querySelector(`[data-column="${CSS.escape(column)}"]`)?.querySelector(INPUT);
}

function focus(input) {
  input?.focus();
  if (input?.select && input.type !== "checkbox") input.select();
}

/** The same column of the row below or above. */
function walk(input, step) {
  const row = input.closest("[data-part-row]");
  const to = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  if (to) focus(cellInput(to, input.closest("[data-column]").dataset.column));
  return Boolean(to);
}

function sideways(input, step) {
  const inputs = [...input.closest("[data-part-row]").querySelectorAll(`[data-column] :is(${INPUT})`)].filter((one) => !one.disabled && one.offsetParent);
  const to = inputs[inputs.indexOf(input) + step];
  if (to) focus(to);
  return Boolean(to);
}

function atEdge(input, step) {
  if (input.type === "checkbox") return true;
  if (typeof input.selectionStart !== "number") return false;
  const all = input.selectionStart === 0 && input.selectionEnd === input.value.length;
  return all || (input.selectionStart === input.selectionEnd && input.selectionStart === (step < 0 ? 0 : input.value.length));
}

export function renumber(grid) {
  rowsOf(grid).forEach((row, at) => { row.querySelector("[data-grid-number]").textContent = at + 1; });
}

const changed = (grid) => grid.dispatchEvent(new Event("input", { bubbles: true }));

function moveRow(row, step) {
  const grid = row.closest("[data-grid]");
  if (grid.hasAttribute("data-locked")) return;
  const to = step < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!to) return;
  if (step < 0) to.before(row);
  else to.after(row);
  renumber(grid);
  changed(grid);
}

function keydown(event) {
  const input = event.target.closest("[data-grid] [data-column] :is(input, select, textarea)");
  if (!input || event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing) return;
  const row = input.closest("[data-part-row]");
  const grid = input.closest("[data-grid]");
  const step = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const vertical = event.key === "ArrowUp" || event.key === "ArrowDown";
  if (event.altKey && vertical && row.querySelector("[data-grid-grip]")) {
    event.preventDefault();
    moveRow(row, step);
    return focus(input);
  }
  if (event.altKey || input.getAttribute("aria-expanded") === "true") return;
  if (event.key === "Enter" && input.nodeName !== "TEXTAREA") {
    event.preventDefault();
    if (event.shiftKey) return walk(input, -1);
    if (!walk(input, 1) && !grid.hasAttribute("data-locked")) addRow(grid);
    return;
  }
  const steps = input.matches("select, [type=date], [type=datetime-local], [role=combobox], textarea");
  if (vertical && !steps && walk(input, step)) event.preventDefault();
  if (step && !vertical && !event.shiftKey && !steps && atEdge(input, step) && sideways(input, step)) event.preventDefault();
}

/** By mouse, pen or finger: the row follows the pointer among its sisters. */
function drag(grip, event) {
  const row = grip.closest("[data-part-row]");
  const grid = grip.closest("[data-grid]");
  if (grid.hasAttribute("data-locked") || event.button) return;
  event.preventDefault();
  grip.setPointerCapture(event.pointerId);
  row.dataset.dragged = "";
  const before = rowsOf(grid).indexOf(row);
  // The others make way: an element that is moved itself loses the pointer.
  const move = ({ clientY }) => {
    const middle = (other) => other.getBoundingClientRect().top + other.offsetHeight / 2;
    for (let other = row.previousElementSibling; other && clientY < middle(other); other = row.previousElementSibling) row.after(other);
    for (let other = row.nextElementSibling; other && clientY > middle(other); other = row.nextElementSibling) row.before(other);
  };
  const end = () => {
    grip.removeEventListener("pointermove", move);
    delete row.dataset.dragged;
    renumber(grid);
    if (rowsOf(grid).indexOf(row) !== before) changed(grid);
  };
  grip.addEventListener("pointermove", move);
  grip.addEventListener("lostpointercapture", end, { once: true });
}

/** Computed cells and totals are the server's, which rounds as it will when saving; the latest answer counts. */
const asking = new WeakMap();

async function workOut(grid) {
  asking.get(grid)?.abort();
  const asked = new AbortController();
  asking.set(grid, asked);
  const form = grid.closest("form");
  const body = new URLSearchParams([["_work_out", grid.dataset.part]]);
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && name.startsWith(`${grid.dataset.part}-`)) body.append(name, value);
  try {
    const answer = await fetch(form.action, { method: "POST", body, signal: asked.signal, headers: { "X-CSRFToken": csrf(), Accept: "application/json" } });
    if (!answer.ok || !answer.headers.get("Content-Type")?.includes("json")) return;
    const { rows, totals } = await answer.json();
    rowsOf(grid).forEach((row, at) => row.querySelectorAll("[data-computed]").forEach((cell) => { cell.textContent = rows[at]?.[cell.dataset.computed] ?? ""; }));
    grid.querySelectorAll("[data-total]").forEach((cell) => { cell.textContent = totals[cell.dataset.total] ?? ""; });
    grid.removeAttribute("data-stale");
  } catch (error) {
    if (error.name !== "AbortError") grid.dataset.stale = "";
  }
}

const timers = new WeakMap();

function later(grid) {
  if (!grid.hasAttribute("data-works-out")) return;
  clearTimeout(timers.get(grid));
  asking.get(grid)?.abort(); // what it answers is of rows that have changed since
  timers.set(grid, setTimeout(workOut, 180, grid));
}

export function startGrid() {
  document.addEventListener("keydown", keydown);
  on("pointerdown", "[data-grid-grip]", drag);
  on("click", "[data-grid-move]", (button, event) => {
    event.preventDefault();
    moveRow(button.closest("[data-part-row]"), Number(button.dataset.gridMove));
    button.focus();
  });
  on("paste", "[data-grid] [data-column]", (cell, event) => pasteInto(cell, event));
  for (const type of ["input", "change"]) {
    on(type, "[data-grid]", (grid, event) => {
      const box = event.target.closest("[data-field]");
      const wrong = box?.querySelector("[aria-invalid=true]");
      if (wrong && grid.contains(box)) {
        wrong.removeAttribute("aria-invalid");
        box.querySelector(".os-error").hidden = true;
      }
      later(grid);
    });
  }
  document.addEventListener("os:rows", (event) => {
    renumber(event.target);
    later(event.target);
  });
  whenReady((root) => root.querySelectorAll?.("[data-grid]").forEach(renumber));
}
