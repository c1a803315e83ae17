/** Conditions of a form: fields are shown, required and locked by what is typed; the server asks the same of what is sent. */
import { whenReady } from "./page.js";
import { readNumber } from "./numbers.js";

const fold = (text) => text.trim().normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replaceAll("\u0153", "oe").replaceAll("\u00e6", "ae").replaceAll("\u00df", "ss");
const READ = { number: readNumber, text: fold, exact: (text) => text, flag: (text) => text };
const COMPARE = {
  below: (a, b) => a < b, before: (a, b) => a < b, at_most: (a, b) => a <= b, until: (a, b) => a <= b,
  above: (a, b) => a > b, after: (a, b) => a > b, at_least: (a, b) => a >= b, since: (a, b) => a >= b,
};

function typed(input) {
  if (!input) return "";
  return input.type === "checkbox" ? String(input.checked) : input.value.trim();
}

/** What is asked of a field; with a dot, of the record that is chosen in it, which its option tells. */
function typedIn(name, find) {
  const [field, of] = name.split(".");
  if (!of) return typed(find(field));
  const tells = find(field)?.selectedOptions?.[0]?.dataset.tells;
  return String((tells ? JSON.parse(tells)[of] : null) ?? "");
}

function holds(node, find) {
  if (node.all) return node.all.every((item) => holds(item, find));
  if (node.any) return node.any.some((item) => holds(item, find));
  if (node.none) return !node.none.some((item) => holds(item, find));
  const text = typedIn(node.field, find);
  const empty = text === "" || (node.as === "number" && readNumber(text) === null);
  if (node.op === "empty" || node.op === "filled") return (text === "") === (node.op === "empty");
  if (empty) return node.op === "not";
  const found = READ[node.as](text);
  const asked = node.values.map((value) => (node.as === "number" ? Number(value) : READ[node.as](value)));
  if (COMPARE[node.op]) return COMPARE[node.op](found, asked[0]);
  return asked.includes(found) === (node.op !== "not");
}

/** What conditions say of each field that they name: {name: {shown, required, locked}}. */
function states(conditions, find) {
  const found = {};
  const waiting = new Set();
  const shown = new Set();
  for (const { when, shows, requires, locks } of conditions) {
    const true_ = holds(when, find);
    shows.forEach((name) => waiting.add(name));
    if (true_) [...shows, ...requires].forEach((name) => shown.add(name));
    for (const name of [...shows, ...requires, ...locks]) {
      const state = (found[name] ??= { required: false, locked: false });
      state.required ||= true_ && requires.includes(name);
      state.locked ||= true_ && locks.includes(name);
    }
  }
  for (const name of Object.keys(found)) found[name].shown = !waiting.has(name) || shown.has(name);
  return found;
}

function lock(input, locked) {
  if (input.type === "hidden" || (input.closest(".os-combo") && !input.matches("select"))) return;
  if (input.matches("select, [type=checkbox], [type=radio], button")) {
    if (input.disabled !== locked) input.disabled = locked;
    if (input.matches("select")) input.dispatchEvent(new Event("os:set"));
  } else input.readOnly = locked;
}

function apply(box, input, state) {
  box.toggleAttribute("data-off", !state.shown);
  if (box.matches("[data-part]")) {
    box.toggleAttribute("data-locked", state.locked);
    box.querySelectorAll("input, select, textarea, button").forEach((one) => lock(one, state.locked));
    return;
  }
  const optional = box.querySelector(".os-optional");
  if (optional) {
    optional.hidden = state.required;
    box.querySelectorAll("input, select, textarea").forEach((one) => (state.required ? one.setAttribute("aria-required", "true") : one.removeAttribute("aria-required")));
  }
  box.querySelectorAll("input, select, textarea").forEach((one) => lock(one, state.locked));
}

function follow(scope, conditions, name) {
  const find = (field) => scope.querySelector(`[name="${CSS.escape(name(field))}"]`);
  for (const [field, state] of Object.entries(states(conditions, find))) {
    const input = find(field);
    const box = input?.closest("[data-field]") ?? scope.querySelector(`[data-part="${CSS.escape(field)}"]`);
    if (box) apply(box, input, state);
  }
}

/** A row of a part is locked by what was true of it when the page came: a lock begins with the next change. */
const locking = new WeakMap();

function ofRow(part, row, conditions) {
  const named = row.querySelector("[name]")?.name ?? "";
  const number = named.slice(part.dataset.part.length + 1).split("-")[0];
  const stored = Boolean(row.querySelector(`[name="${CSS.escape(`${part.dataset.part}-${number}-id`)}"]`)?.value);
  const name = (field) => `${part.dataset.part}-${number}-${field}`;
  if (!locking.has(row)) locking.set(row, conditions.map(({ when }) => stored && holds(when, (field) => row.querySelector(`[name="${CSS.escape(name(field))}"]`))));
  follow(row, conditions.map((one, at) => (locking.get(row)[at] ? one : { ...one, locks: [] })), name);
}

export function followConditions(form) {
  if (form.dataset.conditions) follow(form, JSON.parse(form.dataset.conditions), (field) => field);
  for (const part of form.querySelectorAll("[data-part][data-conditions]")) {
    const conditions = JSON.parse(part.dataset.conditions);
    part.querySelectorAll("[data-part-row]").forEach((row) => ofRow(part, row, conditions));
  }
}

export function startConditions() {
  const again = (event) => {
    const form = event.target.form ?? event.target.closest?.("form");
    if (form?.matches("[data-form]")) followConditions(form);
  };
  for (const type of ["input", "change", "os:filled"]) document.addEventListener(type, again);
  document.addEventListener("os:added", again);
  whenReady((root) => root.querySelectorAll?.("form[data-form]").forEach(followConditions));
}
