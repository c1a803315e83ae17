/** The form of a filter takes another shape when its field or question changes; rows narrow while one types below a header. */
import { on } from "./page.js";
import { fill } from "./list.js";

const WAIT = 300;
const fold = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().trim();

function reshape(control) {
  const form = control.form;
  const values = new FormData(form);
  if (control.nodeName === "BUTTON") values.append(control.name, control.value);
  const number = /^f(\d+)$/.exec(control.name)?.[1];
  if (number) for (const name of [`o${number}`, `v${number}`]) values.delete(name);
  fill(`${form.action.split("?")[0]}?${new URLSearchParams(values)}`, control.nodeName === "BUTTON" ? "" : control.id.replace(/-value$/, ""));
}

/** Rows that cannot match what is typed go at once; the server has the last word. */
function narrow(row) {
  const table = row.closest("table");
  const asked = [...row.children].map((cell) => {
    const input = cell.querySelector("input, select");
    if (!input || input.value === input.dataset.stood) return "";
    return input.matches("select") ? fold(input.selectedOptions[0].textContent) : /[<>.\d]/.test(input.value) ? "" : fold(input.value);
  });
  for (const one of table.querySelectorAll("tbody tr[data-href]")) {
    one.hidden = asked.some((words, at) => words && !fold(one.children[at].textContent).startsWith(words) && !one.children[at].querySelector("time, .os-avatar, svg[role=img]"));
  }
}

let timer = 0;

function ask() {
  const row = document.querySelector(".os-filter-row");
  if (!row) return;
  const values = new URLSearchParams([...row.querySelectorAll("[name]")].map((input) => [input.name, input.value]));
  const url = row.dataset.filters;
  window.htmx.ajax("GET", `${url}${url.includes("?") ? "&" : "?"}${values}`, { target: "#rows", source: row, swap: "outerHTML show:none" });
}

export function startFilters() {
  on("change", "#list-box [data-reshapes]", (control) => control.nodeName !== "BUTTON" && reshape(control));
  on("click", "#list-box button[data-reshapes]", (button, event) => {
    event.preventDefault();
    reshape(button);
  });
  on("input", "[data-narrows]", (input) => {
    const words = fold(input.value);
    for (const link of input.closest(".os-fields-box").querySelectorAll("[data-narrowed] a")) link.hidden = !fold(link.textContent).includes(words);
  });
  on("keydown", "[data-narrows]", (input, event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    [...input.closest(".os-fields-box").querySelectorAll("[data-narrowed] a")].find((link) => !link.hidden)?.click();
  });
  on("focusin", ".os-filter-row [name]", (input) => { input.dataset.stood ??= input.value; });
  on("input", ".os-filter-row [name]", (input) => {
    const row = input.closest("tr");
    narrow(row);
    clearTimeout(timer);
    timer = setTimeout(ask, input.matches("select") ? 0 : WAIT);
  });
}
