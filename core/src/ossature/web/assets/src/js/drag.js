/** Cards of a board moved by mouse and touch, by keyboard (space, arrows, space) and by menu; loaded where cards can be moved.
 *  A card stands in its new column at once; the server's answer replaces it, or puts it back with the reason. */
import Sortable from "sortablejs";
import { announceAdded, csrf, on, texts, whenReady } from "./page.js";
import { sending, typedSince } from "./typed.js";

const CARD = "li[data-movable]";
const REST = `${CARD}:not([aria-busy=true])`; // one that is on its way is not moved again before the server has answered
const JUST_NOW = 250;
let dragged = 0;
let held = null;
let forMenu = null;
const moves = []; // those that are not answered yet

const board = () => document.querySelector("[data-board][data-moves]");
const columnOf = (item) => item.closest("[data-column]");
const listOf = (column) => column.querySelector(".os-cards");
const nameOf = (column) => column.querySelector(".os-column-title").textContent.trim();
const link = (item) => item.querySelector("[data-card]");
const toast = (text, tone) => document.dispatchEvent(new CustomEvent("toast", { detail: { text, tone } }));

function say(sentence, column) {
  const region = document.querySelector("[data-move-said]");
  if (region) region.textContent = sentence.replace("#", column ? nameOf(column) : "");
}

const placeOf = (item) => ({ list: item.parentElement, next: item.nextElementSibling });

function putBack(item, origin) {
  const focused = item.contains(document.activeElement);
  origin.list.insertBefore(item, origin.next?.isConnected && origin.next.parentElement === origin.list ? origin.next : origin.list.firstElementChild);
  item.removeAttribute("aria-busy");
  if (focused) link(item).focus({ preventScroll: true });
}

function showSums(sums = {}) {
  for (const [value, { count, sum }] of Object.entries(sums)) {
    const column = [...board().querySelectorAll("[data-column]")].find((one) => one.dataset.value === value);
    if (!column) continue;
    column.querySelector(".os-count").textContent = new Intl.NumberFormat(document.documentElement.lang).format(count);
    column.querySelector(".os-column-sum").innerHTML = sum;
    column.dataset.counted = "";
  }
}

/** The card as the server has it now, in the column that it says. */
function replaceCard(item, answer) {
  const made = document.createElement("template");
  made.innerHTML = answer.card.trim();
  const fresh = made.content.firstElementChild;
  const column = [...board().querySelectorAll("[data-column]")].find((one) => one.dataset.value === answer.column);
  const focused = item.contains(document.activeElement) || document.activeElement === document.body;
  if (!column) return item.remove();
  if (columnOf(item) !== column) listOf(column).prepend(item);
  item.replaceWith(fresh);
  announceAdded(fresh);
  if (focused) link(fresh).focus({ preventScroll: true });
  showSums(answer.sums);
}

function askWhatIsMissing(item, origin, html) {
  const holder = document.createElement("div");
  holder.innerHTML = html;
  const dialog = holder.firstElementChild;
  document.body.append(dialog);
  window.htmx.process(dialog);
  announceAdded(dialog);
  let going = false;
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    going = true;
    const given = new FormData(event.target);
    dialog.close();
    commit(item, origin, given);
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (going) return;
    const column = columnOf(origin.list);
    putBack(item, origin);
    say(board().dataset.back, column);
  });
  dialog.showModal();
  (dialog.querySelector("[aria-invalid=true]") ?? dialog.querySelector("input:not([type=hidden]), select, textarea"))?.focus();
}

/** Send where a card was put; one move at a time, so that each answer has the sums after all moves before it. */
function commit(item, origin, given = new FormData()) {
  const to = columnOf(item);
  given.set("to", to.dataset.value);
  given.set("version", item.dataset.version);
  item.setAttribute("aria-busy", "true");
  const address = `${link(item).dataset.href}/move${board().dataset.moves}`;
  const send = (options = {}) => fetch(address, { method: "POST", body: given, headers: { "X-CSRFToken": csrf(), "HX-Request": "true" }, ...options });
  moves.push({ item, origin, to, send });
  if (moves.length === 1) goOn();
}

