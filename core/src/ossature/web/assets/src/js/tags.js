/**
 * An input with data-tags takes several words: each becomes a chip at a comma or Enter, Backspace takes the last one back, and
 * what others use is offered while typing. The input stays, hidden, and carries all with commas between; without scripts it is
 * simply typed into.
 */
import { whenReady } from "./page.js";

const WAIT = 160;
let serial = 0;

class Tags {
  constructor(input) {
    this.input = input;
    this.at = -1;
    this.tones = {};
    for (const [name, tone] of Object.entries(JSON.parse(input.dataset.tones || "{}"))) this.tones[fold(name)] = tone;
    const id = input.id;
    this.box = Object.assign(document.createElement("div"), { className: "os-tags form-control" });
    this.typed = Object.assign(document.createElement("input"), { type: "text", autocomplete: "off", maxLength: 60, id });
    this.list = Object.assign(document.createElement("ul"), { className: "os-combo-list", id: `tags-${++serial}`, hidden: true });
    this.list.setAttribute("role", "listbox");
    input.id = `${id}-value`;
    input.type = "hidden";
    const roles = { role: "combobox", "aria-expanded": "false", "aria-controls": this.list.id, "aria-autocomplete": "list" };
    for (const [name, value] of Object.entries(roles)) this.typed.setAttribute(name, value);
    for (const name of ["aria-describedby", "aria-invalid"]) if (input.hasAttribute(name)) this.typed.setAttribute(name, input.getAttribute(name));
    input.before(this.box);
    this.box.append(this.typed, this.list, input);
    this.show();
    this.listen();
  }

  get values() {
    return this.input.value.split(",").map((one) => one.trim()).filter(Boolean);
  }

  /** Write all, and tell whoever listens to the form. */
  set(values) {
    this.input.value = values.join(", ");
    this.show();
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  show() {
    this.box.querySelectorAll(".os-tag").forEach((chip) => chip.remove());
    for (const name of this.values) this.typed.before(this.chip(name));
    this.typed.disabled = this.input.readOnly || this.input.disabled;
  }

  chip(name) {
    const chip = Object.assign(document.createElement("span"), { className: `os-tag os-tone-${this.tones[fold(name)] ?? "neutral"}`, textContent: name });
    const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
    remove.setAttribute("aria-label", `${this.input.dataset.remove}: ${name}`);
    remove.addEventListener("click", () => {
      this.set(this.values.filter((one) => one !== name));
      this.typed.focus();
    });
    chip.append(remove);
    return chip;
  }

  take(text = this.typed.value) {
    const known = new Set(this.values.map(fold));
    const added = text.split(",").map((one) => one.trim()).filter((one) => one && !known.has(fold(one)) && known.add(fold(one)));
    this.typed.value = "";
    this.close();
    if (added.length) this.set([...this.values, ...added]);
  }

  listen() {
    const { typed } = this;
    typed.addEventListener("input", (event) => {
      event.stopPropagation();
      if (typed.value.includes(",")) return this.take();
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.suggest(), WAIT);
    });
    typed.addEventListener("change", (event) => event.stopPropagation());
    typed.addEventListener("keydown", (event) => this.key(event));
    typed.addEventListener("blur", () => this.take());
    this.box.addEventListener("click", (event) => event.target === this.box && typed.focus());
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("li");
      if (option) this.take(option.textContent);
    });
    this.input.addEventListener("os:set", () => this.show());
  }

  key(event) {
    const options = [...this.list.children];
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && (this.typed.value.trim() || this.at >= 0)) {
      event.preventDefault();
      this.take(options[this.at]?.textContent);
    } else if (event.key === "Backspace" && !this.typed.value && this.values.length) this.set(this.values.slice(0, -1));
    else if (event.key === "Escape" && !this.list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      event.preventDefault();
      this.mark((this.at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length);
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.take();
  }

  async suggest() {
    const text = this.typed.value.trim();
    if (!text || !this.input.dataset.options) return this.close();
    const answer = await fetch(`${this.input.dataset.options}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok || text !== this.typed.value.trim()) return;
    const known = new Set(this.values.map(fold));
    const found = (await answer.json()).data;
    for (const one of found) this.tones[fold(one.name)] = one.tone;
    const offered = found.filter((one) => !known.has(fold(one.name)));
    this.list.replaceChildren(...offered.map((one, place) => {
      const option = Object.assign(document.createElement("li"), { id: `${this.list.id}-${place}` });
      option.append(Object.assign(document.createElement("span"), { className: `os-tag os-tone-${one.tone}`, textContent: one.name }));
      option.setAttribute("role", "option");
      return option;
    }));
    this.list.hidden = !offered.length;
    this.typed.setAttribute("aria-expanded", String(!!offered.length));
    this.mark(-1);
  }

  mark(place) {
    this.at = place;
    [...this.list.children].forEach((option, number) => option.setAttribute("aria-selected", String(number === place)));
    if (place < 0) this.typed.removeAttribute("aria-activedescendant");
    else this.typed.setAttribute("aria-activedescendant", this.list.children[place].id);
  }

  close() {
    clearTimeout(this.waiting);
    this.list.hidden = true;
    this.list.replaceChildren();
    this.typed.setAttribute("aria-expanded", "false");
    this.at = -1;
  }
}

const fold = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

export function startTags() {
  whenReady((root) => root.querySelectorAll("input[data-tags]:not([type=hidden])").forEach((input) => new Tags(input)));
}
