/** Keyboard shortcuts; letters are silent while typing, in dialogs, and when switched off (data-keys on the root). */
import { isTyping } from "./page.js";
import { openDialog } from "./dialogs.js";
import { openPalette } from "./palette.js";
import { walk } from "./rows.js";

const CHAIN = 1200;
let going = -Infinity;

const visible = (element) => element && element.getClientRects().length > 0;

function press(selector) {
  const found = [...document.querySelectorAll(selector)].find(visible);
  if (!found) return false;
  if (found.matches("input")) { found.focus(); found.select(); } else found.click();
  return true;
}

function back() {
  const link = document.querySelector("[data-back]") ?? [...document.querySelectorAll(".os-crumbs a")].at(-1);
  if (!link) return false;
  link.click();
  return true;
}

function letter(key) {
  if (performance.now() - going < CHAIN) {
    going = -Infinity;
    const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
    if (link) { location.assign(link.href); return true; }
  }
  if (key === "g") { going = performance.now(); return true; }
  if (key === "/") return press('[data-key="/"]') || openPalette();
  if (key === "?") { openDialog("keys"); return true; }
  if (key === "j" || key === "k") return walk(key === "j" ? 1 : -1) || press(`[data-key="${key}"]`);
  if (/^[a-z]$/.test(key)) return press(`main [data-key="${key}"]`) || press(`[data-key="${key}"]`);
  return false;
}

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open], [popover]:popover-open, [data-nav][data-open]")) return;
    if (event.key === "Escape") {
      if (isTyping(event.target)) event.target.blur();
      else if (back()) event.preventDefault();
      return;
    }
    if (isTyping(event.target) || document.documentElement.dataset.keys === "off") return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : "";
    if (key && letter(key)) event.preventDefault();
  });
}
