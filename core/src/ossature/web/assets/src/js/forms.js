/** Forms: Ctrl-Enter saves, once; leaving with unsaved words asks; the summary of errors takes the focus; passwords can be shown. */
import { isChanged, leave, stay } from "./drafts.js";
import { on, whenReady } from "./page.js";
import { reveal } from "./tabs.js";

function applyChoice(radio) {
  const name = radio.closest("[data-conflict]").dataset.conflict;
  const { raw, label } = radio.dataset;
  document.querySelector(`[data-part="${CSS.escape(name)}"]`)?.toggleAttribute("data-theirs", radio.value === "theirs");
  const input = document.getElementsByName(name)[0];
  if (!input) return;
  if (input.type === "checkbox") input.checked = raw === "1" || raw === "true";
  else {
    if (input.nodeName === "SELECT" && raw && ![...input.options].some((option) => option.value === raw)) input.append(new Option(label, raw));
    input.value = raw;
  }
  input.dispatchEvent(new Event("os:set"));
}

/** Put the focus into a field, wherever it is hidden. */
function goTo(field) {
  reveal(field);
  field.focus();
  field.scrollIntoView({ block: "center" });
}

export function startForms() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const form = event.target.closest?.("form") ?? document.querySelector("form[data-form]");
    if (!form?.querySelector("[data-save]")) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("[data-save]"));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    leave(form);
    const button = event.submitter;
    if (form.method !== "post" || form.hasAttribute("hx-post") || !button) return;
    if (form.dataset.sending) return event.preventDefault();
    form.dataset.sending = "1";
    button.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sending]").forEach((form) => { delete form.dataset.sending; stay(form); });
    document.querySelectorAll("[aria-busy=true].btn").forEach((button) => button.removeAttribute("aria-busy"));
  });
  addEventListener("beforeunload", (event) => {
    if ([...document.querySelectorAll("form[data-draft]")].some(isChanged)) event.preventDefault();
  });
  on("change", "[data-conflict] input[type=radio]", applyChoice);
  on("input", "form [name]", (input) => {  // who types after choosing theirs means what is typed
    const mine = document.querySelector(`[data-conflict="${CSS.escape(input.name.replace(/-(currency|\d+-.*)$/, ""))}"] input[value=mine]`);
    if (mine && !mine.checked) { mine.checked = true; document.querySelector("[data-part][data-theirs]")?.removeAttribute("data-theirs"); }
  });
  on("click", "[data-error-summary] a[href^='#']", (link, event) => {
    const field = document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    goTo(field);
  });
  on("click", "[data-password-toggle]", (button) => {
    const input = button.closest("[data-password]").querySelector("input");
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  });
  on("click", "[data-fill-email]", (button) => {
    const form = document.querySelector("main form");
    form.querySelector("[name=email]").value = button.dataset.fillEmail;
    form.querySelector("[name=password]").value = button.dataset.fillPassword;
    form.requestSubmit();
  });
  whenReady((root) => {
    root.querySelectorAll("[data-password-toggle]").forEach((button) => { button.hidden = false; });
    const wrong = root.querySelector("[data-field] [aria-invalid=true]:not([hidden])");
    if (wrong) reveal(wrong);
    (wrong ?? root.querySelector("[data-error-summary]"))?.focus();
    const asked = !wrong && root === document && location.hash.startsWith("#f-") && document.getElementById(location.hash.slice(1));
    if (asked) goTo(asked);
  });
}
