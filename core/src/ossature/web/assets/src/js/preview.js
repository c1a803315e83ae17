/** A record at a glance beside its list; walking the rows walks the preview. On a phone it is a sheet. */
import { on } from "./page.js";
import { walk } from "./rows.js";

let shown = null;
let asked = null;

const panel = () => document.getElementById("preview");

export const isPreviewing = () => Boolean(panel() && !panel().hidden);

export function closePreview() {
  const box = panel();
  if (!box) return;
  box.hidden = true;
  shown = null;
  document.querySelector("[data-list]")?.classList.remove("os-previewing");
}

export async function preview(row) {
  const box = panel();
  const url = row?.dataset.href;
  if (!box || !url || (url === shown && !box.hidden)) return;
  shown = url;
  box.querySelector("[data-preview-open]").href = url;
  box.hidden = false;
  document.querySelector("[data-list]")?.classList.add("os-previewing");
  row.scrollIntoView({ block: "nearest" });
  const body = box.querySelector("[data-preview-body]");
  body.setAttribute("aria-busy", "true");
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  const wait = new Promise((resolve) => setTimeout(resolve, 60));
  await wait;
  if (signal.aborted) return;
  await window.htmx.ajax("GET", `${url}?part=preview`, { target: body, source: body, swap: "innerHTML ignoreTitle:true" }).catch(() => {});
  body.removeAttribute("aria-busy");
  body.scrollTop = 0;
}

export function togglePreview(row) {
  if (isPreviewing() && shown === row.dataset.href) closePreview();
  else preview(row);
}

export function startPreview() {
  on("click", "[data-preview-close]", closePreview);
  on("click", "[data-preview-step]", (button) => walk(Number(button.dataset.previewStep)));
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "rows" && isPreviewing() && !event.target.querySelector(`[data-href="${CSS.escape(shown)}"]`)) closePreview();
  });
}
