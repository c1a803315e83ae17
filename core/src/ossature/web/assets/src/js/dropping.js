/** Files dropped anywhere on a page that has a place for them. */
const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** `act` gets the files that are dropped while something matches `selector`. */
export function dropOn(selector, act) {
  let depth = 0;
  const wanted = (event) => hasFiles(event) && document.querySelector(selector);
  document.addEventListener("dragenter", (event) => {
    if (!wanted(event)) return;
    depth += 1;
    document.body.classList.add("os-dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!wanted(event)) return;
    depth = Math.max(0, depth - 1);
    if (!depth) document.body.classList.remove("os-dropping");
  });
  document.addEventListener("dragover", (event) => { if (wanted(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!wanted(event)) return;
    event.preventDefault();
    depth = 0;
    document.body.classList.remove("os-dropping");
    act([...event.dataTransfer.files]);
  });
}
