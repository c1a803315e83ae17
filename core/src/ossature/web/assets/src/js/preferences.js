/** Theme, density, folded navigation, shortcuts: shown at once, kept in a cookie, told to the server where it listens. */
import { csrf, meta, on } from "./page.js";

const COOKIE = "ossature_ui";
const root = document.documentElement;

export function preferences() {
  const stored = document.cookie.split("; ").find((part) => part.startsWith(`${COOKIE}=`));
  return new URLSearchParams(stored ? decodeURIComponent(stored.slice(COOKIE.length + 1)) : "");
}

export function keep(name, value) {
  const all = preferences();
  all.set(name, value);
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${COOKIE}=${encodeURIComponent(all)}; path=/; max-age=31536000; SameSite=Lax${secure}`;
}

function tell(name, value) {
  const url = meta("preferences-url");
  if (url) fetch(url, { method: "POST", headers: { "X-CSRFToken": csrf() }, body: new URLSearchParams({ [name]: value }), keepalive: true }).catch(() => {});
}

export function startPreferences() {
  on("click", "[data-set]", (button) => {
    const { set: name } = button.dataset;
    root.dataset[name] = button.value;
    for (const other of document.querySelectorAll(`[data-set="${name}"]`)) other.setAttribute("aria-pressed", String(other.value === button.value));
    keep(name, button.value);
    tell(name, button.value);
  });
  on("click", "[data-rail-toggle]", (button) => {
    const folded = root.dataset.rail !== "on";
    root.dataset.rail = folded ? "on" : "off";
    button.setAttribute("aria-pressed", String(folded));
    keep("rail", folded ? "1" : "0");
  });
  on("change", "[data-set-keys]", (box) => {
    root.dataset.keys = box.checked ? "on" : "off";
    keep("keys", box.checked ? "1" : "0");
  });
}
