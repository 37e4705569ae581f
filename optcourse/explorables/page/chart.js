// A live chart: sliders and choices, and the curves and numbers that a compiled function makes of them.

class Chart extends Live {
  constructor(host, spec, functions, given = null) {
    super(host, spec);
    this.functions = functions;
    this.at = null; // the curve and the point that are read off
    this.reset(settingsInAddress(spec.id) ?? given ?? {});
    this.graph = new Graph();
    this.reader = element("div", {
      class: "reader",
      role: "slider",
      tabindex: 0,
      "aria-label": "Read off the curves",
      title: "Point at a curve, or walk along it with the arrow keys",
      onpointermove: (event) => this._point(event),
      onpointerdown: (event) => this._point(event),
      onpointerleave: () => this._read(null),
      onkeydown: (event) => this._key(event),
    });
    this.graph.element.append(this.reader);
    this.legend = element("ul", { class: "legend" });
    this.readout = element("span", { class: "readout", "aria-hidden": "true" });
    this.numbers = element("dl", { class: "numbers" });
    this.told = element("span", { role: "status" });
    this.controls = element("div", { class: "settings", role: "group", "aria-label": "Settings" }, ...this._controls());
    this._begin(
      this.graph.element,
      element("div", { class: "under" }, this.legend, this.readout),
      this.numbers,
      this.controls,
      element(
        "p",
        { class: "share" },
        element("button", { type: "button", title: "Back to how the figure began", onclick: () => this.restore({}) }, "Reset"),
        hasAddress() ? element("button", { type: "button", onclick: () => copyText(linkTo(this), this.told) }, "Copy link") : null,
        this.told,
      ),
    );
  }

  _controls() {
    this.selects = this.spec.choices.map((choice, k) => {
      const change = () => {
        this.chosen[k] = select.selectedIndex;
        this.recompute();
      };
      const select = element("select", { onchange: change }, ...choice.options.map((text) => element("option", {}, text)));
      return select;
    });
    this.sliders = this.spec.sliders.map(({ text, range, at }) =>
      slider(text, range, this.values[at], (value) => {
        this.values[at] = value;
        this.recompute();
      }),
    );
    return [
      ...this.spec.choices.map(({ text }, k) => element("label", { class: "choice" }, element("span", {}, text), this.selects[k])),
      ...this.sliders.map((made) => made.element),
    ];
  }

  // --- what a reader does ---------------------------------------------------------------------------------

  // What is missing or makes no sense is as the figure began.
  reset({ values = {}, choices = {} }) {
    this.values = new Float64Array(this.spec.sliders.length);
    for (const { name, value, at } of this.spec.sliders) this.values[at] = Number.isFinite(values[name]) ? values[name] : value;
    this.chosen = this.spec.choices.map(({ name, options }) => Math.max(0, options.indexOf(choices[name])));
  }

  restore(settings) {
    this.reset(settings);
    this.spec.sliders.forEach(({ at }, k) => this.sliders[k].show(this.values[at]));
    this.recompute();
  }

  settings() {
    return {
      values: Object.fromEntries(this.spec.sliders.map(({ name, at }) => [name, this.values[at]])),
      choices: Object.fromEntries(this.spec.choices.map(({ name, options }, k) => [name, options[this.chosen[k]]])),
    };
  }

  _point(event) {
    const { left, top } = this.reader.getBoundingClientRect();
    this._read(this.graph.nearest(this.curves, event.clientX - left, event.clientY - top));
  }

