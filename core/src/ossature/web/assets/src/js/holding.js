/**
 * What somebody is about survives an answer. Nothing takes the place of anything while it is pressed or dragged: an answer that
 * comes meanwhile waits for the release. A page that asks for itself again leaves alone what is open or selected in it.
 */
const AGAIN = 1000;
const COPIED = 10_000; // what is selected is copied by then
const reasons = [];
const waiting = [];
const released = [];
let pressed = null;
let dragged = false;
let selectedAt = 0;

const held = (area) => Boolean(pressed) || reasons.some((reason) => reason(area));

/** Answers wait as long as `reason(area)` is true of what they replace; whoever ends it calls `letGo`. */
export const holdWhile = (reason) => reasons.push(reason);

/** Act on an answer, which replaces `area` if any: at once, or in the order of arrival once nothing of it is held any more. */
export function onceFree(act, area = null) {
  waiting.push({ act, area });
  if (waiting.length === 1 && !held(area)) letIn();
  else if (!held(area)) letGo();
}

function letIn() {
  for (const one of [...waiting]) {
    if (held(one.area)) continue;
    waiting.splice(waiting.indexOf(one), 1);
    try { one.act(); } catch (error) { reportError(error); }
  }
}

/** Let in what waited, after the events of the gesture that has just ended. */
export const letGo = () => setTimeout(letIn);

/** Tells whether something inside `selector` is pressed or dragged; `then` runs each time it is let go. */
export function holding(selector, then) {
  released.push((was) => was.closest(selector) && then());
  return () => Boolean(pressed?.closest(selector));
}

function release() {
  if (!pressed) return;
  const was = pressed;
  pressed = null;
  dragged = false;
  letGo();
  setTimeout(() => released.forEach((act) => act(was)));
}

/** Whether a control says something else than the page did. */
export function isTyped(control) {
  if (control.matches("select")) return control.selectedOptions[0] !== ([...control.options].find((option) => option.defaultSelected) ?? control.options[0]);
  if (control.matches("[type=checkbox], [type=radio]")) return control.checked !== control.defaultChecked;
  return control.type !== "hidden" && control.value !== control.defaultValue;
}

export const isWritten = (area) => [...area.querySelectorAll("input[name], textarea[name], select[name]")].some(isTyped);

/** Whether something in an area is open, or was selected a moment ago, that would be lost with it. */
export function inUse(area) {
  if (area.querySelector(":popover-open, dialog[open], [data-asks]")) return true;
  const selection = getSelection();
  return selection.rangeCount > 0 && !selection.isCollapsed && area.contains(selection.anchorNode) && performance.now() - selectedAt < COPIED;
}

/** What asks for itself again asks once more, where it would only have done so from what it brings. */
function later(elt) {
  if (!elt.getAttribute("hx-trigger").startsWith("load")) return;
  setTimeout(() => elt.isConnected && window.htmx.ajax("GET", elt.getAttribute("hx-get"), { source: elt }), AGAIN);
}

export function startHolding() {
  document.addEventListener("pointerdown", (event) => { if (event.button === 0) pressed = event.target.closest ? event.target : document.body; }, true);
  document.addEventListener("dragstart", () => { dragged = Boolean(pressed); }, true);
  document.addEventListener("pointercancel", () => dragged || release(), true);
  for (const type of ["pointerup", "dragend"]) document.addEventListener(type, release, true);
  // Where the release happened over a menu of the browser or outside the window nothing else tells of it.
  document.addEventListener("pointermove", (event) => { if (!event.buttons) release(); }, true);
  document.addEventListener("change", (event) => { if (!dragged && event.target.matches("select")) release(); }, true);
  addEventListener("blur", release);
  document.addEventListener("selectionchange", () => { selectedAt = performance.now(); });
  document.addEventListener("htmx:beforeSend", ({ detail: { xhr, target } }) => {
    const answered = xhr.onload;
    xhr.onload = () => onceFree(() => answered.call(xhr), target);
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { elt } = event.detail.requestConfig;
    if (!elt.matches("[data-live]") || !inUse(event.detail.target)) return;
    event.detail.shouldSwap = false;
    later(elt);
  });
}
