// Take it with you: the setting as Python, and as a link that restores it.

function pythonNumber(x) {
  return Number.isInteger(x) ? `${x}.0` : String(x);
}

// Python that reproduces the paths as they are set now.
function pythonSnippet(figure) {
  const { model, spec } = figure;
  const lines = ["import numpy as np", "import optcourse as oc", "from optcourse import optimizers, plotting, surfaces", ""];
  lines.push(spec.surface.python ? `surface = ${spec.surface.python}` : `surface = ...  # your own surface, ${spec.surface.name}`);
  const dtype = model.precision === "float64" ? "" : `, dtype="${model.precision}"`;
  const start = `[${Array.from(model.start, pythonNumber).join(", ")}]`;
  if (model.precision === "bfloat16") lines.push("import ml_dtypes  # NumPy knows bfloat16 through it");
  lines.push(`start = ${dtype ? `np.array(${start}${dtype})` : start}`);
  lines.push("paths = {");
  for (const method of model.shown) {
    const given = method.spec.hyperparams.map((h, k) => `${h.name}=${pythonNumber(method.values[k])}`).join(", ");
    const optimizer = method.spec.python ? method.spec.python.replace("{}", given) : `...  # your own, with ${given || "its settings"}`;
    const label = JSON.stringify(method.label);
    if (method.spec.python) lines.push(`    ${label}: oc.run(`, `        ${optimizer},`, `        surface, start, steps=${model.steps},`, "    ),");
    else lines.push(`    ${label}: oc.run(your_optimizer, surface, start, steps=${model.steps}),  # with ${given}`);
  }
  lines.push("}", "plotting.plot_comparison(paths, surface)");
  return lines.filter((line) => line !== "import numpy as np" || dtype).join("\n");
}

// The settings in the address after #, for the figure of this name.
function settingsInAddress(id) {
  const hash = window.location.hash.slice(1);
  if (!hash.startsWith(`${id}=`)) return null;
  try {
    return JSON.parse(decodeURIComponent(hash.slice(id.length + 1)));
  } catch {
    return null; // a link that was cut off
  }
}

function linkTo(figure) {
  const page = window.location.href.split("#")[0];
  return `${page}#${figure.spec.id}=${encodeURIComponent(JSON.stringify(figure.settings()))}`;
}

// Whether the page has an address of its own: a sandboxed frame or a notebook's output has none to share.
function hasAddress() {
  return ["http:", "https:", "file:"].includes(window.location.protocol) && !document.body?.dataset.jpThemeLight && window === window.top;
}

class SharePanel {
  constructor(figure) {
    this.figure = figure;
    this.code = element("code");
    this.told = element("span", { role: "status" });
    const copy = (text) => () => this._copy(text());
    this.element = element(
      "div",
      { class: "share" },
      element("p", {}, "This runs in a notebook and gives the same path."),
      element("pre", { tabindex: 0, role: "region", "aria-label": "Python" }, this.code),
      element(
        "p",
        {},
        element("button", { type: "button", class: "copy-python", onclick: copy(() => this.code.textContent) }, "Copy Python"),
        hasAddress() ? element("button", { type: "button", class: "copy-link", onclick: copy(() => linkTo(figure)) }, "Copy link") : null,
        this.told,
      ),
    );
  }

  draw() {
    this.code.textContent = pythonSnippet(this.figure);
  }

  async _copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.told.textContent = "Copied.";
    } catch {
      // Without permission (a frame, a file): show it, selected, to be copied by hand.
      const field = element("textarea", { readonly: true, rows: 2, "aria-label": "To copy" });
      field.value = text;
      this.told.replaceChildren("Copy this: ", field);
      field.select();
    }
  }
}
