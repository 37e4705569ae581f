// Light or dark, as the page around the figure has it: the book, JupyterLab, Colab, or the reader's system.
// THEMES and DASHES come from optcourse/plotting/style.py.

function isDark() {
  const { documentElement: html, body } = document;
  const said = html.dataset.theme ?? html.getAttribute("theme") ?? body?.dataset.theme;
  if (said === "dark" || said === "light") return said === "dark";
  if (body?.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  if (body?.classList.contains("vscode-dark")) return true;
  if (body?.classList.contains("vscode-light")) return false;
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

function onThemeChange(tell, signal) {
  const observer = new MutationObserver(tell);
  for (const node of [document.documentElement, document.body]) {
    if (node) observer.observe(node, { attributes: true, attributeFilter: ["data-theme", "theme", "class", "data-jp-theme-light"] });
  }
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
}

function colorOf(method, theme) {
  return colorIn(theme, method.spec.style.color);
}

// A colour of the light palette, as this theme has it.
function colorIn(theme, color) {
  return theme.palette[color] ?? color;
}
