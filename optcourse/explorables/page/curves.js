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
    const [left, right, top, bottom] = [46, this.width - 8, 24, this.height - 34];
    const x = (t) => left + ((right - left) * t) / Math.max(1, this.model.steps);
    const y = (loss) => bottom - (bottom - top) * clampTo((scale.of(loss) - scale.low) / (scale.high - scale.low), -0.02, 1.02);
    this._drawAxes(context, theme, scale, { left, right, top, bottom });
    context.strokeStyle = theme.faint;
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(x(step), top);
    context.lineTo(x(step), bottom);
    context.stroke();
    for (const method of this.model.shown) this._drawCurve(context, method, theme, x, y, step);
    this.canvas.setAttribute("aria-label", this._describe(scale));
  }

  _scale() {
    const known = this.model.surface.minima.map((minimum) => minimum.loss);
    const lowest = known.length ? Math.min(...known) : null;
    const values = this.model.shown.flatMap((method) => Array.from(method.path.losses).filter(Number.isFinite));
    const first = this.model.shown.map((method) => method.path.losses[0]).filter(Number.isFinite);
    const heights = lowest === null ? [] : values.map((loss) => loss - lowest).filter((height) => height > 0);
    const most = Math.max(...first, 0);
    if (heights.length) {
      // Losses that went through the roof do not squeeze the rest: the scale ends a thousand times above the start.
      const roof = Math.min(Math.max(...heights), 1e3 * Math.max(most - lowest, 1e-12));
      const floor = Math.max(Math.min(...heights), roof * 1e-18);
      const [low, high] = [Math.floor(Math.log10(floor)), Math.ceil(Math.log10(roof))];
      const of = (loss) => (loss - lowest > 0 ? Math.log10(loss - lowest) : -400);
      return { title: lowest === 0 ? "loss" : "loss above the minimum", log: true, low, high: Math.max(high, low + 1), of };
    }
    const start = first[0] ?? 0;
    const drop = start - Math.min(...values, start);
    const low = values.length ? Math.max(Math.min(...values), start - Math.max(1e3 * Math.abs(start), 1e3)) : 0;
    const high = values.length ? Math.min(Math.max(...values), start + Math.max(2 * drop, 10 * Math.abs(start), 1)) : 1;
    return { title: "loss", log: false, low, high: high > low ? high : low + 1, of: (loss) => loss };
  }

  _drawAxes(context, theme, scale, { left, right, top, bottom }) {
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = theme.faint;
    context.strokeStyle = theme.rule;
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    const count = scale.log ? Math.min(6, scale.high - scale.low) : 4;
    for (let k = 0; k <= count; k++) {
      let value = scale.low + ((scale.high - scale.low) * k) / count;
      if (scale.log) value = Math.round(value);
      const y = bottom - ((bottom - top) * (value - scale.low)) / (scale.high - scale.low);
      context.beginPath();
      context.moveTo(left, y);
      context.lineTo(right, y);
      context.stroke();
      context.fillText(scale.log ? powerOfTen(value) : short(value), left - 6, y);
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

  _drawCurve(context, method, theme, x, y, step) {
    const { losses } = method.path;
    const color = colorOf(method, theme);
    context.strokeStyle = color;
    context.fillStyle = color;
    context.lineWidth = method === this.figure.focus ? 2.4 : 1.8;
    context.setLineDash(DASHES[method.spec.style.line] ?? []);
    context.beginPath();
    for (let t = 0; t < losses.length && Number.isFinite(losses[t]); t++) context.lineTo(x(t), y(losses[t]));
    context.stroke();
    context.setLineDash([]);
    if (step < losses.length && Number.isFinite(losses[step])) {
      drawMark(context, method.spec.style.marker, x(step), y(losses[step]), 4);
      context.fill();
    }
  }

  _describe(scale) {
    const ends = this.model.shown.map((method) => `${method.label} ${short(method.path.losses.at(-1))}`);
    return `Curves of the loss over ${this.model.steps} steps${scale.log ? ", logarithmic" : ""}. At the end: ${ends.join(", ")}.`;
  }
}

function powerOfTen(exponent) {
  if (exponent >= -2 && exponent <= 2) return short(10 ** exponent);
  const raised = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  return `10${Array.from(String(exponent), (digit) => raised[digit]).join("")}`;
}
