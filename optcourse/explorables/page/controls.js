// Sliders, and the list of optimizers.

// Where a slider stands, 0 to 1, for a value, and back. The scales are those of `slider` in program.py.
const SCALES = {
  linear: { to: (v, { low, high }) => (v - low) / (high - low), from: (s, { low, high }) => low + s * (high - low) },
  log: {
    to: (v, { low, high }) => Math.log(v / low) / Math.log(high / low),
    from: (s, { low, high }) => low * (high / low) ** s,
  },
  log0: {
    to: (v, range) => (v <= 0 ? 0 : 0.02 + 0.98 * SCALES.log.to(v, range)),
    from: (s, range) => (s < 0.02 ? 0 : SCALES.log.from((s - 0.02) / 0.98, range)),
  },
  decay: {
    to: (v, { high }) => Math.log(1 - v) / Math.log(1 - high),
    from: (s, { high }) => 1 - (1 - high) ** s,
  },
};

// A value as a reader would set it: three digits, but as many nines as a decay needs.
function tidy(value, scale) {
  if (scale === "decay") return 1 - Number((1 - value).toPrecision(2));
  return Number(value.toPrecision(3));
}

function sliderValue(range, position) {
  if (position >= 1) return range.high;
  if (position <= 0) return range.scale === "log0" ? 0 : range.low;
  const value = SCALES[range.scale].from(position, range);
  return range.whole ? Math.round(value) : tidy(value, range.scale);
}

// A labelled slider; `change(value)` is told every move. Its `show(value)` moves it without telling anybody.
function slider(label, range, value, change) {
  const output = element("output", { "aria-hidden": "true" });
  const input = element("input", { type: "range", min: 0, max: 1, step: "any" });
  const show = (now) => {
    input.value = clampTo(SCALES[range.scale].to(now, range), 0, 1);
    const text = settingText(now, range.scale);
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  input.addEventListener("input", () => {
    const now = sliderValue(range, Number(input.value));
    output.textContent = settingText(now, range.scale);
    input.setAttribute("aria-valuetext", output.textContent);
    change(now);
  });
  // Arrow keys move by a hundredth, or a whole number; a step of "any" alone would leave that to the browser.
  input.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
    if (!by) return;
    event.preventDefault();
    const scale = SCALES[range.scale];
    const next = Number(input.value) + by / 100;
    const now = sliderValue(range, Number(input.value));
    const whole = range.whole && sliderValue(range, next) === now;
    input.value = clampTo(whole ? scale.to(now + Math.sign(by), range) : next, 0, 1);
    input.dispatchEvent(new Event("input"));
  });
  show(value);
  return { element: element("label", { class: "slider" }, element("span", {}, label), input, output), show, input };
}

function isRate({ name }) {
  return ["learning_rate", "lr"].includes(name);
}

function settingText(value, scale) {
  return scale === "decay" ? String(Number(value.toPrecision(6))) : plain(value);
}

// A row for each optimizer: shown or not, how it is drawn, its loss; and the sliders of the one in focus.
class MethodList {
  constructor(figure) {
    this.figure = figure;
    this.rows = figure.model.methods.map((method) => this._row(method));
    this.settings = element("div", { class: "sliders", role: "group" });
    this.element = element(
      "div",
      { class: figure.model.methods.length > 1 ? "methods" : "methods single" },
      element("div", { class: "list", role: "group", "aria-label": "Optimizers" }, ...this.rows.map((row) => row.element)),
      this.settings,
    );
    this.focus();
  }

  _row(method) {
    const { figure } = this;
    const checkbox = element("input", {
      type: "checkbox",
      checked: true,
      onchange: () => figure.show(method, checkbox.checked),
    });
    const sample = element("canvas", { class: "sample", "aria-hidden": "true" });
    const loss = element("span", { class: "loss" });
    const tune = element("button", { type: "button", class: "tune", onclick: () => figure.focusOn(method) }, "tune");
    tune.setAttribute("aria-label", `Tune ${method.label}`);
    const name = element("label", {}, checkbox, sample, element("span", {}, method.label));
    return { element: element("div", { class: "method" }, name, loss, tune), checkbox, sample, loss, tune };
  }

  // Build the sliders of the optimizer in focus.
  focus() {
    const { figure } = this;
    const { focus: method } = figure;
    this.settings.setAttribute("aria-label", `Settings of ${method.label}`);
    // The learning rate first: it is what people tune.
    const drawn = ({ name }) => method.spec.rateSteps.length && figure.spec.panels.includes("schedule") && /^rate_\d+$/.test(name);
    const places = method.spec.hyperparams.map((_, k) => k).filter((k) => !drawn(method.spec.hyperparams[k]));
    const isFirst = (k) => isRate(method.spec.hyperparams[k]);
    this.order = [...places.filter(isFirst), ...places.filter((k) => !isFirst(k))];
    this.sliders = this.order.map((k) => {
      const { name, range } = method.spec.hyperparams[k];
      return slider(words(name), range, method.values[k], (value) => figure.set(method, k, value));
    });
    this.settings.replaceChildren(...this.sliders.map((made) => made.element));
    this.rows.forEach((row, k) => row.tune.setAttribute("aria-pressed", String(figure.model.methods[k] === method)));
  }

  draw() {
    const { figure } = this;
    figure.model.methods.forEach((method, k) => {
      const { loss, checkbox, sample } = this.rows[k];
      checkbox.checked = method.shown;
      const { path } = method;
      const lost = path?.divergedAt !== null && figure.step >= path?.divergedAt;
      loss.textContent = !path ? "hidden" : lost ? `overflows at step ${path.divergedAt}` : `loss ${short(path.losses[figure.step])}`;
      drawSample(sample, colorOf(method, figure.theme), method.spec.style);
    });
    const { values } = figure.focus;
    this.sliders.forEach((made, place) => {
      const idle = !made.input.matches(":active") && figure.shadow.activeElement !== made.input;
      if (idle) made.show(values[this.order[place]]);
    });
  }
}
