/**
 * A select with data-combobox becomes a searching combobox (WAI-ARIA list autocomplete). The select stays, hidden, and carries
 * the value; without scripts it is simply the select.
 */
import { createInPlace } from "./create.js";
import { onceFree } from "./holding.js";
import { texts, whenReady } from "./page.js";

const WAIT = 160;
let serial = 0;

export class Combobox {
  constructor(select) {
    this.select = select;
    this.options = [];
    this.at = -1;
    this.build();
  }

  build() {
    const { select } = this;
    const id = select.id;
    this.box = Object.assign(document.createElement("div"), { className: "os-combo" });
    this.input = Object.assign(document.createElement("input"), { type: "text", className: "form-control", autocomplete: "off", spellcheck: false, id });
    this.list = Object.assign(document.createElement("ul"), { className: "os-combo-list", id: `combo-${++serial}`, hidden: true });
    this.clear = Object.assign(document.createElement("button"), { type: "button", className: "os-icon-button os-combo-clear", textContent: "×", tabIndex: -1 });
    this.status = Object.assign(document.createElement("span"), { className: "os-hide" });
    select.id = `${id}-value`;
    select.hidden = true;
    select.tabIndex = -1;
    const label = document.querySelector(`label[for="${CSS.escape(id)}"]`)?.textContent.trim();
    this.list.setAttribute("role", "listbox");
    if (label) this.list.setAttribute("aria-label", label);
    this.clear.setAttribute("aria-label", texts().clear);
    this.status.setAttribute("role", "status");
    const roles = { role: "combobox", "aria-expanded": "false", "aria-controls": this.list.id, "aria-autocomplete": "list" };
    for (const [name, value] of Object.entries(roles)) this.input.setAttribute(name, value);
    for (const name of ["aria-describedby", "aria-invalid", "aria-required"]) if (select.hasAttribute(name)) this.input.setAttribute(name, select.getAttribute(name));
    this.input.disabled = select.disabled;
    this.input.placeholder = select.dataset.placeholder ?? "";
    select.before(this.box);
    this.box.append(this.input, this.clear, arrow(), this.list, this.status, select);
    this.show();
    this.listen();
  }

  get chosen() {
    return this.select.selectedOptions[0];
  }

  show() {
    this.input.value = this.chosen?.value ? this.chosen.textContent.trim() : "";
    this.input.disabled = this.select.disabled;
    this.clear.hidden = !this.chosen?.value || this.select.disabled;
  }

