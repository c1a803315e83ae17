/** htmx: the CSRF header, and words instead of silence when a request fails. */
import { csrf, texts } from "./page.js";
import { toast } from "./toasts.js";

const said = (status) => {
  const words = texts();
  return { 401: words.expired, 403: words.forbidden, 404: words.gone, 410: words.gone, 429: words.many }[status] ?? words.failed;
};

function showFailure(event, message) {
  const box = event.detail.elt?.closest?.("[data-error-box]");
  if (!box) return toast(message, "danger");
  const retry = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: texts().retry });
  const words = Object.assign(document.createElement("p"), { textContent: message });
  const inside = Object.assign(document.createElement("div"), { className: "os-box-error" });
  inside.setAttribute("role", "alert");
  inside.append(words, retry);
  retry.addEventListener("click", () => window.htmx.ajax("GET", box.getAttribute("hx-get"), { target: box, source: box, swap: "innerHTML" }));
  box.replaceChildren(inside);
  box.removeAttribute("aria-busy");
}

export function startRequests() {
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrf();
  });
  document.addEventListener("htmx:responseError", (event) => showFailure(event, said(event.detail.xhr.status)));
  document.addEventListener("htmx:sendError", (event) => showFailure(event, texts().offline));
  document.addEventListener("htmx:timeout", (event) => showFailure(event, texts().failed));
  document.addEventListener("htmx:afterSwap", (event) => event.detail.target?.removeAttribute("aria-busy"));
  document.addEventListener("htmx:historyRestore", () => document.querySelector("[data-toasts]")?.replaceChildren());
}
