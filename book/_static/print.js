/* Before a page is printed it becomes light, and hints and answers open: paper has no button. Afterwards it is as before. */
(() => {
  "use strict";
  const root = document.documentElement;
  let undo = [];
  addEventListener("beforeprint", () => {
    const theme = root.dataset.theme;
    root.dataset.theme = "light";
    undo.push(() => { root.dataset.theme = theme; });
    for (const details of document.querySelectorAll(".bd-article details:not(.hide, [open])")) {
      details.open = true;
      undo.push(() => { details.open = false; });
    }
  });
  addEventListener("afterprint", () => {
    for (const step of undo) step();
    undo = [];
  });
})();
