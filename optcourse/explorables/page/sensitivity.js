// The last loss over two settings of the optimizer in focus, or over one, as a curve.

const CIVIDIS = [[254, 232, 56], [225, 204, 85], [195, 179, 105], [165, 156, 116], [138, 134, 120], [112, 113, 115], [87, 93, 109], [59, 73, 108], [18, 53, 112], [0, 34, 78]];
// From the lowest loss to the highest.
const RAMP = Array.from({ length: 64 }, (_, k) => {
  const at = (k / 63) * (CIVIDIS.length - 1);
  const below = Math.min(Math.floor(at), CIVIDIS.length - 2);
  return `rgb(${mix(CIVIDIS[below], CIVIDIS[below + 1], at - below).map(Math.round)})`;
});

// How losses are shown: in the logarithm of the height above the minimum, from 1e-15 of the start's on; without a known
// minimum, or if the loss changes from step to step, evenly near 0 and like a logarithm far from it. One cell in fifty
// at either end may lie beyond the scale, lest a lucky one take all the colours. A map has its colours for losses up to
// that of the start.
function mapScale(model, losses, curve) {
  const { minima, stepDependent } = model.surface;
  const known = model.lowest;
  const first = model.loss(model.rounded(model.start), 0, model.steps, model.precision);
  const sorted = losses.filter((loss) => Number.isFinite(loss) && (curve || loss <= first)).sort();
  const [few, most] = [0.02, 0.98].map((share) => sorted[Math.floor(share * sorted.length)] ?? first);
  if (!minima.length || stepDependent) {
    const unit = Math.abs(first) || 1;
    const of = (loss) => Math.asinh(loss / unit);
    // As in the curves, losses that fall for ever do not squeeze the rest.
    const reach = 20 * Math.max(Math.abs(first), 1);
    const [low, high] = [Math.max(Math.min(few, first), first - reach), Math.min(Math.max(most, first), first + reach)].map(of);
    const pad = high > low ? 0 : 1;
    return { title: "last loss", first, of, low: low - pad, high: high + pad, text: (at) => short(unit * Math.sinh(at), 2) };
  }
  const least = Math.max(first - known > 0 ? 1e-15 * (first - known) : 0, 4e-16 * Math.abs(known), 1e-300);
  const of = (loss) => Math.log10(Math.max(loss - known, least));
  const low = Math.floor(of(few) + 1e-9);
  // As in the curves, the scale ends a thousand times above the start.
  const high = Math.ceil(Math.min(of(most), Number.isFinite(first) ? of(first) + 3 : Infinity));
  const title = known === 0 ? "last loss" : "last loss above the minimum";
  return { title, first, known, least, log: true, of, low, high: Math.max(high, low + 1), text: powerOfTen };
}

class SensitivityPanel {
  constructor(figure) {
    this.figure = figure;
    this.model = figure.model;
    const help = "Arrow keys move the settings by one cell, with Shift by five";
    this.field = new Field(help, (across, up) => this._point(across, up), (columns, rows) => this._step(columns, rows));
    this.across = element("select", { "aria-label": "Across", onchange: () => this._choose(Number(this.across.value), this.y) });
    this.up = element("select", { "aria-label": "Up", onchange: () => this._choose(this.x, Number(this.up.value)) });
    this.lead = element("span");
    this.text = element("p", { class: "found", "aria-live": "polite" });
    this.head = element("p", {}, this.lead, element("label", {}, "Across ", this.across), " ", element("label", {}, "Up ", this.up));
    this.parts = [this.head, this.field.element];
    this.element = element("div", { class: "map" }, ...this.parts, this.text);
    this.shown = "the loss after";
    this.cells = [60, 40];
    this.raster = new Raster(this.element, () => this.draw());
  }

  get curve() {
    return this.y < 0;
  }

  // Settings x and y, by index; y = -1 for the curve.
  _choose(x, y) {
    if (x === y) [x, y] = x === this.x ? [this.y < 0 ? this._next(x) : this.y, x] : [x, this.x];
    [this.x, this.y] = [x, y];
    const options = this.method.spec.hyperparams.map((h, k) => element("option", { value: k }, words(h.name)));
    this.across.replaceChildren(...options);
    this.up.replaceChildren(...options.map((option) => option.cloneNode(true)), element("option", { value: -1 }, "last loss, as a curve"));
    [this.across.value, this.up.value] = [x, y];
    this.figure.redraw();
  }

  _next(x) {
    const count = this.method.spec.hyperparams.length;
    return count > 1 ? (x + 1) % count : -1;
  }

  _range(k) {
    return this.method.spec.hyperparams[k].range;
  }

  // The value in the middle of a cell, as a slider would give it: what is clicked is what was computed.
  _value(k, cell, cells) {
    return sliderValue(this._range(k), (clampTo(cell, 0, cells - 1) + 0.5) / cells);
  }

  _place(k) {
    return SCALES[this._range(k).scale].to(this.method.values[k], this._range(k));
  }

