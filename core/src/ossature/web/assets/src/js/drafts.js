/**
 * What is typed into a form and not saved: kept in this browser and, a little later, on the server, for its writer alone.
 * A page that died offers it back; one whose session had ended has it back at once. Nothing of a password is kept.
 */
import { csrf, on, whenReady } from "./page.js";

const PREFIX = "ossature:draft:";
const SENT = "ossature:sent";
const DAYS = 30 * 86_400_000;
const SOON = 400;
const LATER = 4_000;

const initial = new WeakMap();
const left = new WeakSet();
const timers = new WeakMap();
/** Forms with a draft that is offered and neither taken nor discarded: it is not written over by an empty form. */
const offered = new WeakSet();
/** Forms of which the server has a draft that this browser has not: it is not written over before its writer decides. */
const elsewhereKept = new WeakSet();
/** Forms of which this page has kept something. */
const keeping = new WeakSet();
let closed = false;

/** What the form would send, but for what is no word of its writer's. */
function pairs(form) {
  const secret = new Set([...form.querySelectorAll("input[type=password]")].map((input) => input.name));
  return [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !name.startsWith("_") && !["csrf_token", "version"].includes(name) && !secret.has(name));
}

const written = (form) => JSON.stringify(pairs(form));

/** Whether leaving would lose what was typed. */
export const isChanged = (form) => !left.has(form) && (form.hasAttribute("data-typed") || (initial.has(form) && initial.get(form) !== written(form)));

export const leave = (form) => left.add(form);
export const stay = (form) => left.delete(form);

const placeOf = (form) => `${PREFIX}${form.dataset.draftOwner}:${form.dataset.draftKey}`;

function read(place) {
  try {
    const found = JSON.parse(localStorage.getItem(place));
    return found && Date.now() - found.at < DAYS ? found : null;
  } catch {
    return null;
  }
}

/** A browser may refuse to keep anything, or have no room; what is typed is then kept on the server alone. */
function write(place, draft) {
  try {
    if (draft) localStorage.setItem(place, JSON.stringify(draft));
    else localStorage.removeItem(place);
  } catch { /* see above */ }
}

function drafts() {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  } catch {
    return [];
  }
}

function address(form) {
  const { draftRecord: record, draftId: id } = form.dataset;
  return `/api/ossature/drafts?${new URLSearchParams(id ? { record, id } : { record })}`;
}

function send(form) {
  timers.delete(form);
  if (!isChanged(form) || elsewhereKept.has(form)) return;
  const values = {};
  for (const [name, value] of pairs(form)) values[name] = name in values ? [values[name], value].flat() : value;
  const version = Number(form.elements.version?.value) || null;
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf() };
  fetch(address(form), { method: "PUT", headers, body: JSON.stringify({ values, version }), keepalive: true }).catch(() => {});
}

function forget(form) {
  write(placeOf(form), null);
  fetch(address(form), { method: "DELETE", headers: { "X-CSRFToken": csrf() }, keepalive: true }).catch(() => {});
}

function keep(form) {
  if (left.has(form) || closed || (offered.has(form) && !isChanged(form))) return;
  if (isChanged(form)) write(placeOf(form), { at: Date.now(), version: form.elements.version?.value ?? "", values: pairs(form) });
  else if (keeping.has(form)) {  // typed, and given back by hand
    clearTimeout(timers.get(form));
    timers.delete(form);
    keeping.delete(form);
    return forget(form);
  } else return;  // what another tab keeps of the same form is not this one's
  keeping.add(form);
  if (!timers.has(form)) timers.set(form, setTimeout(send, LATER, form));
}

/** A form that was saved has no draft any more; `what` is its record's key and id. */
function forgetSaved(what) {
  drafts().filter((key) => key.endsWith(`:${what}`)).forEach((key) => write(key, null));
  try { sessionStorage.removeItem(SENT); } catch { /* nothing was sent */ }
}