  listen() {
    const { input } = this;
    input.addEventListener("input", () => this.search(input.value));
    input.addEventListener("click", () => this.list.hidden && this.search(""));
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => { this.leaving = setTimeout(() => this.leave(), 120); });
    input.addEventListener("focus", () => clearTimeout(this.leaving)); // who is back so soon has not left: what they type stays
    this.clear.addEventListener("click", () => { this.choose({ value: "", label: "" }); input.focus(); });
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const item = event.target.closest("[role=option]");
      if (item) this.choose(this.options[Number(item.dataset.at)]);
    });
    this.select.addEventListener("os:set", () => this.show());
  }

  search(words) {
    this.cancel();
    this.searching = true;
    this.timer = setTimeout(() => this.fetch(words), words ? WAIT : 0);
  }

  /** Nothing is searched for any more. */
  cancel() {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.searching = false;
    this.entered = "";
  }

  async fetch(words) {
    const { options: url } = this.select.dataset;
    if (!url) return this.offer(this.local(words), false);
    this.asked = new AbortController();
    const { signal } = this.asked;
    if (this.list.hidden) this.note(texts().searching);
    try {
      const address = new URL(url, location.href);
      address.searchParams.set("q", words);
      const answer = await fetch(address, { headers: { Accept: "application/json" }, signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const { data = [], meta = {} } = await answer.json();
      onceFree(() => signal.aborted || this.offer(data, meta.more));
    } catch (error) {
      if (!signal.aborted) this.note(navigator.onLine ? texts().failed : texts().offline);
    }
  }

  /** The options whose label has the words, or its group and label together. */
  local(words) {
    const fold = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
    const options = [...this.select.options].filter((option) => option.value).map((option) => ({ value: option.value, label: option.textContent.trim(), hint: option.closest("optgroup")?.label }));
    return options.filter(({ label, hint = "" }) => fold(`${label} ${hint} ${label}`).includes(fold(words)));
  }

  note(words) {
    this.options = [];
    if (words !== texts().searching) this.searching = false;
    if (this.entered === "Tab" && !this.searching) return this.leave();
    this.list.replaceChildren(noteOf(words));
    this.status.textContent = words;
    this.open(true);
  }

  /** What is found and, where the select says so, the offer to create what was typed. */
  offer(options, more) {
    const words = this.input.value.trim() === (this.chosen?.textContent.trim() ?? "") ? "" : this.input.value.trim();
    const creates = this.select.dataset.create ? [{ create: words, label: words ? texts().create.replace("{name}", () => words) : texts().createNew }] : [];
    if (!options.length && !creates.length) return this.note(texts().nothing);
    this.searching = false;
    this.options = [...options, ...creates];
    const items = this.options.map((option, at) => this.item(option, at));
    if (!options.length) items.unshift(noteOf(texts().nothing));
    if (more) items.splice(options.length, 0, noteOf(texts().more));
    this.list.replaceChildren(...items);
    this.status.textContent = options.length ? String(options.length) : texts().nothing;
    this.only = options.length === 1 && creates.length > 0;
    this.open(true);
    this.move(this.input.value ? 0 : Math.max(0, options.findIndex((option) => option.value === this.select.value)));
    if (this.entered) this.enter();
  }

  /** Choose what Enter or Tab were pressed for before it was found; Tab has left, and creates nothing. */
  enter() {
    const option = this.options[this.at];
    if (this.entered === "Enter" || option.create === undefined) this.choose(option);
    else this.leave();
  }

  item(option, at) {
    const item = Object.assign(document.createElement("li"), { id: `${this.list.id}-${at}`, role: "option" });
    item.dataset.at = at;
    if (option.create !== undefined) item.className = "os-combo-create";
    item.append(Object.assign(document.createElement("span"), { textContent: option.label }));
    if (option.hint) item.append(Object.assign(document.createElement("span"), { className: "os-muted", textContent: option.hint }));
    return item;
  }

  move(at) {
    this.at = at;
    const items = this.list.querySelectorAll("[role=option]");
    items.forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
    if (items[at]) {
      this.input.setAttribute("aria-activedescendant", items[at].id);
      items[at].scrollIntoView({ block: "nearest" });
    }
  }

  open(open) {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (open && this.box.closest(".os-grid-box")) this.float();
    if (!open) this.input.removeAttribute("aria-activedescendant");
  }

  /** Over the grid, whose edges would cut it off. */
  float() {
    const { left, bottom, width } = this.input.getBoundingClientRect();
    Object.assign(this.list.style, { position: "fixed", left: `${left}px`, top: `${bottom + 4}px`, width: `${Math.max(width, 260)}px`, right: "auto" });
  }

  choose(option) {
    if (!option) return;
    this.cancel();
    if (option.create !== undefined) return this.create(option.create);
    let existing = [...this.select.options].find((item) => item.value === option.value);
    if (!existing) this.select.append((existing = new Option(option.label, option.value)));
    if (option.tells) existing.dataset.tells = JSON.stringify(option.tells);
    existing.selected = true;
    this.show();
    this.open(false);
    this.select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  create(words) {
    this.open(false);
    createInPlace(this.select.dataset.create, words, (made) => {
      this.choose(made);
      this.input.focus();
    });
  }

  leave() {
    if (this.entered === "Tab" && this.searching) return;
    this.cancel();
    if (this.input.value.trim() === "" && this.chosen?.value) this.choose({ value: "", label: "" });
    this.open(false);
    this.show();
  }

  key(event) {
    const open = !this.list.hidden;
    const last = this.options.length - 1;
    const early = this.searching && this.input.value.trim() && this.input.value.trim() !== this.chosen?.textContent.trim();
    if (early && (event.key === "Enter" || event.key === "Tab") && !event.ctrlKey && !event.metaKey) {
      if (event.key === "Enter") event.preventDefault();
      this.entered = event.key;
      return;
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) return this.search("");
      const step = event.key === "ArrowDown" ? 1 : -1;
      // Down and Enter takes the only one that was found, not the offer to create another.
      if (this.only && step > 0) {
        this.only = false;
        return;
      }
      return this.move((this.at + step + last + 1) % (last + 1));
    }
    if (event.key === "Enter" && open && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      return this.choose(this.options[this.at]);
    }
    if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      this.show();
      return this.open(false);
    }
    if (event.key === "Tab" && open && this.input.value && this.options[this.at]?.create === undefined) this.choose(this.options[this.at]);
  }
}

const noteOf = (words) => Object.assign(document.createElement("li"), { className: "os-combo-note", textContent: words, role: "presentation" });

function arrow() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "os-combo-arrow");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M4 6l4 4 4-4");
  path.setAttribute("fill", "none");
  path.setAttribute("stroke", "currentColor");
  path.setAttribute("stroke-width", "1.5");
  svg.append(path);
  return svg;
}

export function startCombobox() {
  whenReady((root) => root.querySelectorAll("select[data-combobox]:not([hidden])").forEach((select) => select.closest("template") || new Combobox(select)));
}