async function goOn() {
  while (moves.length) {
    await move(moves[0]).catch(reportError);
    moves.shift();
  }
}

async function move({ item, origin, to, send }) {
  let response;
  let answer = {};
  try {
    response = await send();
    answer = response.headers.get("Content-Type")?.includes("json") ? await response.json() : {};
  } catch {
    if (item.isConnected) putBack(item, origin);
    return toast(texts().offline, "danger");
  }
  item.removeAttribute("aria-busy");
  if (!item.isConnected) return; // another face of the list, or its rows anew, which say it themselves
  if (response.ok && answer.card) {
    replaceCard(item, answer);
    say(board().dataset.dropped, to);
    for (const words of answer.said) toast(words, "warning");
  } else if (answer.dialog) {
    askWhatIsMissing(item, origin, answer.dialog);
  } else if (answer.card) {
    replaceCard(item, answer);
    toast(answer.message, "warning");
    say(answer.message);
  } else {
    putBack(item, origin);
    toast(answer.message ?? texts().failed, "danger");
    say(`${answer.message ?? ""} ${board().dataset.back}`, columnOf(origin.list));
  }
}

// -- by mouse and touch -------------------------------------------------------------------------------------------------

function makeSortable(list) {
  if (list.dataset.sortable) return;
  list.dataset.sortable = "1";
  let origin = null;
  Sortable.create(list, {
    group: "cards", draggable: REST, sort: true, animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
    forceFallback: true, fallbackOnBody: true, fallbackTolerance: 5, delay: 180, delayOnTouchOnly: true, touchStartThreshold: 6,
    filter: "[data-move-card]", preventOnFilter: false, ghostClass: "os-card-ghost", dragClass: "os-card-dragged",
    scroll: true, bubbleScroll: true, scrollSensitivity: 48, scrollSpeed: 14,
    onStart: ({ item }) => { origin = placeOf(item); board().dataset.dragging = ""; },
    onEnd: ({ item, from, to }) => {
      dragged = performance.now();
      delete board().dataset.dragging;
      if (from === to) putBack(item, origin);
      else commit(item, origin);
    },
  });
}

// -- by keyboard --------------------------------------------------------------------------------------------------------

function pickUp(item) {
  held = { item, origin: placeOf(item) };
  item.dataset.heldCard = "";
  say(board().dataset.held);
}

function carry(step) {
  const columns = [...board().querySelectorAll("[data-column]")];
  const to = columns[columns.indexOf(columnOf(held.item)) + step];
  if (!to) return;
  const { item } = held;
  held.moving = true;
  listOf(to).prepend(item);
  link(item).focus({ preventScroll: true });
  held.moving = false;
  to.scrollIntoView({ block: "nearest", inline: "nearest" });
  listOf(to).scrollTop = 0;
  say(board().dataset.over, to);
}

function letGo({ back }) {
  const { item, origin } = held;
  delete item.dataset.heldCard;
  held = null;
  if (back || item.parentElement === origin.list) {
    putBack(item, origin);
    say(board().dataset.back, columnOf(origin.list));
  } else commit(item, origin);
}

function onKey(card, event) {
  const item = card.closest(CARD);
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
  const taken = () => { event.preventDefault(); event.stopImmediatePropagation(); };
  if (!held) {
    if (!item.matches(REST) && [" ", "m"].includes(event.key)) return taken();
    if (event.key === " " && !event.shiftKey) { taken(); pickUp(item); }
    else if (event.key === "m") { taken(); openMenu(item, card); }
    else if (event.key === "e") { taken(); edit(card); }
    return;
  }
  const act = { " ": () => letGo({}), Enter: () => letGo({}), Escape: () => letGo({ back: true }), ArrowLeft: () => carry(-1), ArrowRight: () => carry(1), ArrowUp: () => {}, ArrowDown: () => {} }[event.key];
  if (act) { taken(); act(); }
}

// -- by menu ------------------------------------------------------------------------------------------------------------

