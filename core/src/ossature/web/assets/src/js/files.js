/** Files of a record: chosen or dropped anywhere on its page, shown in a dialog, renamed in their line. */
import { dropOn } from "./dropping.js";
import { onceFree } from "./holding.js";
import { on, whenReady } from "./page.js";
import { upload, uploading } from "./uploads.js";

const box = () => document.querySelector("[data-files]");

function showCount() {
  const said = box()?.querySelector("[data-files-count]");
  const tab = document.getElementById("record-tabs-files");
  if (!said || !tab) return;
  let count = tab.querySelector(".os-count");
  if (!count) tab.append((count = Object.assign(document.createElement("span"), { className: "os-count" })));
  count.textContent = said.dataset.filesCount;
}

const listOf = () => box()?.querySelector("[data-files-list]");

/** Where a file is being renamed or its menu is open, the list is put in anew afterwards. */
const atWork = (list) => Boolean(list.querySelector("[data-file-rename], :popover-open"));
let stale = false;

function refresh(markup) {
  onceFree(() => {
    const list = listOf();
    if (!list) return;
    stale = atWork(list);
    if (!stale) window.htmx.swap(list, markup, { swapStyle: "innerHTML", ignoreTitle: true });
  });
}

function catchUp() {
  const list = listOf();
  if (!stale || !list || atWork(list) || list.querySelector(".htmx-request")) return;
  stale = false;
  window.htmx.ajax("GET", box().dataset.files, { target: list, source: list, select: "#files-list", swap: "outerHTML ignoreTitle:true" });
}

function send(files, replaces) {
  const here = box();
  if (!here || !files.length) return;
  upload(here, files, replaces, (file, markup) => {
    refresh(markup);
    here.querySelector("[data-files-status]").textContent = `${here.dataset.done}: ${file.name}`;
  });
}

/** The tab is fetched when it is first opened: what is dropped before waits for it. */
function sendOnceThere(files) {
  document.getElementById("record-tabs-files")?.click();
  if (box()) return send(files);
  const wait = () => {
    if (!box()) return;
    document.removeEventListener("htmx:load", wait);
    send(files);
  };
  document.addEventListener("htmx:load", wait);
}

function show(link) {
  const dialog = box().querySelector("[data-file-dialog]");
  const { filePreview: kind, fileUrl: url } = link.dataset;
  const name = link.textContent;
  const shown = Object.assign(document.createElement(kind === "pdf" ? "iframe" : "img"), kind === "pdf" ? { src: link.href, title: name } : { src: link.href, alt: name });
  dialog.querySelector("[data-file-title]").textContent = name;
  dialog.querySelector("[data-file-open]").href = link.href;
  dialog.querySelector("[data-file-download]").href = url;
  dialog.querySelector("[data-file-shown]").replaceChildren(shown);
  dialog.dataset.at = url;
  const all = previews();
  for (const step of dialog.querySelectorAll("[data-file-step]")) step.hidden = all.length < 2;
  if (!dialog.open) dialog.showModal();
}

const previews = () => [...box().querySelectorAll("[data-file-preview]")];

function walk(by) {
  const all = previews();
  const at = all.findIndex((link) => link.dataset.fileUrl === box().querySelector("[data-file-dialog]").dataset.at);
  if (all.length) show(all[(at + by + all.length) % all.length]);
}

export function startFiles() {
  document.addEventListener("toggle", () => setTimeout(catchUp), true);
  document.addEventListener("htmx:afterSettle", catchUp);
  on("change", "[data-files-input]", (input) => { send([...input.files]); input.value = ""; });
  on("click", "[data-file-version]", (item) => {
    item.closest("[popover]")?.hidePopover();
    const input = box().querySelector("[data-files-version-input]");
    input.dataset.replaces = item.dataset.fileVersion;
    input.click();
  });
  on("change", "[data-files-version-input]", (input) => { send([...input.files], input.dataset.replaces); input.value = ""; });
  on("click", "[data-file-preview]", (link, event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    show(link);
  });
  on("click", "[data-file-step]", (button) => walk(Number(button.dataset.fileStep)));
  on("keydown", "[data-file-dialog]", (_dialog, event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) { event.preventDefault(); walk(by); }
  });
  document.addEventListener("close", (event) => event.target.matches?.("[data-file-dialog]") && event.target.querySelector("[data-file-shown]").replaceChildren(), true);
  on("keydown", "[data-file-rename]", (form, event) => { if (event.key === "Escape") { event.stopPropagation(); form.querySelector("[data-file-rename-cancel]").click(); } });
  on("click", "[data-file-rename-cancel]", (link, event) => {
    event.preventDefault();
    const id = link.closest("li").id;
    const here = box();
    window.htmx.ajax("GET", here.dataset.files, { target: here, swap: "outerHTML ignoreTitle:true" }).then(() => document.querySelector(`#${CSS.escape(id)} [popovertarget]`)?.focus());
  });
  whenReady((root) => root.querySelectorAll?.("[data-file-rename] input[autofocus]").forEach((input) => { input.focus(); input.setSelectionRange(0, Math.max(0, input.value.lastIndexOf(".")) || input.value.length); }));
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "files-list") return;
    showCount();
    if (document.activeElement === document.body) event.target.focus();
  });
  addEventListener("beforeunload", (event) => { if (uploading()) event.preventDefault(); });
  dropOn("[data-record]:not(.os-record-deleted)", sendOnceThere);
}
