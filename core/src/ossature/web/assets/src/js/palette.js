/**
 * The command palette (Ctrl-K): records, screens and actions in one combobox over a listbox (WAI-ARIA list autocomplete).
 * Screens and what is at hand come once an opening and are sifted here; records are asked for while one types, and the old
 * ones stay until the new ones are there.
 */
import { onceFree } from "./holding.js";
import { on, texts } from "./page.js";

const WAIT = 120;
const MOST = 6;
const fold = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/œ/gi, "oe").replace(/æ/gi, "ae").toLowerCase();

class Palette {
  constructor(dialog) {
    const part = (name) => dialog.querySelector(`[data-palette-${name}]`);
    Object.assign(this, { dialog, input: dialog.querySelector("[role=combobox]"), list: dialog.querySelector("[role=listbox]"), places: part("static"), found: part("found"), last: part("last"), status: part("status") });
    this.at = null;
    this.input.addEventListener("input", () => this.type());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("mousemove", (event) => { const item = event.target.closest("[role=option]"); if (item && item !== this.at) this.move(item, false); });
    this.list.addEventListener("click", (event) => this.go(event.target.closest("[role=option]"), event.ctrlKey || event.metaKey));
    this.list.addEventListener("auxclick", (event) => event.button === 1 && this.go(event.target.closest("[role=option]"), true));
    dialog.addEventListener("close", () => { this.entered = null; clearTimeout(this.timer); this.asked?.abort(); });
  }

  open(text = "") {
    document.querySelectorAll("[popover]:popover-open").forEach((menu) => menu.hidePopover());
    this.moved = false;
    this.input.value = text;
    this.found.replaceChildren();
    if (!this.dialog.open) this.dialog.showModal();
    this.input.focus();
    this.sift();
    this.load();
    if (text) this.type();
  }

  async load() {
    const answer = await get(this.dialog.dataset.palettePlaces);
    if (!answer.ok) return;
    this.places.innerHTML = answer.text;
    this.sift();
  }

  get words() {
    return fold(this.input.value).split(/\s+/).filter(Boolean);
  }

  get items() {
    return [...this.list.querySelectorAll("[role=option]")].filter((item) => !item.hidden && !item.closest("[hidden]"));
  }

  type() {
    this.moved = false;
    this.entered = null;
    this.sift();
    clearTimeout(this.timer);
    this.asked?.abort();
    if (!/[\p{L}\p{N}]/u.test(this.input.value)) {
      this.found.replaceChildren();
      this.list.removeAttribute("aria-busy");
      return this.settle();
    }
    this.list.setAttribute("aria-busy", "true");
    this.timer = setTimeout(() => this.search(), WAIT);
  }

  async search() {
    this.asked = new AbortController();
    const { signal } = this.asked;
    const answer = await get(`${this.dialog.dataset.paletteHits}?q=${encodeURIComponent(this.input.value.trim())}`, signal);
    onceFree(() => signal.aborted || this.show(answer));
  }

  show(answer) {
    this.list.removeAttribute("aria-busy");
    const before = this.at?.id;
    if (answer.ok) this.found.innerHTML = answer.text;
    else this.found.replaceChildren(Object.assign(document.createElement("p"), { className: "os-palette-note", textContent: answer.text }));
    this.settle(before);
    if (this.entered && answer.ok) this.go(this.at, this.entered.apart);
    this.entered = null;
  }

  /** Show of the places what fits the words, each of them at the beginning of a word; without words, what is at hand. */
  sift() {
    const { words } = this;
    let shown = 0;
    for (const group of this.places.querySelectorAll("[role=group]")) {
      let any = false;
      for (const item of group.querySelectorAll("[role=option]")) {
        const said = ` ${fold(`${item.querySelector("[data-label]").textContent} ${group.dataset.words ?? ""}`).replace(/[^\p{L}\p{N}]+/gu, " ")}`;
        const fits = words.length ? words.every((word) => said.includes(` ${word}`)) && shown < MOST : "first" in group.dataset;
        item.hidden = !fits;
        any ||= fits;
        shown += fits && words.length ? 1 : 0;
      }
      group.hidden = !any;
    }
    const text = this.input.value.trim();
    const everything = this.last.querySelector("[data-template]");
    this.last.hidden = !text;
    everything.textContent = everything.dataset.template.replace("{}", text);
    this.last.firstElementChild.dataset.url = `${this.dialog.dataset.palettePage}?q=${encodeURIComponent(text)}`;
    this.settle(this.at?.id);
  }

  /** Keep what somebody moved to while it is there, else the first; say how many there are. */
  settle(id) {
    const { items } = this;
    this.choose((this.moved && items.find((item) => item.id === id)) || items[0] || null, false);
    const { one, many, none } = this.status.dataset;
    const count = items.length - (this.last.hidden ? 0 : 1);
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { this.status.textContent = count === 0 ? none : count === 1 ? one : many.replace("{}", count); }, 400);
  }

  move(item, scroll = true) {
    this.moved = true;
    this.choose(item, scroll);
  }

  choose(item, scroll) {
    this.at?.removeAttribute("aria-selected");
    this.at = item;
    if (!item) return this.input.removeAttribute("aria-activedescendant");
    item.setAttribute("aria-selected", "true");
    this.input.setAttribute("aria-activedescendant", item.id);
    if (scroll) item.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const { items } = this;
    const place = items.indexOf(this.at);
    const steps = { ArrowDown: place + 1, ArrowUp: place - 1, PageDown: Math.min(place + 8, items.length - 1), PageUp: Math.max(place - 8, 0) };
    if (event.key in steps && items.length) {
      event.preventDefault();
      this.move(items[(steps[event.key] + items.length) % items.length]);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      const apart = event.ctrlKey || event.metaKey;
      // What is shown is still what was typed before: the first of what is found now is meant.
      if (!this.moved && this.list.hasAttribute("aria-busy")) this.entered = { apart };
      else this.go(this.at, apart);
    }
  }

  go(item, apart) {
    const url = item?.dataset.url;
    if (!url) return;
    if (apart) { window.open(url, "_blank", "noopener"); return; }
    this.dialog.close();
    location.assign(url);
  }
}

const unanswered = () => document.getElementById("palette").dataset.paletteUnanswered;

/** What the server answered, or in words why not. */
async function get(url, signal) {
  const words = texts();
  try {
    const answer = await fetch(url, { headers: { "HX-Request": "true" }, signal });
    if (answer.ok && !answer.redirected) return { ok: true, text: await answer.text() };
    return { ok: false, text: { 401: words.expired, 429: words.many }[answer.redirected ? 401 : answer.status] ?? unanswered() };
  } catch {
    return { ok: false, text: navigator.onLine ? unanswered() : words.offline };
  }
}

let palette = null;

/** Open the palette; false where the page has none. */
export function openPalette() {
  if (!palette) return false;
  palette.open();
  return true;
}

export function startPalette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  palette = new Palette(dialog);
  document.querySelectorAll("[data-palette]").forEach((link) => link.setAttribute("role", "button"));
  on("click", "[data-palette]", (link, event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openPalette();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else if (!document.querySelector("dialog[open]")) openPalette();
  });
}
