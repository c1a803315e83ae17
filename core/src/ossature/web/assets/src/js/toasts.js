/** Notices at the foot of the page; those with an undo stay ten seconds, failures until closed. */
import { on, texts, whenReady } from "./page.js";

const STAY = 6000;
const UNDO = 10000;

function leave(item) {
  item.dataset.leaving = "";
  setTimeout(() => item.remove(), 160);
}

function watch(item) {
  if (item.dataset.watched || item.hasAttribute("data-stays")) return;
  item.dataset.watched = "1";
  let left = item.hasAttribute("data-undo") ? UNDO : STAY;
  let since = performance.now();
  let timer = setTimeout(leave, left, item);
  const hold = () => { clearTimeout(timer); left -= performance.now() - since; };
  const go = () => { clearTimeout(timer); since = performance.now(); timer = setTimeout(leave, Math.max(left, 1500), item); };
  item.addEventListener("mouseenter", hold);
  item.addEventListener("focusin", hold);
  item.addEventListener("mouseleave", go);
  item.addEventListener("focusout", go);
}

/** Say something; the same words already shown are not said twice. */
export function toast(message, tone = "info") {
  const region = document.querySelector("[data-toasts]");
  if (!region || !message) return;
  if ([...region.querySelectorAll("p")].some((said) => said.textContent === message)) return;
  const item = Object.assign(document.createElement("div"), { className: `os-toast os-tone-${tone}` });
  item.dataset.toast = "";
  if (tone === "danger") { item.dataset.stays = ""; item.setAttribute("role", "alert"); }
  const close = Object.assign(document.createElement("button"), { type: "button", className: "os-icon-button", textContent: "×" });
  close.dataset.toastClose = "";
  close.setAttribute("aria-label", texts().close);
  item.append(Object.assign(document.createElement("p"), { textContent: message }), close);
  region.append(item);
  watch(item);
}

export function startToasts() {
  on("click", "[data-toast-close]", (button) => leave(button.closest("[data-toast]")));
  whenReady((root) => {
    const region = root.closest?.("[data-toasts]") ?? root;
    region.querySelectorAll("[data-toast]").forEach(watch);
  });
  document.addEventListener("htmx:oobAfterSwap", () => document.querySelectorAll("[data-toast]").forEach(watch));
  document.addEventListener("toast", (event) => toast(event.detail.text ?? event.detail.value, event.detail.tone));
}
