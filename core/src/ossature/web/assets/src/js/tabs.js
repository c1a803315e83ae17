/** Tabs with one stop in the tab order; arrows walk, and the open tab is in the address so that going back finds it. */
import { on, whenReady } from "./page.js";

export function select(tab, focus = true) {
  const list = tab.closest("[data-tabs]");
  for (const other of list.querySelectorAll("[role=tab]")) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = !chosen;
  }
  if (focus) tab.focus();
  history.replaceState(history.state, "", `#${tab.id}`);
}

/** Open the tab and the folded section that an element lies in. */
export function reveal(element) {
  const panel = element.closest("[role=tabpanel][hidden]");
  if (panel) select(document.getElementById(panel.getAttribute("aria-labelledby")), false);
  const folded = element.closest("details:not([open])");
  if (folded) folded.open = true;
}

export function startTabs() {
  on("click", "[role=tab]", (tab) => select(tab));
  on("keydown", "[role=tab]", (tab, event) => {
    const all = [...tab.closest("[data-tabs]").querySelectorAll("[role=tab]")];
    const at = all.indexOf(tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(all[(to + all.length) % all.length]);
  });
  whenReady((root) => {
    const named = location.hash.length > 1 && root.querySelector(`[role=tab][id="${CSS.escape(location.hash.slice(1))}"]`);
    if (named) select(named, false);
  });
}
