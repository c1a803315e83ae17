/** Native dialogs: opened by data-opens, and one that asks before what cannot be undone. */
import { holdWhile, letGo } from "./holding.js";
import { on, texts, whenReady } from "./page.js";

export function openDialog(id) {
  const dialog = document.getElementById(id);
  document.querySelectorAll("[popover]:popover-open").forEach((menu) => menu.hidePopover());
  if (dialog && !dialog.open) dialog.showModal();
}

/** What a question is about stays until it is answered. */
let asking = false;
holdWhile(() => asking);

function ask(form) {
  asking = true;
  const { confirm: question, confirmLabel: label } = form.dataset;
  const dialog = Object.assign(document.createElement("dialog"), { className: "os-dialog" });
  const title = Object.assign(document.createElement("h2"), { textContent: label, id: "confirm-title" });
  const text = Object.assign(document.createElement("p"), { textContent: question, className: "os-confirm-text" });
  const back = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: texts().close });
  const go = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-danger", textContent: label });
  const head = Object.assign(document.createElement("div"), { className: "os-dialog-head" });
  const body = Object.assign(document.createElement("div"), { className: "os-dialog-body" });
  const foot = Object.assign(document.createElement("div"), { className: "os-dialog-actions" });
  head.append(title);
  foot.append(back, go);
  body.append(text, foot);
  dialog.append(head, body);
  dialog.setAttribute("aria-labelledby", "confirm-title");
  document.body.append(dialog);
  back.addEventListener("click", () => dialog.close());
  go.addEventListener("click", () => {
    form.dataset.confirmed = "1";
    dialog.close();
    form.requestSubmit();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    asking = false;
    letGo();
  });
  dialog.showModal();
  back.focus();
}

export function startDialogs() {
  on("click", "[data-opens]", (button) => openDialog(button.dataset.opens));
  on("click", "[data-closes]", (button) => button.closest("dialog").close());
  document.addEventListener("click", (event) => {
    if (event.target.nodeName !== "DIALOG") return;
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside && event.detail) event.target.close();
  });
  on("submit", "form[data-confirm]", (form, event) => {
    if (form.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(form);
  }, true);
  whenReady((root) => root.querySelectorAll("dialog[data-open-now]").forEach((dialog) => dialog.open || dialog.showModal()));
}
