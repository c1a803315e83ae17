/** Repeatable rows of a form: added from the blank one, removed with the focus kept near. */
import { announceAdded, on } from "./page.js";

const INPUT = "input:not([type=hidden]), select:not([hidden]), textarea";
const rows = (part) => part.querySelectorAll("[data-part-row]");

function nextNumber(part) {
  if (part.dataset.last === undefined) {
    const numbers = [...part.querySelectorAll("[name]")].map((input) => input.name.match(/^[^-]+-(\d+)-/)?.[1]).filter(Boolean).map(Number);
    part.dataset.last = Math.max(-1, ...numbers);
  }
  return Number(part.dataset.last) + 1;
}

function limit(part) {
  const button = part.querySelector("[data-part-add]");
  button.disabled = Boolean(part.dataset.maximum) && rows(part).length >= Number(part.dataset.maximum);
}

const tell = (part) => part.dispatchEvent(new Event("os:rows", { bubbles: true }));

/** Append a row; null where no more fit. */
export function addRow(part, focus = true) {
  if (part.dataset.maximum && rows(part).length >= Number(part.dataset.maximum)) return null;
  const number = nextNumber(part);
  part.dataset.last = number;
  const holder = document.createElement("template");
  holder.innerHTML = part.querySelector("[data-part-blank]").innerHTML.replaceAll("__index__", String(number));
  const row = holder.content.firstElementChild;
  part.querySelector("[data-part-list]").append(row);
  announceAdded(row);
  if (focus) {
    row.querySelector(INPUT)?.focus();
    tell(part);
  }
  limit(part);
  return row;
}

export function startParts() {
  on("click", "[data-part-add]", (button, event) => {
    event.preventDefault();
    addRow(button.closest("[data-part]"));
  });
  on("click", "[data-part-remove]", (button, event) => {
    event.preventDefault();
    const part = button.closest("[data-part]");
    const row = button.closest("[data-part-row]");
    const near = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    part.dispatchEvent(new Event("input", { bubbles: true }));
    tell(part);
    (near?.querySelector(INPUT) ?? part.querySelector("[data-part-add]")).focus();
    limit(part);
  });
}
