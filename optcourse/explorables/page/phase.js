// How fast each setting converges: the factor per step over the learning rate and one other setting, measured in every
// cell by a run, and predicted where the optimizer has a theory.

// Between the classes of factors. Above the last the distance grows for sure: a path that stays has a factor near 1.
const FACTORS = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1.001];
const SECOND = ["momentum", "b1", "decay", "rho", "beta"]; // the other setting, if there are several

// The class of a factor; the last for those that diverge; NaN has none.
function speed(factor) {
  const k = FACTORS.findIndex((edge) => factor < edge);
  return k < 0 && factor > 0 ? FACTORS.length : k;
}

// Infinity where it overflows, NaN where it starts on the minimum. Part of a long swing looks like fast convergence, or
// like growth. So while more than a tenth of the distance is left at the last peak, a path is no faster than on average
// up to there; and one that stays within twice the distance does not grow.
function factorOf(model, path) {
  if (path.divergedAt !== null) return Infinity;
  const { factor, mean, peak } = measuredFactor(model, path, path.steps);
  if (!peak) return mean;
  const average = Math.min(peak.left ** (1 / peak.at), 1);
  if (factor > 1 && peak.left < 2) return average;
  return peak.left > 0.1 ? Math.max(factor, average) : factor;
}

class PhasePanel extends SensitivityPanel {
  constructor(figure) {
    super(figure);
    this.shown = "the factor per step by which the distance to the nearest minimum shrinks in";
    this.cells = [64, 48];
    this.second = element("label", {}, "Up ", this.up);
    this.head.replaceChildren(this.lead, this.second);
    const beside = besideTable(this, "Share of the map, by factor per step");
    this.note = element("p", { class: "note" });
    this.parts = [this.head, this.field.element, this.table.parentNode, this.note];
    this.element.replaceChildren(this.head, beside, this.note);
  }

  _choose(x, y) {
    super._choose(x, y);
    for (const value of [x, -1]) this.up.querySelector(`[value="${value}"]`).remove();
    this.second.hidden = this.up.length < 2;
  }

  _next(x) {
    const names = this.method.spec.hyperparams.map((h) => h.name);
    const first = SECOND.map((name) => names.indexOf(name)).find((k) => k >= 0 && k !== x);
    return first ?? (x ? 0 : 1);
  }

  _missing({ spec, label }) {
    if (!this.model.surface.minima.length) return "No minimum of this surface is known, so there is no distance to measure.";
    return spec.hyperparams.length < 2 ? `${label} has no second hyperparameter, so there is no map to draw.` : null;
  }

  _measure(start, values) {
    return () => factorOf(this.model, this.model.follow(this.method, { start, values }));
  }

  // With the path as it is set now, and the minimum that is meant: where it goes, or else the nearest to the start.
  _compute() {
    super._compute();
    const { model, method } = this;
    const path = method.path ?? model.follow(method);
    this.measured = factorOf(model, path);
    this.minimum = nearestMinimum(model, speed(this.measured) < FACTORS.length ? path.point(path.steps) : model.start).params;
  }

  _resize(most) {
    const width = Math.min(most, 520);
    if (width !== this.field.width) this.field.resize(width, Math.round(0.74 * width) + 40, [54, 22, 10, 40]);
  }

  // Contraction and limit predicted for two settings, as a function; null without a theory for this optimizer here.
  _theory() {
    const { model, method, x, y } = this;
    const curvature = eigen(model.hessian(this.minimum));
    if (!method.spec.theory || model.surface.stepDependent || !curvature.every(({ value }) => value > 0)) return null;
    const values = method.values.slice();
    return (across, up) => {
      [values[x], values[y]] = [across, up];
      return linearTheory(model, { spec: method.spec, values }, curvature);
    };
  }

  // What theory says of the whole map: of each cell, where the colours change, and where it becomes unstable.
  _predict() {
    const { x, y, raster, field } = this;
    const predict = this._theory();
    if (!predict) this.predicted = null;
    const key = JSON.stringify([this.method.index, x, y, this.minimum, field.width]);
    if (!predict || key === this.predicted?.key) return;
    const { columns, rows } = raster;
    const [, , width, height] = field.area;
    const [across, up] = [181, 121];
    const at = (k, share) => SCALES[this._range(k).scale].from(share, this._range(k));
    const factors = Float64Array.from({ length: across * up }, (_, k) => predict(at(x, (k % across) / (across - 1)), at(y, Math.floor(k / across) / (up - 1)))[0]);
    const limit = new Path2D();
    for (let share = 0; share <= 1; share += 1 / 128) {
      limit.lineTo(SCALES[this._range(x).scale].to(predict(0, at(y, share))[1], this._range(x)) * width, height * (1 - share));
    }
    const cells = raster.values.map((_, k) => predict(this._value(x, k % columns, columns), this._value(y, Math.floor(k / columns), rows))[0]);
    this.predicted = { key, cells, limit, best: this._bestPredicted((...shares) => predict(at(x, shares[0]), at(y, shares[1]))[0]), lines: contourLines(factors, across, up, FACTORS.slice(0, -1), width, height) };
  }