  _set(column, row) {
    const { columns, rows } = this.raster;
    this.figure.set(this.method, this.x, this._value(this.x, column, columns));
    if (!this.curve) this.figure.set(this.method, this.y, this._value(this.y, row, rows));
  }

  _point(across, up) {
    this._set(Math.floor(across * this.raster.columns), Math.floor(up * this.raster.rows));
  }

  // Only along the axis that is meant: the other setting may lie between two cells, and stays there.
  _step(columns, rows) {
    const [k, by, cells] = columns ? [this.x, columns, this.raster.columns] : [this.y, rows, this.raster.rows];
    if (k >= 0) this.figure.set(this.method, k, this._value(k, Math.round(this._place(k) * cells - 0.5) + by, cells));
  }

  draw() {
    const { figure, model } = this;
    const { focus: method, width } = figure;
    if (!width) return;
    const missing = this._missing(method);
    for (const part of this.parts) part.hidden = Boolean(missing);
    if (missing) {
      clearTimeout(this.telling);
      this.method = null;
      this.text.textContent = missing;
      return;
    }
    if (method !== this.method) {
      this.method = method;
      const x = Math.max(0, method.spec.hyperparams.findIndex(isRate));
      this._choose(x, this._next(x));
    }
    this.lead.textContent = `${method.label}, ${this.shown} ${model.steps} steps. `;
    this._compute();
    this._resize(width - 4);
    const painted = JSON.stringify([this.raster.key, this.raster.at, this.field.width, this.minimum, figure.theme === THEMES.dark]);
    if (painted !== this.painted && this.raster.began) {
      this.painted = painted;
      this._paint(this.field.clear(), figure.theme);
    }
    this._mark();
    tell(this);
  }

  // Why there is no map of this optimizer, if there is none.
  _missing({ spec, label }) {
    return spec.hyperparams.length ? null : `${label} has no settings.`;
  }

  // How a cell is computed, once its settings are among the values.
  _measure(start, values) {
    const run = this.model.runner(this.method);
    return () => run(start, values).loss;
  }

  _compute() {
    const { model, method, x, y } = this;
    const start = model.rounded(model.start.slice());
    const values = method.values.slice();
    const [columns, rows] = this.curve ? [240, 1] : this.cells;
    values[x] = 0;
    if (!this.curve) values[y] = 0;
    const key = JSON.stringify([method.index, x, y, ...values, ...start, model.steps, model.precision]);
    if (key === this.raster.key) return;
    const measure = this._measure(start, values);
    this.raster.need(key, columns, rows, (column, row) => {
      values[x] = this._value(x, column, columns);
      if (y >= 0) values[y] = this._value(y, row, rows);
      return measure();
    });
  }

  _resize(most) {
    const width = Math.min(most, 720);
    const margins = this.curve ? [62, 22, 10, 40] : [54, 22, 10, 116];
    const height = margins[1] + margins[3] + Math.max(190, Math.round((this.curve ? 0.34 : 0.46) * width));
    if (width !== this.field.width || height !== this.field.height) this.field.resize(width, height, margins);
  }

  _paint(context, theme) {
    const { field, raster } = this;
    const scale = (this.scale = mapScale(this.model, raster.values, this.curve));
    const [hatched, falling] = ["hatched", "falling"].map((kind) => patternOf(context, kind, theme));
    const across = sliderTicks(this._range(this.x));
    const title = words(this.method.spec.hyperparams[this.x].name);
    if (this.curve) {
      raster.paint(context, field.area, (loss) => (Number.isFinite(loss) ? theme.paper : hatched));
      field.drawAxes(context, theme, across, this._ticks(4), title, scale.title);
      this._drawCurve(context, theme);
      return;
    }
    const color = (loss) => (loss > scale.first ? falling : RAMP[Math.round(63 * this._height(scale.of(loss)))]);
    raster.paint(context, field.area, (loss) => (Number.isFinite(loss) ? color(loss) : hatched));
    if (scale.log) this._outline(context);
    field.drawAxes(context, theme, across, sliderTicks(this._range(this.y)), title, words(this.method.spec.hyperparams[this.y].name));
    this._drawLegend(context, theme, { "ends above where it began": falling, "overflows (inf or nan)": hatched });
  }

  // 0 at the lower end of the scale, 1 at the upper.
  _height(at) {
    return clampTo((at - this.scale.low) / (this.scale.high - this.scale.low), 0, 1);
  }

  // Up to so many, and one more, as [share, text].
  _ticks(most) {
    const { low, high, log, text } = this.scale;
    const count = log ? Math.min(most, high - low) : most;
    return Array.from({ length: count + 1 }, (_, k) => {
      const at = low + ((high - low) * k) / count;
      const tick = log ? Math.round(at) : at;
      return [this._height(tick), text(tick)];
    });
  }

  _drawCurve(context, theme) {
    const [left, top, width, height] = this.field.area;
    const { values } = this.raster;
    context.beginPath();
    let last = NaN;
    values.forEach((loss, k) => {
      if (Number.isFinite(loss)) {
        const place = [left + ((k + 0.5) / values.length) * width, top + height * (1 - this._height(this.scale.of(loss)))];
        if (Number.isFinite(last)) context.lineTo(...place);
        else context.moveTo(...place);
      }
      last = loss;
    });
    context.strokeStyle = colorOf(this.method, theme);
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.stroke();
  }

