/** The navigation: groups that fold, and on a phone a panel over the page. */
import { on } from "./page.js";
import { keep, preferences } from "./preferences.js";

let opener = null;

function setOpen(open) {
  const panel = document.querySelector("[data-nav]");
  if (!panel) return;
  panel.toggleAttribute("data-open", open);
  document.querySelector(".os-nav-shade")?.toggleAttribute("hidden", !open);
  for (const part of document.querySelectorAll("#main, .os-bar")) part.toggleAttribute("inert", open);
  for (const button of document.querySelectorAll("[data-nav-open]")) button.setAttribute("aria-expanded", String(open));
  if (open) panel.querySelector("a, button")?.focus();
  else opener?.focus();
}

export function startNavigation() {
  on("click", "[data-nav-open]", (button, event) => {
    event.preventDefault();
    opener = button;
    setOpen(true);
  });
  on("click", "[data-nav-close]", () => setOpen(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.querySelector("[data-nav][data-open]")) setOpen(false);
  });
  on("click", "[data-nav-fold]", (button) => {
    const group = button.closest("[data-nav-group]");
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(open));
    group.querySelector("ul").hidden = !open;
    const closed = new Set((preferences().get("closed") ?? "").split(".").filter(Boolean));
    closed[open ? "delete" : "add"](group.dataset.navGroup);
    keep("closed", [...closed].sort().join("."));
  });
}
