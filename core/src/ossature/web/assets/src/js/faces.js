/** Cards of a board and entries of a calendar: one stop in the tab order; arrows move between them, space previews. */
import { on, whenReady } from "./page.js";
import { isPreviewing, preview, togglePreview } from "./preview.js";

const FACE = "[data-board], [data-calendar]";
const CARD = "[data-card]";

/** Columns or days that have something, each with its cards. */
const lanes = (face) => [...face.querySelectorAll("[data-column], [data-day]")].map((lane) => [...lane.querySelectorAll(CARD)]).filter((cards) => cards.length);

function oneStop(face, wanted = face.querySelector(`${CARD}[tabindex="0"]`) ?? face.querySelector(CARD)) {
  for (const card of face.querySelectorAll(CARD)) card.tabIndex = card === wanted ? 0 : -1;
}

function visit(card) {
  oneStop(card.closest(FACE), card);
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (isPreviewing() && card.dataset.href) preview(card);
}

/** The card that has the tab stop: where one was last. */
const current = () => document.querySelector(`:is(${FACE}) ${CARD}[tabindex="0"]`);

function next(card, key) {
  const face = card.closest(FACE);
  const all = lanes(face);
  const lane = all.findIndex((cards) => cards.includes(card));
  const at = all[lane].indexOf(card);
  const flows = face.matches("[data-calendar]");
  if (key === "ArrowDown") return all[lane][at + 1] ?? (flows ? all[lane + 1]?.[0] : undefined);
  if (key === "ArrowUp") return all[lane][at - 1] ?? (flows ? all[lane - 1]?.at(-1) : undefined);
  const beside = all[lane + (key === "ArrowRight" ? 1 : -1)];
  return beside?.[Math.min(at, beside.length - 1)];
}

/** What moves cards comes only where there is something to move; a page's scripts carry its nonce. */
function loadDrag(root) {
  const board = root.querySelector("[data-board][data-drag]") ?? root.closest?.("[data-board][data-drag]");
  if (!board || document.querySelector("script[data-drag]")) return;
  const script = Object.assign(document.createElement("script"), { type: "module", src: board.dataset.drag, nonce: document.querySelector("script[nonce]")?.nonce ?? "" });
  script.dataset.drag = "";
  document.head.append(script);
}

export function startFaces() {
  whenReady((root) => {
    const faces = new Set([root.closest?.(FACE), ...root.querySelectorAll(FACE)]);
    for (const face of faces) if (face) oneStop(face);
    loadDrag(root);
  });
  on("focusin", CARD, (card) => oneStop(card.closest(FACE), card));
  on("keydown", CARD, (card, event) => {
    if (event.key === " " && card.dataset.href) {
      event.preventDefault();
      return togglePreview(card);
    }
    if (!/^Arrow(Up|Down|Left|Right)$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const found = next(card, event.key);
    if (found) visit(found);
  });
  on("click", "[data-preview-step]", (button) => {
    const card = current();
    const found = card && next(card, button.dataset.previewStep === "1" ? "ArrowDown" : "ArrowUp");
    if (found) visit(found);
  });
  // "Show more" is replaced by the cards that it brings: the first of them takes its focus.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const button = event.detail.requestConfig?.elt;
    const lane = button?.matches?.(`button${CARD}`) && document.activeElement === button && button.closest("[data-column]");
    if (!lane) return;
    const at = [...lane.querySelectorAll(CARD)].indexOf(button);
    document.addEventListener("htmx:afterSettle", () => {
      const brought = lane.querySelectorAll(CARD)[at];
      if (brought) visit(brought);
    }, { once: true });
  });
}
