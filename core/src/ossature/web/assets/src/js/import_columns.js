/** The columns of an import: what is chosen is kept at once, and an answer never takes the place of what was said since. */
import { holding } from "./holding.js";
import { on } from "./page.js";

const FORM = "[data-import-columns]";
const TEXT = "input:not([type=radio], [type=checkbox], [type=hidden])";
const states = new WeakMap();
let held;

/** Of a form: what it said when it was sent, while no answer is there; the columns that were changed since the last answer
 * that was put in; whether it is to be sent again; what was pressed meanwhile; whether somebody types; whether it is left. */
function stateOf(form) {
  if (!states.has(form)) states.set(form, { sent: null, changed: new Set(), late: false, pressed: null, typing: false, gone: false });
  return states.get(form);
}

/** What the form says, and what is unfolded in it. */
function said(form) {
  const data = new FormData(form);
  form.querySelectorAll("details[data-position][open]").forEach((details) => data.append(`c${details.dataset.position}-open`, "1"));
  return data;
}

const inWords = (data) => new URLSearchParams(data).toString();

const resting = (state) => !held() && !state.typing && !state.pressed;

/** Keep what the form says; one answer at a time, so that nothing older arrives later. */
async function keep(form) {
  const state = stateOf(form);
  state.late = true;
  if (state.sent !== null || state.gone) return;
  const data = said(form);
  state.sent = inWords(data);
  state.late = false;
  data.set("_do", "keep");
  state.changed.forEach((position) => data.append("_at", position));
  await window.htmx.ajax("POST", form.getAttribute("action"), { source: form, swap: "none", values: data }).catch(() => {});
  state.sent = null;
  if (state.pressed) form.requestSubmit(state.pressed);
  else goOn(form);
}

/** What came while something was pressed, typed or under way is kept once it is not. */
function goOn(form) {
  const state = form && stateOf(form);
  if (state?.late && resting(state)) keep(form);
}

export function startImportColumns() {
  held = holding(FORM, () => goOn(document.querySelector(FORM)));
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.(FORM);
    if (!form) return;
    const state = stateOf(form);
    const position = event.target.closest("[data-column]")?.dataset.column;
    if (position) state.changed.add(position);
    state.typing = false;
    keep(form);
  });
  on("click", "[data-import-values]", (button, event) => {
    const form = button.closest(FORM);
    const { column } = button.closest("[data-column]").dataset;
    event.preventDefault();
    form.elements[`c${column}-loaded`].value = "1";
    stateOf(form).changed.add(column);
    keep(form);
  });
  on("input", FORM, (form, event) => { if (event.target.matches(TEXT)) stateOf(form).typing = true; });
  on("focusout", FORM, (form) => {
    stateOf(form).typing = false;
    goOn(form);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches(FORM)) return;
    if (event.submitter?.value === "keep") return event.preventDefault();  // Enter: what was changed is kept already
    const state = stateOf(form);
    state.gone = state.sent === null;
    if (state.gone) return;
    event.preventDefault();
    state.pressed = event.submitter;
    event.submitter?.setAttribute("aria-busy", "true");
  }, true);
  document.addEventListener("htmx:beforeSwap", (event) => {
    const form = event.target;
    if (!form.matches?.(FORM) || !event.detail.shouldSwap) return;
    const state = stateOf(form);
    if (resting(state) && inWords(said(form)) === state.sent) return state.changed.clear();
    event.detail.shouldSwap = false;
    state.late = true;
  });
  addEventListener("pageshow", (event) => event.persisted && document.querySelectorAll(FORM).forEach((form) => states.delete(form)));
}
