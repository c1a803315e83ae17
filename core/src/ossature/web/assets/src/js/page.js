/** What the page says: its texts, its CSRF token, and a way to run over new content as it arrives. */
export const texts = () => document.querySelector("[data-texts]")?.dataset ?? {};

export const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

export const csrf = () => meta("csrf-token");

/** Run now over the document, and over everything that htmx or a script adds later. */
export function whenReady(enhance) {
  enhance(document);
  document.addEventListener("htmx:load", (event) => enhance(event.target));
  document.addEventListener("os:added", (event) => enhance(event.target));
}

export const announceAdded = (element) => element.dispatchEvent(new CustomEvent("os:added", { bubbles: true }));

/** Delegated listener: `act` gets the nearest ancestor that matches and the event. */
export function on(type, selector, act, options) {
  document.addEventListener(type, (event) => {
    const found = event.target.closest?.(selector);
    if (found) act(found, event);
  }, options);
}

export const isTyping = (target) => Boolean(target?.closest?.("input:not([type=checkbox],[type=radio],[type=button],[type=submit]), textarea, select, [contenteditable]:not([contenteditable=false]), [role=combobox]"));
