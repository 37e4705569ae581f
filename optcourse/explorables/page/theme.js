// Light or dark, as the page around the figure has it: the book, JupyterLab, Colab, or the reader's system.

const THEMES = {
  light: {
    low: [255, 255, 255],
    high: [163, 169, 175],
    line: "rgba(255, 255, 255, 0.75)",
    halo: "rgba(255, 255, 255, 0.85)",
    ink: "#24292e",
    faint: "#59626b",
    rule: "#c9d0d6",
    paper: "#ffffff",
    // The course's palette, darkened where it would not stand out from a white ground (3 to 1).
    colors: { "#E69F00": "#B87D00", "#56B4E9": "#2E8FC6" },
  },
  dark: {
    low: [80, 88, 96],
    high: [22, 26, 30],
    line: "rgba(255, 255, 255, 0.16)",
    halo: "rgba(10, 12, 14, 0.8)",
    ink: "#e4e8ec",
    faint: "#a7b0b9",
    rule: "#4a525a",
    paper: "#121417",
    // The course's palette, lightened where it would not stand out from a dark ground.
    colors: {
      "#0072B2": "#5AB0E8",
      "#009E73": "#34C79B",
      "#CC79A7": "#E59BC4",
      "#D55E00": "#FF8C42",
      "#56B4E9": "#8FD0F7",
      "#000000": "#F2F4F6",
    },
  },
};

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
  return theme.colors[method.spec.style.color] ?? method.spec.style.color;
}

const DASHES = { "-": [], "--": [7, 4], "-.": [8, 3, 2, 3], ":": [2, 3] };