  // Around the cells within a factor of ten of the best.
  _outline(context) {
    const { columns, rows, values } = this.raster;
    const [left, top, width, height] = this.field.area;
    const isGood = this._isGood();
    const good = (i, j) => i >= 0 && j >= 0 && i < columns && j < rows && isGood(values[j * columns + i]);
    const x = (i) => left + Math.round((width * i) / columns);
    const y = (j) => top + height - Math.round((height * j) / rows);
    const line = new Path2D();
    for (let j = 0; j <= rows; j++) {
      for (let i = 0; i <= columns; i++) {
        if (good(i, j) !== good(i - 1, j)) line.rect(x(i), y(j + 1), 0, y(j) - y(j + 1));
        if (good(i, j) !== good(i, j - 1)) line.rect(x(i), y(j), x(i + 1) - x(i), 0);
      }
    }
    strokeTwice(context, line);
  }

  _isGood() {
    const { of } = this.scale;
    const best = of(Math.min(...this.raster.values.filter(Number.isFinite)));
    return (loss) => Number.isFinite(loss) && of(loss) <= best + 1;
  }

  _drawLegend(context, theme, patterns) {
    const [left, top, wide, height] = this.field.area;
    const y = top + height + 46;
    RAMP.forEach((color, k) => {
      context.fillStyle = color;
      const from = Math.round((wide * k) / 64);
      context.fillRect(left + from, y, Math.round((wide * (k + 1)) / 64) - from, 12);
    });
    context.fillStyle = theme.faint;
    context.textBaseline = "top";
    for (const [share, text] of this._ticks(Math.min(4, Math.floor(wide / 60)))) {
      const [align, beyond] = { 0: ["left", "≤ "], 1: ["right", "≥ "] }[share] ?? ["center", ""];
      context.textAlign = align;
      context.fillText(beyond + text, left + share * wide, y + 15);
    }
    context.fillStyle = theme.ink;
    context.textAlign = "right";
    context.fillText("loss", left - 6, y);
    context.textAlign = "left";
    context.strokeStyle = theme.faint;
    context.lineWidth = 1;
    Object.entries(patterns).forEach(([text, pattern], k) => {
      const place = [left, y + 18 * (k + 2), 20, 12];
      context.fillStyle = pattern;
      context.fillRect(...place);
      context.strokeRect(...place);
      context.fillStyle = theme.ink;
      context.fillText(text, left + 26, place[1]);
    });
  }

  _now() {
    const { method, model } = this;
    return method.path ? method.path.losses[model.steps] : model.runner(method)(model.rounded(model.start), method.values).loss;
  }

  _setting(values) {
    const names = this.curve ? [this.x] : [this.x, this.y];
    return names.map((k, at) => `${words(this.method.spec.hyperparams[k].name)} ${settingText(values[at], this._range(k).scale)}`).join(", ");
  }

  // The setting of a cell, in words.
  _cell(index) {
    const { columns, rows } = this.raster;
    return this._setting([this._value(this.x, index % columns, columns), this.curve ? 0 : this._value(this.y, Math.floor(index / columns), rows)]);
  }

  _mark() {
    const { values } = this.method;
    const now = this._now();
    const up = this.curve ? (this.scale && Number.isFinite(now) ? this._height(this.scale.of(now)) : 1) : this._place(this.y);
    const label = `Setting: ${this._setting([values[this.x], values[this.y]])}; ${Number.isFinite(now) ? `last loss ${short(now)}` : "overflows"}`;
    this.field.put(this._place(this.x), up, label);
  }

  _describe() {
    const { raster, scale, method } = this;
    const { values } = raster;
    const whole = this.curve ? "range" : "map";
    const best = raster.best;
    if (best < 0) return `Every setting on the ${whole} overflows (inf or nan).`;
    const height = (loss) => short(scale.log ? Math.max(loss - scale.known, 0) : loss);
    const at = this._cell(best);
    const parts = [`Lowest ${scale.title}: ${height(values[best])}, at ${at}.`];
    if (scale.log) parts.push(`${this.curve ? "" : "Outlined: "}${percent(raster.share(this._isGood()))} of the ${whole} is within a factor of 10 of it${values[best] - scale.known > scale.least ? "" : `, with all below ${short(scale.least, 1)} taken as equal`}.`);
    const above = raster.share((loss) => Number.isFinite(loss) && loss > scale.first);
    if (above) parts.push(`${percent(above)} ends above where it began.`);
    const lost = raster.share((loss) => !Number.isFinite(loss));
    if (lost) parts.push(`${percent(lost)} overflows (inf or nan).`);
    const now = this._now();
    parts.push(`Your setting, ${this._setting([method.values[this.x], method.values[this.y]])}, ${Number.isFinite(now) ? `gives ${height(now)}` : "overflows"}.`);
    return parts.join(" ");
  }
}
