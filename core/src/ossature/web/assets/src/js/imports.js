/** Imports: a file that is chosen or dropped goes on its way; the next fault takes the focus. */
import { dropOn } from "./dropping.js";
import { startImportColumns } from "./import_columns.js";
import { on } from "./page.js";
import { upload } from "./uploads.js";

const SENDS = "[data-import-box]";

function send(files) {
  const box = document.querySelector(SENDS);
  if (!box || !files.length || box.querySelector("[data-uploads] progress:not([hidden])")) return;
  box.querySelector("[data-uploads]").replaceChildren();
  upload(box, files.slice(0, 1), null, (_file, answer) => {
    const { url } = JSON.parse(answer);
    setTimeout(() => location.assign(url)); // once the upload counts as ended, so that leaving is not asked about
  });
}

/** After a row was corrected: its own next fault, that of a row below, or what begins the import. */
function goOn(id) {
  const row = document.getElementById(id);
  const faults = [...document.querySelectorAll(".os-import-bad input[name=to]")];
  const next = row && faults.find((input) => row.contains(input) || row.compareDocumentPosition(input) & Node.DOCUMENT_POSITION_FOLLOWING);
  (next ?? faults[0] ?? document.querySelector(".os-import-go [data-save], .os-import-go a"))?.focus();
}

function correct() {
  let corrected = "";
  document.addEventListener("htmx:beforeRequest", (event) => {
    corrected = event.detail.elt.closest?.(".os-import-fix") ? event.detail.elt.closest("tr").id : "";
  });
  document.addEventListener("htmx:afterRequest", () => {
    if (corrected) goOn(corrected);
    corrected = "";
  });
}

export function startImports() {
  startImportColumns();
  correct();
  on("change", "[data-import-input]", (input) => { send([...input.files]); input.value = ""; });
  dropOn(SENDS, send);
}
