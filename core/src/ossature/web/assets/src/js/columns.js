/** Columns: sized at the edge of their header or with Alt and an arrow on it, put elsewhere by dragging in their box. */
import { on } from "./page.js";

const NARROWEST = 60;
const WIDEST = 900;
const STEP = 24;
let moving = null;
let waiting = 0;

const table = () => document.querySelector("[data-rows]");

/** All columns get the width that they have now, so that only the one that is sized changes. */
function fix() {
  const found = table();
  if (found.classList.contains("os-table-sized")) return;
  const heads = [...found.tHead.rows[0].cells];
  const widths = heads.map((head) => Math.round(head.getBoundingClientRect().width));
  const group = document.createElement("colgroup");
  for (const width of widths) {
    const col = document.createElement("col");
    col.width = width;
    group.append(col);
  }
  found.querySelector("caption").after(group);
  found.classList.add("os-table-sized");
}

function size(head, width) {
  const col = table().querySelector("colgroup").children[head.cellIndex];
  col.width = Math.max(NARROWEST, Math.min(WIDEST, Math.round(width)));
}

function lookOf(found) {
  const cols = found.querySelector("colgroup").children;
  return [...found.tHead.rows[0].cells].map((head, at) => `${head.dataset.name}:${cols[at].width}`).join(",");
}

function save(look = lookOf(table())) {
  const url = new URL(location.href);
  url.searchParams.set("columns", look);
  url.searchParams.delete("cursor");
  history.replaceState(history.state, "", url);
  window.htmx.ajax("GET", url.pathname + url.search, { target: "#rows", source: document.body, swap: "outerHTML show:none" });
}

export function startColumns() {
  document.addEventListener("pointerdown", (event) => {
    const edge = event.target.closest?.("[data-sizer]");
    if (!edge || event.button) return;
    event.preventDefault();
    fix();
    const head = edge.closest("th");
    moving = { head, from: event.clientX, width: head.getBoundingClientRect().width };
    edge.setPointerCapture(event.pointerId);
  });
  document.addEventListener("pointermove", (event) => moving && size(moving.head, moving.width + event.clientX - moving.from));
  document.addEventListener("pointerup", () => {
    if (moving) save();
    moving = null;
  });
  on("keydown", "[data-rows] thead th a", (link, event) => {
    if (!event.altKey || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    fix();
    const head = link.closest("th");
    size(head, head.getBoundingClientRect().width + (event.key === "ArrowRight" ? STEP : -STEP));
    clearTimeout(waiting);
    waiting = setTimeout(save, 500, lookOf(table())); // rows that come meanwhile have the widths of before
  });
  let dragged = null;
  on("dragstart", "[data-columns] [data-column]", (item, event) => {
    dragged = item;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", item.dataset.column);
  });
  on("dragover", "[data-columns] [data-column]", (item, event) => {
    if (!dragged || item === dragged) return;
    event.preventDefault();
    const at = item.getBoundingClientRect();
    item[event.clientY < at.top + at.height / 2 ? "before" : "after"](dragged);
  });
  on("drop", "[data-columns]", (form, event) => event.preventDefault());
  on("dragend", "[data-columns] [data-column]", (item) => {
    if (dragged) item.closest("form").requestSubmit();
    dragged = null;
  });
}
