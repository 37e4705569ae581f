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
  const text = lines.filter((line) => line !== "import numpy as np" || dtype).join("\n");
  return text.includes("schedules.") ? text.replace("plotting,", "plotting, schedules,") : text;
}

// The settings in the address after #, for the figure of this name.
function settingsInAddress(id) {
  const hash = window.location.hash.slice(1);
  const before = `${encodeURIComponent(id)}=`;
  if (!hash.startsWith(before)) return null;
  try {
    return JSON.parse(decodeURIComponent(hash.slice(before.length)));
  } catch {
    return null; // a link that was cut off
  }
}

function linkTo(figure) {
  const page = window.location.href.split("#")[0];
  return `${page}#${encodeURIComponent(figure.spec.id)}=${encodeURIComponent(JSON.stringify(figure.settings()))}`;
}

// Whether the page has an address of its own: a sandboxed frame or a notebook's output has none to share.
function hasAddress() {
  return ["http:", "https:", "file:"].includes(window.location.protocol) && !document.body?.dataset.jpThemeLight && window === window.top;
}

// Which paths amplify rounding so much that two computers see different ones, found by moving the start by its last bits.
function amplified(model) {
  const parts = [];
  for (const { label, path, nudged } of model.shown.map((method) => ({ ...method, nudged: model.nudged(method) }))) {
    for (let t = 0; t <= path.steps; t++) {
      const size = Math.max(...path.point(t).map(Math.abs), 1e-12);
      const apart = Math.max(...path.point(t).map((x, k) => Math.abs(x - nudged.params(t, k))));
      if (!(apart > 1e-4 * size)) continue;
      parts.push(`${label} from about step ${t}`);
      break;
    }
  }
  return parts.length
    ? `Here rounding decides: moving the start in its fourteenth digit changes the path of ${parts.join(", and of ")}. There Python may part from this page, and one computer from another.`
    : "";
}

class SharePanel {
  constructor(figure) {
    this.figure = figure;
    this.code = element("code");
    this.warning = element("p", { class: "note" });
    this.told = element("span", { role: "status" });
    const copy = (text) => () => copyText(text(), this.told);
    this.element = element(
      "div",
      { class: "share" },
      element("p", {}, "This runs in a notebook and gives the same path, up to rounding."),
      this.warning,
      element("pre", { role: "region", "aria-label": "Python" }, this.code),
      element(
        "p",
        {},
        element("button", { type: "button", class: "copy-python", onclick: copy(() => this.code.textContent) }, "Copy Python"),
        hasAddress() ? element("button", { type: "button", class: "copy-link", onclick: copy(() => linkTo(figure)) }, "Copy link") : null,
        this.told,
      ),
    );
  }

  draw(changed) {
    this.code.textContent = pythonSnippet(this.figure);
    reachable(this.element);
    if (changed) this.warning.textContent = amplified(this.figure.model);
  }
}

async function copyText(text, told) {
  try {
    await navigator.clipboard.writeText(text);
    told.textContent = "Copied.";
  } catch {
    // Without permission (a frame, a file): show it, selected, to be copied by hand.
    const field = element("textarea", { readonly: true, rows: 2, "aria-label": "To copy" });
    field.value = text;
    told.replaceChildren("Copy this: ", field);
    field.select();
  }
}