  // Where on the map the prediction is lowest, as shares, and how low: on a grid, then closer and closer around its best.
  _bestPredicted(factorAt) {
    let best = { across: 0.5, up: 0.5, factor: Infinity };
    for (let reach = 0.5; reach > 1e-6; reach /= 2) {
      const { across, up } = best;
      for (let k = 0; k < 33 * 33; k++) {
        const shares = [across + reach * ((k % 33) / 16 - 1), up + reach * (Math.floor(k / 33) / 16 - 1)].map((share) => clampTo(share, 0, 1));
        const factor = factorAt(...shares);
        if (factor < best.factor) best = { across: shares[0], up: shares[1], factor };
      }
    }
    return best;
  }

  _styles(context) {
    const hatched = patternOf(context, "hatched", this.figure.theme);
    return (k) => (k < 0 ? this.figure.theme.paper : k < FACTORS.length ? RAMP[9 * k] : hatched);
  }

  _paint(context, theme) {
    const { field, raster, x, y, method } = this;
    const { columns, rows } = raster;
    const [left, top, width, height] = field.area;
    const style = this._styles(context);
    raster.paint(context, field.area, (factor) => style(speed(factor)));
    this._predict();
    const { predicted } = this;
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.translate(left, top);
    if (predicted) {
      strokeTwice(context, predicted.lines, 0.8);
      strokeTwice(context, predicted.limit, 2.4);
    }
    const mark = (across, up, turn) => {
      const square = new Path2D();
      square.rect(-7, -7, 14, 14);
      context.save();
      context.translate(across * width, (1 - up) * height);
      context.rotate(turn);
      strokeTwice(context, square, 1.8);
      context.restore();
    };
    if (raster.done && raster.best >= 0) mark(((raster.best % columns) + 0.5) / columns, (Math.floor(raster.best / columns) + 0.5) / rows, 0);
    if (predicted) mark(predicted.best.across, predicted.best.up, Math.PI / 4);
    context.restore();
    const title = (k) => words(method.spec.hyperparams[k].name);
    field.drawAxes(context, theme, sliderTicks(this._range(x)), sliderTicks(this._range(y)), title(x), title(y));
    if (raster.done) this._tabulate(theme);
  }

  _tabulate(theme) {
    const { raster, predicted, method } = this;
    const names = FACTORS.map((edge, k) => (k ? `${FACTORS[k - 1]} to ${edge}` : `below ${edge}`));
    names[FACTORS.length - 1] += ": stays";
    names.push("above: diverges");
    this.table.replaceChildren(...names.map((name, k) => shareRow(theme, (on) => this._styles(on)(k), "", name, raster.share((factor) => speed(factor) === k))));
    this.note.textContent =
      "Measured over the last steps, up to 100; while more than a tenth of the distance is left, no faster than on average since the start, because part of a long swing can look fast. " +
      (predicted
        ? `Thick line: the predicted stability limit. Thin lines: predicted factors, where the colours should change. Square: best measured; diamond: best predicted. The prediction is for a quadratic with the curvature at the minimum ${point(this.minimum)}.`
        : `There is no linear theory of ${method.label} here, so nothing is predicted. Square: the best.`);
  }

  _now() {
    const { method, x, y } = this;
    return [this.measured, this._theory()?.(method.values[x], method.values[y])[0]];
  }

  _told([measured, predicted]) {
    const text = measured === Infinity ? "overflows" : `measured factor ${short(measured, 4)}`;
    return predicted === undefined ? text : `${text}, predicted ${short(predicted, 4)}`;
  }

  _mark() {
    const { values } = this.method;
    const setting = this._setting([values[this.x], values[this.y]]);
    this.field.put(this._place(this.x), this._place(this.y), `Setting: ${setting}; ${this._told(this._now())}`);
  }

  _describe() {
    const { raster, method, predicted } = this;
    const now = this._now();
    if (Number.isNaN(now[0])) return "The start is the minimum, so there is no distance to measure.";
    const lost = (factor) => speed(factor) === FACTORS.length;
    const parts = [`Your setting, ${this._setting([method.values[this.x], method.values[this.y]])}: ${this._told(now)}.`];
    if (raster.best >= 0) parts.push(`Best measured: ${short(raster.values[raster.best], 4)}, at ${this._cell(raster.best)}.`);
    if (predicted) parts.push(`Best predicted: ${short(predicted.best.factor, 4)}, at ${this._setting([sliderValue(this._range(this.x), predicted.best.across), sliderValue(this._range(this.y), predicted.best.up)])}.`);
    parts.push(`${percent(raster.share(lost))} of the map diverges${predicted ? `, predicted ${percent(predicted.cells.filter(lost).length / predicted.cells.length)}` : ""}.`);
    return parts.join(" ");
  }
}
