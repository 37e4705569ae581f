/* Shows what a term means, or which work a citation names, beside its link.

   The text is the link's title, so that it is there without scripts as well. A note comes by pointer, focus or touch,
   stays while the pointer is on the link or on the note, and goes with Escape. */
(() => {
  "use strict";
  const links = document.querySelectorAll(".bd-article a.glossary-term[title], .bd-article .bibtex-citation a[title]");
  if (!links.length) return;

  const note = document.createElement("div");
  note.id = "hover-note";
  note.className = "hover-note";
  note.setAttribute("role", "tooltip");
  note.hidden = true;
  document.body.append(note);

  const texts = new WeakMap();
  let shown = null;
  let timer = 0;
  let touched = false;

  function show(link) {
    clearTimeout(timer);
    if (shown === link) return;
    hide();
    shown = link;
    note.textContent = texts.get(link);
    note.hidden = false;
    link.setAttribute("aria-describedby", note.id);
    place(link);
  }

  function hide() {
    clearTimeout(timer);
    if (shown) shown.removeAttribute("aria-describedby");
    shown = null;
    note.hidden = true;
  }

  /* Below the line on which the link ends, or above it where there is no room. */
  function place(link) {
    const boxes = link.getClientRects();
    const box = boxes[boxes.length - 1];
    const width = document.documentElement.clientWidth;
    const left = Math.max(8, Math.min(box.left, width - note.offsetWidth - 8));
    const below = box.bottom + note.offsetHeight + 8 < window.innerHeight || box.top < note.offsetHeight + 8;
    note.style.left = `${left + window.scrollX}px`;
    note.style.top = `${(below ? box.bottom + 4 : box.top - note.offsetHeight - 4) + window.scrollY}px`;
  }

  /* The pointer has gone; the note stays as long as its link has the focus. */
  function leave() {
    if (!shown?.matches(":focus-visible")) hide();
  }

  function soon(what, delay) {
    clearTimeout(timer);
    timer = setTimeout(what, delay);
  }

  for (const link of links) {
    texts.set(link, link.title);
    link.removeAttribute("title");
    link.addEventListener("pointerenter", (event) => {
      if (event.pointerType !== "touch") soon(() => show(link), 200);
    });
    link.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") soon(leave, 300);
    });
    link.addEventListener("focus", () => {
      if (link.matches(":focus-visible") && !touched) show(link);
    });
    link.addEventListener("blur", () => {
      if (!note.matches(":hover")) hide();
    });
    /* The first tap shows the note, the second follows the link. */
    link.addEventListener("click", (event) => {
      if (touched && shown !== link) {
        event.preventDefault();
        show(link);
      }
    });
  }

  note.addEventListener("pointerenter", () => clearTimeout(timer));
  note.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") soon(leave, 300);
  });
  document.addEventListener("pointerdown", (event) => {
    touched = event.pointerType === "touch";
    if (shown && !note.contains(event.target) && !shown.contains(event.target)) hide();
  }, true);
  document.addEventListener("keydown", (event) => {
    touched = false;
    if (event.key === "Escape" && shown) {
      hide();
      event.stopPropagation();
    }
  }, true);
  window.addEventListener("resize", hide);
})();
