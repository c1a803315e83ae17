/** Views of a list: forms in a dialog, a search among many, and links to copy. */
import { openDialog } from "./dialogs.js";
import { on, texts } from "./page.js";
import { toast } from "./toasts.js";

const folded = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

function search(input) {
  const menu = input.closest("[data-menu]");
  const wanted = folded(input.value.trim());
  for (const entry of menu.querySelectorAll("[data-view-entry]")) entry.hidden = !folded(entry.textContent).includes(wanted);
  for (const group of menu.querySelectorAll("[data-view-group]")) group.hidden = !group.querySelector("[data-view-entry]:not([hidden])");
  menu.querySelector("[data-view-none]").hidden = Boolean(menu.querySelector("[data-view-entry]:not([hidden])"));
}

async function copy(link, event) {
  if (!navigator.clipboard || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  link.closest("[popover]")?.hidePopover();
  try {
    await navigator.clipboard.writeText(link.href);
    toast(link.dataset.copies, "success");
  } catch {
    toast(texts().failed, "danger");
  }
}

export function startViews() {
  document.addEventListener("htmx:afterSwap", (event) => {
    const dialog = event.detail.target;
    if (dialog?.id !== "view-dialog") return;
    openDialog("view-dialog");
    dialog.querySelector("input[type=text]")?.select();
  });
  document.addEventListener("toggle", (event) => {
    if (event.target.id !== "views-menu" || event.newState !== "open") return;
    const input = event.target.querySelector("[data-view-search]");
    if (input) requestAnimationFrame(() => input.focus());
  }, true);
  on("input", "[data-view-search]", search);
  on("keydown", "[data-view-search]", (input, event) => {
    if (event.key === "Home" || event.key === "End") event.stopPropagation();
    if (event.key === "Enter") input.closest("[data-menu]").querySelector("[data-view-entry]:not([hidden])")?.click();
  }, true);
  on("click", "[data-copies]", copy);
}
