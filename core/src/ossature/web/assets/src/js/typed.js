/**
 * What is typed while an answer is on its way, or beside the form that is answered, is put into what takes its place, with the
 * focus and the folded part that it stands in. What a form has sent is the answer's to say.
 */
import { isTyped } from "./holding.js";

const CONTROLS = "input[name]:not([type=file], [type=password]), textarea[name], select[name]";
const sent = new WeakMap();
const kept = new WeakMap();

const checkable = (control) => control.matches("[type=checkbox], [type=radio]");
const said = (control) => (checkable(control) ? control.checked : control.value);
const placeOf = (control) => [control.form?.getAttribute("action"), control.name, checkable(control) ? control.value : ""].join(" ");

/** What a picker shows that was not chosen yet. */
function beginning(area) {
  const input = document.activeElement;
  if (!area.contains(input) || !input.matches("[role=combobox][id]")) return null;
  const chosen = input.parentElement.querySelector("select")?.selectedOptions[0]?.textContent.trim() ?? "";
  return input.value.trim() === chosen ? null : { id: input.id, value: input.value };
}

function gather(area, known = new Map()) {
  const typed = [...area.querySelectorAll(CONTROLS)].filter((one) => (known.has(one) ? known.get(one) !== said(one) : isTyped(one)));
  const of = (one) => ({ place: placeOf(one), value: said(one), label: one.selectedOptions?.[0]?.textContent, before: known.get(one), from: one.selectionStart, to: one.selectionEnd, focused: one === document.activeElement });
  return { typed: typed.map(of), begun: beginning(area) };
}

function put(control, { value, label, before, from, to, focused }) {
  if (checkable(control)) control.checked = value;
  else {
    if (control.matches("select") && ![...control.options].some((option) => option.value === value)) control.append(new Option(label, value));
    // A place that was emptied by sending takes what was written on since.
    control.value = before && !control.value && value.startsWith(before) ? value.slice(before.length) : value;
  }
  const folded = control.closest("details");
  if (folded) folded.open = true;
  if (focused) {
    control.focus({ preventScroll: true });
    if (from !== null && from !== undefined) control.setSelectionRange(from, to);
  }
  control.dispatchEvent(new Event("input", { bubbles: true }));
}

function putAll(area, typed) {
  const fresh = new Map([...area.querySelectorAll(CONTROLS)].map((one) => [placeOf(one), one]));
  for (const one of typed) if (fresh.has(one.place)) put(fresh.get(one.place), one);
}

function begin(begun) {
  const input = begun && document.getElementById(begun.id);
  if (!input) return;
  input.focus({ preventScroll: true });
  input.value = begun.value;
  input.dispatchEvent(new Event("input"));
}

/** What an area says as it is sent, for `typedSince`. */
export const sending = (area) => new Map([...area.querySelectorAll(CONTROLS)].map((one) => [one, said(one)]));

/** What was typed in an area since it was sent: `put` it into what takes its place, and `begin` again what was being picked
 * once the pickers are there. */
export function typedSince(area, known) {
  const { typed, begun } = gather(area, known);
  return { put: (fresh) => putAll(fresh, typed), begin: () => begin(begun) };
}

export function startTyped() {
  document.addEventListener("htmx:beforeRequest", ({ detail: { elt, xhr } }) => {
    const area = elt.closest("form") ?? elt;
    if (area === document.body) return; // nobody's form: it has sent nothing
    sent.set(xhr, sending(area));
  });
  document.addEventListener("htmx:beforeSwap", ({ detail: { xhr, target, shouldSwap } }) => {
    if (shouldSwap && target.getClientRects().length) kept.set(xhr, gather(target, sent.get(xhr)));
  });
  document.addEventListener("htmx:afterSwap", ({ target, detail }) => {
    putAll(target, kept.get(detail?.xhr)?.typed ?? []);
  });
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    const begun = kept.get(detail?.xhr)?.begun;
    if (!begun || !document.getElementById(begun.id)) return;
    kept.delete(detail.xhr);
    begin(begun);
  });
}
