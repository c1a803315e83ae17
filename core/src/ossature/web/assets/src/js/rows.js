/** Rows of a list: the whole row opens, j and k walk, Enter opens. */
import { on } from "./page.js";

const active = () => document.querySelector("tr[data-active]");

function activate(row) {
  active()?.removeAttribute("data-active");
  row.dataset.active = "";
  row.scrollIntoView({ block: "nearest" });
  row.querySelector("a")?.focus({ preventScroll: true });
}

/** Move the marked row; false when the page has no rows. */
export function walk(step) {
  const all = [...document.querySelectorAll("[data-rows] tbody tr")];
  if (!all.length) return false;
  const at = all.indexOf(active() ?? document.activeElement?.closest?.("tr"));
  activate(all[Math.max(0, Math.min(all.length - 1, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))]);
  return true;
}

export function startRows() {
  on("click", "tr[data-href]", (row, event) => {
    if (event.target.closest("a, button, input, label, select, summary, [popover]") || String(getSelection())) return;
    if (event.ctrlKey || event.metaKey) open(row.dataset.href, "_blank", "noopener");
    else location.assign(row.dataset.href);
  });
  on("auxclick", "tr[data-href]", (row, event) => {
    if (event.button === 1 && !event.target.closest("a")) open(row.dataset.href, "_blank", "noopener");
  });
}
