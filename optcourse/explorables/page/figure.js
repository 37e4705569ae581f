// One live figure: puts the parts together and keeps them in step.

class Figure extends Live {
  // `given`: where to begin, if not where the figure itself begins.
  constructor(host, spec, functions, given = null) {
    super(host, spec);
    this.model = new Model(spec, functions);
    this.step = spec.step;
    [this.focus] = this.model.methods;
    const settings = settingsInAddress(spec.id) ?? given;
    if (settings) this.restore(settings, { draw: false });
    this.plane = new Plane(this);
    this.curves = new Curves(this);
    this.time = new TimeLine(this);
    this.methods = new MethodList(this);
    this.panels = PANELS.filter((panel) => this.spec.panels.includes(panel.name)).map((panel) => new Drawer(this, panel));
    this.views = element("div", { class: "views" }, this.plane.element, this.curves.element);
    this._begin(this.views, this.time.element, this.methods.element, ...this.panels.map((panel) => panel.element));
  }

  repaint() {
    this.plane.drawGround();
  }

  _layout(inner, narrow) {
    const plane = narrow ? inner : Math.round(0.58 * (inner - 12));
    this.plane.resize(plane);
    this.curves.resize(narrow ? inner : inner - 12 - plane, narrow ? 170 : this.plane.height);
  }

  // --- what a reader does ---------------------------------------------------------------------------------

  moveStart(start) {
    this.model.start.set(start);
    this.recompute();
  }

  set(method, index, value) {
    method.values[index] = value;
    this.recompute();
  }

  show(method, shown) {
    method.shown = shown;
    if (!this.model.shown.length) method.shown = true; // one always stays
    this.recompute();
  }

  focusOn(method) {
    this.focus = method;
    if (!method.shown) this.show(method, true);
    this.methods.focus();
    this.redraw();
  }

  goTo(step) {
    this.step = clampTo(Math.round(step), 0, this.model.steps);
    this.redraw();
  }

  setSteps(steps) {
    const atEnd = this.step === this.model.steps;
    this.model.steps = steps;
    this.step = atEnd ? steps : Math.min(this.step, steps);
    this.recompute();
  }

  setPrecision(precision) {
    this.model.precision = precision;
    this.recompute();
  }

  reset() {
    this.model.reset();
    this.step = this.spec.step;
    this.methods.focus();
    this.recompute();
  }

  restore(settings, { draw = true } = {}) {
    this.model.restore(settings);
    this.step = Number.isInteger(settings.step) ? clampTo(settings.step, 0, this.model.steps) : this.model.steps;
    if (!draw) return;
    this.methods.focus();
    this.recompute();
  }

  settings() {
    return { ...this.model.settings(), step: this.step };
  }

  _draw(changed) {
    if (changed) this.model.recompute();
    for (const part of [this.plane, this.curves, this.time, this.methods]) part.draw();
    for (const panel of this.panels) panel.draw(changed);
  }

  describe() {
    const { model } = this;
    const parts = model.shown.map(({ label, path }) => {
      if (path.divergedAt !== null && path.divergedAt <= this.step) return `${label} overflows at step ${path.divergedAt}`;
      return `${label} is at ${point(path.point(this.step))} with loss ${short(path.losses[this.step])}`;
    });
    return `From ${point(model.start)}, after ${this.step} steps: ${parts.join("; ")}.`;
  }
}

// Play, and the step that is shown.
class TimeLine {
  constructor(figure) {
    this.figure = figure;
    this.button = element("button", { type: "button", class: "play", onclick: () => this.toggle() });
    this.slider = element("input", {
      type: "range",
      min: 0,
      max: figure.model.steps,
      step: 1,
      "aria-label": "Step",
      oninput: () => {
        this.stop();
        figure.goTo(Number(this.slider.value));
      },
    });
    this.now = element("input", {
      type: "number",
      min: 0,
      max: figure.model.steps,
      step: 1,
      "aria-label": "Go to step",
      onchange: () => this._goTo(),
      onkeydown: (event) => event.key === "Enter" && this._goTo(), // JupyterLab keeps Enter from being a change
    });
    this.steps = element("input", {
      type: "number",
      min: 1,
      max: figure.spec.mostSteps,
      step: 1,
      "aria-label": "Number of steps",
      onchange: () => this._setSteps(),
      onkeydown: (event) => event.key === "Enter" && this._setSteps(),
    });
    const reset = element("button", { type: "button", onclick: () => figure.reset(), title: "Back to how the figure began" }, "Reset");
    this.element = element(
      "div",
      { class: "time" },
      this.button,
      this.slider,
      element("span", { class: "count" }, "step ", this.now, " of ", this.steps),
      reset,
    );
    this._label();
  }

  _goTo() {
    this.stop();
    if (this.now.value !== "" && Number.isFinite(Number(this.now.value))) this.figure.goTo(Number(this.now.value));
    else this.draw();
  }

  _setSteps() {
    const steps = Math.round(Number(this.steps.value));
    if (Number.isFinite(steps) && steps >= 1) this.figure.setSteps(Math.min(steps, this.figure.spec.mostSteps));
    else this.draw();
  }

  _label() {
    const playing = this.playing != null;
    this.button.textContent = playing ? "❚❚" : "▶";
    this.button.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  toggle() {
    if (this.playing != null) {
      this.stop();
      return;
    }
    const { figure } = this;
    const { steps } = figure.model;
    const from = figure.step >= steps ? 0 : figure.step;
    // Without motion where the reader asked for none: ten still pictures, half a second each.
    const jumps = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const seconds = clampTo(steps / 12, 4, 12);
    const began = performance.now();
    const tick = (now) => {
      const share = from / steps + (now - began) / 1000 / (jumps ? 5 : seconds);
      figure.goTo(Math.min(steps, (jumps ? Math.floor(share * 10) / 10 : share) * steps));
      if (share >= 1) this.stop();
      else this.playing = requestAnimationFrame(tick);
    };
    figure.goTo(from);
    this.playing = requestAnimationFrame(tick);
    this._label();
  }

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = null;
    this._label();
  }

  draw() {
    const { step, model } = this.figure;
    this.slider.max = model.steps;
    this.slider.value = step;
    this.slider.setAttribute("aria-valuetext", `step ${step} of ${model.steps}`);
    this.now.max = model.steps;
    if (this.figure.shadow.activeElement !== this.now) this.now.value = step;
    if (this.figure.shadow.activeElement !== this.steps) this.steps.value = model.steps;
  }
}

// A part of the figure that is folded away until a reader opens it; computed only while it is open.
class Drawer {
  constructor(figure, panel) {
    this.content = null;
    this.figure = figure;
    this.panel = panel;
    this.element = element("details", { class: "panel", ontoggle: () => this._toggle() }, element("summary", {}, panel.title));
    if (figure.spec.open.includes(panel.name)) this.element.open = true;
  }

  _toggle() {
    if (this.element.open && !this.content) {
      this.content = this.panel.make(this.figure);
      this.element.append(this.content.element);
    }
    this.draw(true);
  }

  draw(changed) {
    if (this.content && this.element.open) this.content.draw(changed);
  }
}