function since(moment) {
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  const minutes = Math.round((moment - Date.now()) / 60_000);
  if (minutes > -60) return words.format(minutes, "minute");
  return minutes > -1440 ? words.format(Math.round(minutes / 60), "hour") : words.format(Math.round(minutes / 1440), "day");
}

/** The form again, with what was typed in it: the server makes it, as it does after a refusal. */
function take(form, draft) {
  const sent = Object.assign(document.createElement("form"), { method: "post", action: form.action, hidden: true });
  for (const [name, value] of [...draft.values, ["version", draft.version], ["csrf_token", csrf()], ["_take", "typed"]]) {
    const field = Object.assign(document.createElement("textarea"), { name });
    field.value = value;
    sent.append(field);
  }
  document.body.append(sent);
  leave(form);
  sent.submit();
}

function offer(form) {
  const line = document.querySelector("[data-draft-line]");
  const here = read(placeOf(form));
  const elsewhere = line?.dataset.keptAt ? Date.parse(line.dataset.keptAt) : 0;
  if (!line || (!here && !elsewhere)) return;
  const latest = here && here.at >= elsewhere - LATER ? here : null;
  let sent = null;
  try {
    sent = JSON.parse(sessionStorage.getItem(SENT));
    sessionStorage.removeItem(SENT);
  } catch { /* nothing was sent */ }
  if (latest && sent?.place === placeOf(form) && Date.now() - sent.at < 1_800_000) return take(form, latest);
  if (latest) line.querySelector("[data-draft-when]").textContent = since(latest.at);
  line.hidden = false;
  offered.add(form);
  if (!latest) elsewhereKept.add(form);
  line.addEventListener("submit", (event) => {
    const drops = event.submitter?.value === "drop";
    if (!drops && !latest) return leave(form);
    event.preventDefault();
    if (!drops) return take(form, latest);
    offered.delete(form);
    elsewhereKept.delete(form);
    forget(form);
    line.remove();
    form.querySelector("input:not([type=hidden]), textarea")?.focus();
  });
}

function begin(form) {
  if (initial.has(form)) return;
  initial.set(form, written(form));
  if (!form.dataset.draftKey) return;
  const mine = `${PREFIX}${form.dataset.draftOwner.split(".")[0]}.`;
  for (const key of drafts()) if (!read(key) || (key.startsWith(mine) && !key.startsWith(`${PREFIX}${form.dataset.draftOwner}:`))) write(key, null);
  if (form.hasAttribute("data-typed")) keep(form);
  else offer(form);
}

export function startDrafts() {
  const soon = (event) => {
    const form = event.target.form ?? event.target.closest?.("form");
    if (!form?.dataset.draftKey) return;
    clearTimeout(form.soon);
    form.soon = setTimeout(keep, SOON, form);
  };
  for (const type of ["input", "change", "os:rows"]) document.addEventListener(type, soon);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.dataset.draftKey) return;
    clearTimeout(form.soon);
    if (isChanged(form)) keep(form);
    clearTimeout(timers.get(form));
    timers.delete(form);
    leave(form);
    try {
      sessionStorage.setItem(SENT, JSON.stringify({ place: placeOf(form), at: Date.now() }));
    } catch { /* it is offered instead of taken */ }
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") document.querySelectorAll("form[data-draft-key]").forEach((form) => { keep(form); clearTimeout(timers.get(form)); send(form); });
  });
  document.addEventListener("os:saved", (event) => forgetSaved(event.detail));
  on("submit", "form[action$='/sign-out']", () => {
    closed = true;
    drafts().forEach((key) => write(key, null));
  });
  whenReady((root) => {
    root.querySelectorAll?.("[data-saved]").forEach(({ dataset }) => forgetSaved(dataset.saved));
    root.querySelectorAll?.("form[data-draft]").forEach((form) => setTimeout(begin, 0, form));
  });
}
