/** A block copied from a spreadsheet, put into a grid from the cell that has the focus: numbers in either notation; what cannot be is marked. */
import { addRow } from "./parts.js";
import { plainNumber, typedNumber } from "./numbers.js";

const SIGNS = { "€": "EUR", $: "USD", "£": "GBP" };
const fold = (text) => text.trim().normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
const says = (words, values) => words.replace(/\{(\w+)\}/g, (_all, name) => values[name]);

/** Rows of cells; a cell in quotes may hold line ends and tabs. */
export function cellsOf(text) {
  const rows = [[""]];
  let quoted = false;
  const clean = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  for (let at = 0; at < clean.length; at += 1) {
    const sign = clean[at];
    const row = rows.at(-1);
    if (quoted && sign === '"' && clean[at + 1] === '"') row[row.length - 1] += clean[++at];
    else if (sign === '"' && (quoted || row.at(-1) === "")) quoted = !quoted;
    else if (!quoted && sign === "\t") row.push("");
    else if (!quoted && sign === "\n") rows.push([""]);
    else row[row.length - 1] += sign;
  }
  return rows;
}

function mark(cell, input, message) {
  const error = cell.querySelector(".os-error");
  error.querySelector("span").textContent = message;
  error.hidden = false;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", error.id);
  return false;
}

function dateOf(text) {
  const found = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$/.exec(text);
  const iso = found ? `${found[3]}-${found[2].padStart(2, "0")}-${found[1].padStart(2, "0")}` : text;
  const day = new Date(`${iso}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(iso) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(iso) ? iso : null;
}

function chosen(select, text) {
  return [...select.options].find((option) => fold(option.textContent) === fold(text) || option.value === text);
}

/** Put a text into a cell as if it had been typed; false where it does not suit and is marked. */
function fill(cell, text, words) {
  const input = cell.querySelector("input:not([type=hidden]), select, textarea");
  if (!input || input.disabled || input.readOnly) return true;
  const written = text.trim();
  const { kind } = cell.dataset;
  if (kind === "boolean") {
    input.checked = /^(1|x|yes|oui|true|vrai)$/i.test(written);
    return true;
  }
  if (kind === "choice" || kind === "reference") {
    const select = cell.querySelector("select");
    const option = written === "" ? chosen(select, "") : chosen(select, written);
    if (!option && written) return mark(cell, cell.querySelector("[role=combobox]") ?? select, says(words.choice, { text: written }));
    select.value = option?.value ?? "";
    select.dispatchEvent(new Event("os:set"));
    return true;
  }
  if (kind === "date") {
    const day = written === "" ? "" : dateOf(written);
    input.value = day ?? "";
    return day !== null || mark(cell, input, says(words.date, { text: written }));
  }
  if (!["integer", "decimal", "percent", "money"].includes(kind)) {
    input.value = input.nodeName === "TEXTAREA" ? written : written.replaceAll("\n", " ");
    return true;
  }
  const currency = kind === "money" && cell.querySelector("select");
  const code = currency && (Object.entries(SIGNS).find(([sign]) => written.includes(sign))?.[1] ?? /[A-Z]{3}/.exec(written)?.[0]);
  if (code && chosen(currency, code)) currency.value = code;
  const plain = plainNumber(written.replace(/[A-Z]{3}/, ""));
  input.value = plain === null ? written : typedNumber(plain);
  return plain !== null || written === "" || mark(cell, input, words.number);
}

const editable = (row) => [...row.querySelectorAll("[data-column]")];

/** What a row holds, to put it back. */
const stateOf = (row) => [...row.querySelectorAll("[name]")].map((input) => [input, input.type === "checkbox" ? input.checked : input.value]);

function offerUndo(grid, said, before, added) {
  const undo = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm btn-ghost", textContent: said.dataset.undo });
  undo.addEventListener("click", () => {
    added.forEach((row) => row.remove());
    for (const [input, value] of before.flat()) {
      if (input.type === "checkbox") input.checked = value;
      else input.value = value;
      input.removeAttribute("aria-invalid");
      const error = input.closest("[data-field]")?.querySelector(".os-error");
      if (error) error.hidden = true;
      input.dispatchEvent(new Event("os:set"));
    }
    said.replaceChildren();
    grid.dispatchEvent(new Event("os:rows", { bubbles: true }));
    grid.dispatchEvent(new Event("input", { bubbles: true }));
  });
  said.append(" ", undo);
}

export function pasteInto(cell, event) {
  const text = event.clipboardData?.getData("text/plain") ?? "";
  const block = cellsOf(text);
  if (block.length === 1 && block[0].length === 1) return;
  const grid = cell.closest("[data-grid]");
  event.preventDefault();
  if (grid.hasAttribute("data-locked")) return;
  const said = grid.querySelector("[data-grid-said]");
  const rows = [...grid.querySelectorAll("tbody > [data-part-row]")];
  const first = rows.indexOf(cell.closest("[data-part-row]"));
  const from = editable(rows[first]).indexOf(cell);
  const most = Number(grid.dataset.maximum) || Infinity;
  const count = (number) => number.toLocaleString(document.documentElement.lang);
  if (first + block.length > most) {
    said.textContent = says(said.dataset.full, { rows: count(block.length), most: count(most) });
    return;
  }
  const touched = rows.slice(first, first + block.length);
  const before = touched.map(stateOf);
  const added = [];
  while (touched.length < block.length) {
    const row = addRow(grid, false);
    touched.push(row);
    added.push(row);
  }
  let wrong = 0;
  block.forEach((texts, at) => {
    const cells = editable(touched[at]);
    texts.forEach((one, column) => {
      const into = cells[from + column];
      if (into && !fill(into, one, said.dataset)) wrong += 1;
    });
  });
  said.textContent = [says(said.dataset.pasted, { rows: count(block.length) }), wrong && says(said.dataset.wrong, { cells: count(wrong) })].filter(Boolean).join(" ");
  offerUndo(grid, said, before, added);
  grid.dispatchEvent(new Event("os:rows", { bubbles: true }));
  grid.dispatchEvent(new Event("os:filled", { bubbles: true }));
  // Only after the marks are set: an input event of a cell takes its mark away.
  grid.dispatchEvent(new Event("input", { bubbles: true }));
  touched.map((row) => row.querySelector("[aria-invalid=true]")).find(Boolean)?.focus();
}