function openMenu(item, anchor) {
  if (!item.matches(REST)) return;
  const menu = document.getElementById("move-menu");
  forMenu = item;
  const here = columnOf(item).dataset.value;
  for (const choice of menu.querySelectorAll("[data-move-to]")) choice.disabled = choice.dataset.moveTo === here;
  menu.showPopover();
  const at = anchor.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(at.right - size.width, innerWidth - size.width - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(at.bottom + 4, innerHeight - size.height - 8))}px`;
}

function chooseColumn(choice) {
  const item = forMenu;
  document.getElementById("move-menu").hidePopover();
  const to = [...board().querySelectorAll("[data-column]")].find((one) => one.dataset.value === choice.dataset.moveTo);
  if (!item?.isConnected || !to) return;
  const origin = placeOf(item);
  listOf(to).prepend(item);
  link(item).focus({ preventScroll: true });
  commit(item, origin);
}

// -- a card opened for editing ------------------------------------------------------------------------------------------

const editor = () => document.getElementById("card-editor");

const inEditor = () => editor().querySelector("[data-editor]");

function showForm(html, typed) {
  const body = inEditor();
  body.innerHTML = html;
  typed?.put(body);
  window.htmx.process(body);
  announceAdded(body);
  typed?.begin();
  if (!typed || !body.contains(document.activeElement)) body.scrollTop = 0;
}

async function edit(card) {
  const response = await fetch(`${card.dataset.href}/edit`, { headers: { "HX-Request": "true" } });
  if (!response.ok || response.redirected) { location.href = card.dataset.href; return; }
  showForm(await response.text());
  editor().dataset.record = card.dataset.href;
  editor().showModal();
  editor().querySelector("input:not([type=hidden]), select, textarea")?.focus();
}

async function save(form, event) {
  event.preventDefault();
  const given = new URLSearchParams(new FormData(form, event.submitter));
  const sent = sending(inEditor());
  const response = await fetch(form.action, { method: "POST", body: given, headers: { "X-CSRFToken": csrf(), "HX-Request": "true" } });
  const html = await response.text();
  if (!response.redirected) return showForm(html, typedSince(inEditor(), sent));
  const page = new DOMParser().parseFromString(html, "text/html");
  const said = page.querySelectorAll("[data-toast] p");
  page.querySelectorAll("[data-saved]").forEach(({ dataset }) => document.dispatchEvent(new CustomEvent("os:saved", { detail: dataset.saved })));
  const { record } = editor().dataset;
  editor().close();
  await window.htmx.ajax("GET", location.href, { target: "#rows", source: "#rows", swap: "outerHTML show:none" });
  for (const words of said) toast(words.textContent, "success");
  document.querySelector(`[data-card][data-href="${record}"]`)?.focus({ preventScroll: true });
}

// What the columns were said to hold before a card was moved is not said of them after.
document.addEventListener("htmx:oobBeforeSwap", (event) => { if (event.target.closest?.("[data-counted]")) event.detail.shouldSwap = false; });
addEventListener("pagehide", () => moves.splice(1).forEach(({ send }) => send({ keepalive: true })));
whenReady((root) => {
  const found = [root.closest?.("[data-board][data-moves]"), ...root.querySelectorAll("[data-board][data-moves]")];
  for (const one of found) one?.querySelectorAll(".os-cards").forEach(makeSortable);
});
on("keydown", `${CARD} [data-card]`, onKey, true);
on("focusout", `${CARD} [data-card]`, () => { if (held && !held.moving) letGo({ back: true }); });
on("click", "[data-move-card]", (button, event) => { event.stopPropagation(); openMenu(button.closest(CARD), button); });
on("click", "[data-move-to]", chooseColumn);
on("click", `${CARD} [data-card]`, (card, event) => {
  if (performance.now() - dragged < JUST_NOW) return event.preventDefault();
  if (!event.detail || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  edit(card);
}, true);
on("submit", "#card-editor form[data-form]", save);
on("click", "#card-editor a", (anchor, event) => {
  if (anchor.pathname !== new URL(editor().dataset.record, location.href).pathname) return;
  event.preventDefault();
  editor().close();
});
