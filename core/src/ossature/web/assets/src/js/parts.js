/** Repeatable rows of a form: added from the blank one, removed with the focus kept near. */
import { announceAdded, on } from "./page.js";

const rows = (part) => part.querySelectorAll("[data-part-row]");

function nextNumber(part) {
  const name = part.dataset.part;
  const numbers = [...part.querySelectorAll("[name]")].map((input) => input.name.match(new RegExp(`^${name}-(\\d+)-`))?.[1]).filter(Boolean).map(Number);
  return Math.max(-1, Number(part.dataset.last ?? -1), ...numbers) + 1;
}

function limit(part) {
  const button = part.querySelector("[data-part-add]");
  button.disabled = Boolean(part.dataset.maximum) && rows(part).length >= Number(part.dataset.maximum);
}

export function startParts() {
  on("click", "[data-part-add]", (button, event) => {
    event.preventDefault();
    const part = button.closest("[data-part]");
    const number = nextNumber(part);
    part.dataset.last = number;
    const holder = document.createElement("template");
    holder.innerHTML = part.querySelector("[data-part-blank]").innerHTML.replaceAll("__index__", String(number));
    const row = holder.content.firstElementChild;
    part.querySelector("[data-part-list]").append(row);
    announceAdded(row);
    row.querySelector("input:not([type=hidden]), select:not([hidden]), textarea")?.focus();
    limit(part);
  });
  on("click", "[data-part-remove]", (button, event) => {
    event.preventDefault();
    const part = button.closest("[data-part]");
    const row = button.closest("[data-part-row]");
    const near = row.nextElementSibling ?? row.previousElementSibling;
    part.closest("form")?.dispatchEvent(new Event("input", { bubbles: true }));
    row.remove();
    (near?.querySelector("input:not([type=hidden]), select:not([hidden])") ?? part.querySelector("[data-part-add]")).focus();
    limit(part);
  });
}
