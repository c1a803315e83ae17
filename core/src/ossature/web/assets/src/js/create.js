/** Creating what a picker does not find: a small form in a dialog; what is saved is chosen. Escape returns to the picker. */
import { announceAdded, texts } from "./page.js";
import { toast } from "./toasts.js";
import { sending, typedSince } from "./typed.js";

async function ask(address, options = {}) {
  try {
    const answer = await fetch(address, { ...options, headers: { "HX-Request": "true", Accept: "text/html, application/json" } });
    if (answer.status === 401 || answer.redirected) throw new Error("expired");
    if (!answer.ok && answer.status !== 422) throw new Error(answer.status === 403 ? "forbidden" : "failed");
    return answer;
  } catch (error) {
    toast(texts()[error.message] ?? (navigator.onLine ? texts().failed : texts().offline), "danger");
    return null;
  }
}

async function show(dialog, answer, sent = new Map()) {
  const html = await answer.text();
  const typed = typedSince(dialog, sent);
  dialog.innerHTML = html;
  if (!dialog.open) dialog.showModal();
  typed.put(dialog);
  announceAdded(dialog);
  typed.begin();
  if (document.activeElement?.matches("input, select, textarea") && dialog.contains(document.activeElement) && sent.size) return;
  (dialog.querySelector("[aria-invalid=true]:not([hidden])") ?? dialog.querySelector("form input:not([type=hidden]), form select:not([hidden]), form textarea"))?.focus();
}

export async function createInPlace(url, words, done) {
  const address = new URL(url, location.href);
  address.searchParams.set("part", "short");
  if (words) address.searchParams.set("name", words);
  const answer = await ask(address);
  if (!answer) return;
  const dialog = Object.assign(document.createElement("dialog"), { className: "os-dialog os-dialog-short" });
  dialog.setAttribute("aria-labelledby", "short-title");
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (dialog.dataset.sending) return;
    dialog.dataset.sending = "1";
    const sent = sending(dialog);
    const saved = await ask(event.target.action, { method: "POST", body: new FormData(event.target) });
    delete dialog.dataset.sending;
    if (!saved) return;
    if (!saved.headers.get("Content-Type")?.includes("json")) return show(dialog, saved, sent);
    const { data, warnings } = await saved.json();
    dialog.close();
    done(data);
    warnings.forEach((one) => toast(one, "warning"));
  });
  document.body.append(dialog);
  await show(dialog, answer);
}
