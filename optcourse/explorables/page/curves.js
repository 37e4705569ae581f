// The loss over the steps, on a logarithmic scale where that is possible.

class Curves {
  constructor(figure) {
    this.figure = figure;
    this.model = figure.model;
    this.canvas = element("canvas", { role: "img" });
    this.element = element("div", { class: "curves" }, this.canvas);
  }

  resize(width, height) {
    [this.width, this.height] = [Math.round(width), Math.round(height)];
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
  }

  draw() {
    if (!this.width) return;
    const { theme, step } = this.figure;
    const context = sharpContext(this.canvas, this.width, this.height);
    const scale = this._scale();
    context.font = "12px system-ui, sans-serif";
    const widest = Math.max(...scale.ticks.map((value) => context.measureText(scale.write(value)).width));
    const [left, right, top, bottom] = [Math.ceil(widest) + 12, this.width - 8, 24, this.height - 34];
    const x = (t) => left + ((right - left) * t) / Math.max(1, this.model.steps);
    const y = (loss) => bottom - (bottom - top) * clampTo((scale.of(loss) - scale.low) / (scale.high - scale.low), -3, 4);
    this._drawAxes(context, theme, scale, { left, right, top, bottom });
    context.strokeStyle = theme.faint;
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(x(step), top);
    context.lineTo(x(step), bottom);
    context.stroke();
    const shown = [...this.model.shown].sort((a, b) => (a === this.figure.focus) - (b === this.figure.focus));
    for (const method of shown) this._drawCurve(context, method, theme, x, y, step, { top, bottom });
    this.canvas.setAttribute("aria-label", this._describe(scale));
  }

  // Logarithm of the height above the lowest known minimum; the loss itself where none is known.
  _scale() {
    const { shown, surface } = this.model;
    const lowest = surface.minima.length && !surface.stepDependent ? this.model.lowest : null;
    const all = { low: Infinity, high: -Infinity };
    const above = { low: Infinity, high: -Infinity };
    let start = 0;
    for (const { path } of shown) {
      if (Number.isFinite(path.losses[0])) [start] = path.losses;
      for (const loss of path.losses) {
        if (!Number.isFinite(loss)) continue;
        widen(all, loss);
        if (lowest !== null && loss > lowest) widen(above, loss - lowest);
      }
    }
    // Losses that went through the roof, or fall for ever, do not squeeze the rest.
    if (above.high > 0) {
      const roof = Math.min(above.high, 1e3 * Math.max(start - lowest, 1e-12));
      const floor = Math.max(above.low, roof * 1e-18);
      const low = Math.floor(Math.log10(floor));
      const high = Math.max(Math.ceil(Math.log10(roof)), low + 1);
      const every = Math.ceil((high - low) / 6);
      const ticks = Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, k) => low + k * every);
      const of = (loss) => (loss > lowest ? Math.log10(loss - lowest) : -400);
      const title = lowest === 0 ? "loss" : "loss above the minimum";
      return { title, log: true, low, high, of, ticks, write: powerOfTen };
    }
    const reach = 20 * Math.max(Math.abs(start), 1);
    const low = Number.isFinite(all.low) ? Math.max(all.low, start - reach) : 0;
    const high = Math.max(Number.isFinite(all.high) ? Math.min(all.high, start + reach) : 1, low + 1e-12);
    const ticks = roundTicks(low, high);
    return { title: "loss", log: false, low, high, of: (loss) => loss, ticks, write: (value) => short(value, 2) };
  }

  _drawAxes(context, theme, scale, { left, right, top, bottom }) {
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = theme.faint;
    context.strokeStyle = theme.rule;
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of scale.ticks) {
      const y = bottom - ((bottom - top) * (value - scale.low)) / (scale.high - scale.low);
      context.beginPath();
      context.moveTo(left, y);
      context.lineTo(right, y);
      context.stroke();
      context.fillText(scale.write(value), left - 6, y);
    }
    context.fillStyle = theme.ink;
    context.textAlign = "left";
    context.textBaseline = "top";
    context.fillText(scale.title, 4, 4);
    context.textBaseline = "bottom";
    context.fillText("0", left, this.height - 4);
    context.textAlign = "center";
    context.fillText("step", (left + right) / 2, this.height - 4);
    context.textAlign = "right";
    context.fillText(String(this.model.steps), right, this.height - 4);
  }

  _drawCurve(context, method, theme, x, y, step, { top, bottom }) {
    const { losses } = method.path;
    const color = colorOf(method, theme);
    context.strokeStyle = color;
    context.fillStyle = color;
    context.lineWidth = method === this.figure.focus ? 2.4 : 1.8;
    context.setLineDash(DASHES[method.spec.style.line] ?? []);
    context.save();
    context.beginPath();
    context.rect(0, top - 3, this.width, bottom - top + 6);
    context.clip(); // what is off the scale is not shown as if it stood at its edge
    context.beginPath();
    for (let t = 0; t < losses.length && Number.isFinite(losses[t]); t++) context.lineTo(x(t), y(losses[t]));
    context.stroke();
    context.restore();
    context.setLineDash([]);
    if (step < losses.length && Number.isFinite(losses[step])) {
      const height = y(losses[step]);
      const [shape, place] = height < top ? ["^", top] : height > bottom ? ["v", bottom] : [method.spec.style.marker, height];
      drawMark(context, shape, x(step), place, shape === method.spec.style.marker ? 4 : 5); // an arrow points off the scale
      context.fill();
    }
  }

  _describe(scale) {
    const ends = this.model.shown.map((method) => `${method.label} ${short(method.path.losses.at(-1))}`);
    return `Curves of the loss over ${this.model.steps} steps${scale.log ? ", logarithmic" : ""}. At the end: ${ends.join(", ")}.`;
  }
}

function widen(range, value) {
  range.low = Math.min(range.low, value);
  range.high = Math.max(range.high, value);
}

function powerOfTen(exponent) {
  if (exponent >= -2 && exponent <= 2) return short(10 ** exponent);
  const raised = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  return `10${Array.from(String(exponent), (digit) => raised[digit]).join("")}`;
}
