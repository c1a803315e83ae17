/** Popover menus: placed beside their button, walked with the arrows. */
import { on } from "./page.js";

const GAP = 4;

function place(menu) {
  const button = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
  if (!button) return;
  const at = button.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const end = !menu.classList.contains("os-menu-start") && at.left + size.width > innerWidth - 8 || menu.classList.contains("os-menu-end");
  const left = end ? at.right - size.width : at.left;
  const below = at.bottom + GAP + size.height <= innerHeight || at.top < size.height;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - size.width - 8))}px`;
  menu.style.top = `${Math.max(8, below ? Math.min(at.bottom + GAP, innerHeight - size.height - 8) : at.top - GAP - size.height)}px`;
}

const items = (menu) => [...menu.querySelectorAll("a[href], button:not([disabled])")].filter((item) => item.offsetParent !== null || item.getClientRects().length);

export function startMenus() {
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches?.("[data-menu]")) return;
    const open = event.newState === "open";
    for (const button of document.querySelectorAll(`[popovertarget="${CSS.escape(menu.id)}"]`)) button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    place(menu);
    items(menu)[0]?.focus({ focusVisible: menu.dataset.byKey === "1" });
  }, true);
  on("keydown", "[popovertarget]", (button, event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    const menu = document.getElementById(button.getAttribute("popovertarget"));
    if (menu?.matches(":popover-open")) items(menu)[0]?.focus();
    else menu?.showPopover();
  });
  on("keydown", "[data-menu]", (menu, event) => {
    const all = items(menu);
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    all[(to + all.length) % all.length]?.focus();
  });
  addEventListener("resize", () => document.querySelectorAll("[data-menu]:popover-open").forEach((menu) => menu.hidePopover()));
  addEventListener("scroll", () => document.querySelectorAll(".os-menu-host [data-menu]:popover-open").forEach(place), { capture: true, passive: true });
}
