/** What is pressed or dragged: nothing may take its place before it is let go. */

/** Tells whether something inside `selector` is pressed or dragged; `then` runs each time it is let go. */
export function holding(selector, then) {
  let held = false, dragged = false;
  const release = () => {
    if (!held) return;
    held = dragged = false;
    then();
  };
  document.addEventListener("pointerdown", (event) => {
    release();  // the end of a press inside the choices of a select is not always told
    held = Boolean(event.target.closest?.(selector));
  });
  document.addEventListener("dragstart", () => { dragged = held; });
  for (const type of ["pointerup", "change"]) document.addEventListener(type, () => held && !dragged && setTimeout(release));
  document.addEventListener("pointercancel", () => !dragged && release());
  document.addEventListener("dragend", release);
  return () => held;
}