  // Left and right to the next point that there is, up and down to another curve.
  _key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity }[event.key];
    const turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const { curves } = this;
    if ((!by && !turn) || !curves.length) return;
    event.preventDefault();
    let [which, k] = this.at ?? [0, -1];
    if (turn) which = (which + turn + curves.length) % curves.length;
    const there = (place) => Number.isFinite(curves[which].ys[place]) && Number.isFinite(curves[which].xs[place]);
    const last = curves[which].ys.length - 1;
    k = clampTo(k + (by ?? 0), 0, last);
    const way = by < 0 ? -1 : 1;
    for (const step of [way, -way]) {
      let place = k;
      while (place >= 0 && place <= last && !there(place)) place += step;
      if (!there(place)) continue;
      this._read([which, place]);
      return;
    }
  }

  _read(at) {
    this.at = at;
    this.redraw();
  }

  // --- keeping everything in step -------------------------------------------------------------------------

  repaint() {
    this.shown = null; // the samples of the legend
  }

  _layout(width) {
    this.graph.resize(width, clampTo(0.5 * width, 240, 380));
  }

  _compute() {
    const variant = this.spec.choices.reduce((at, { options }, k) => at * options.length + this.chosen[k], 0);
    const { function: name, size, parts } = this.spec.variants[variant];
    const out = new Float64Array(size);
    this.functions[name](this.values, 0, out, 0);
    const cut = (from, count) => out.subarray(from, from + count);
    this.curves = parts
      .filter(({ number }) => !number)
      .map(({ label, x, y, size: count }) => ({
        label,
        ...this.spec.curves[label],
        xs: x === undefined ? Float64Array.from({ length: count }, (_, k) => k) : cut(x, count),
        ys: cut(y, count),
      }));
    this.results = parts.filter(({ number }) => number).map(({ label, y }) => [label, out[y]]);
    if (this.at && !(this.at[1] < this.curves[this.at[0]]?.ys.length)) this.at = null;
  }

  _draw(changed) {
    if (changed) this._compute();
    if (!this.graph.width) return;
    const { graph, theme } = this;
    const context = graph.draw(theme, this.curves, this.spec.axes);
    graph.canvas.setAttribute("aria-label", this.describe());
    this._drawReading(context);
    if (!changed && this.shown) return;
    this._drawLegend();
    this.numbers.replaceChildren(
      ...this.results.map(([label, value]) => element("div", {}, element("dt", {}, label), element("dd", {}, this._write(value)))),
    );
    this.selects.forEach((select, k) => (select.selectedIndex = this.chosen[k]));
  }

  _drawReading(context) {
    const text = this._reading();
    this.readout.textContent = text;
    const [which, k] = this.at ?? [0, 0];
    const { xs, ys } = this.curves[which] ?? { xs: [], ys: [] };
    const about = { valuemin: 0, valuemax: Math.max(0, xs.length - 1), valuenow: k, valuetext: text || "no point chosen" };
    for (const [name, value] of Object.entries(about)) this.reader.setAttribute(`aria-${name}`, value);
    if (!text) return;
    const [x, y] = this.graph.place(xs[k], ys[k]);
    context.beginPath();
    context.arc(x, y, 6, 0, 2 * Math.PI);
    context.strokeStyle = this.theme.ink;
    context.lineWidth = 2;
    context.stroke();
  }

  _reading() {
    if (!this.at) return "";
    const [which, k] = this.at;
    const { label, xs, ys } = this.curves[which];
    const [across, up] = this.spec.axes;
    const values = [`${across.label || "x"} ${this._write(xs[k])}`, up.ticks ? "" : this._write(ys[k])];
    return `${label}: ${values.filter(Boolean).join(", ")}`;
  }

  _write(value) {
    return plain(value, this.spec.digits);
  }

  _drawLegend() {
    const shown = this.curves.map(({ label }) => label).join("\n");
    if (shown === this.shown) return;
    this.shown = shown;
    const entry = (curve) => {
      const sample = element("canvas", { class: "sample", "aria-hidden": "true" });
      drawSample(sample, colorIn(this.theme, curve.color), curve);
      return element("li", {}, sample, curve.label);
    };
    this.legend.replaceChildren(...this.curves.map(entry));
  }

  describe() {
    const parts = this.spec.choices.map(({ text, options }, k) => `${text} ${options[this.chosen[k]]}`);
    for (const { text, at } of this.spec.sliders) parts.push(`${text} ${this._write(this.values[at])}`);
    const told = this.curves.map(({ label, xs, ys }) => {
      const there = Array.from(ys.keys()).filter((k) => Number.isFinite(xs[k] + ys[k]));
      if (!there.length) return `${label} has no point`;
      const [first, last] = [xs[there[0]], xs[there.at(-1)]];
      if (this.spec.axes[1].ticks) {
        const different = new Set(there.map((k) => xs[k])).size;
        return `${label}: ${different} points from ${this._write(first)} to ${this._write(last)}`;
      }
      const least = there.reduce((best, k) => (ys[k] < ys[best] ? k : best));
      const most = there.reduce((best, k) => (ys[k] > ys[best] ? k : best));
      const at = (k) => `${this._write(ys[k])} at ${this._write(xs[k])}`;
      return `${label}: ${there.length} points from ${at(there[0])} to ${at(there.at(-1))}, lowest ${at(least)}, highest ${at(most)}`;
    });
    for (const [label, value] of this.results) told.push(`${label}: ${this._write(value)}`);
    return `${parts.length ? `With ${parts.join(", ")}. ` : ""}${told.join(". ")}.`;
  }
}

// How a curve or a path is drawn, in a list: a bar, dots, a line; or a line with a mark.
function drawSample(canvas, color, { style, line, marker }) {
  const context = sharpContext(canvas, 30, 14);
  context.strokeStyle = context.fillStyle = color;
  context.lineWidth = 2;
  if (style === "bars") {
    context.fillRect(8, 2, 14, 10);
    return;
  }
  if (style !== "dots") {
    context.setLineDash(DASHES[line] ?? []);
    context.beginPath();
    context.moveTo(1, 7);
    context.lineTo(29, 7);
    context.stroke();
    context.setLineDash([]);
  }
  if (style && style !== "dots") return;
  drawMark(context, marker, 15, 7, 4);
  context.fill();
}
