// Curves between axes: lines, steps, dots and bars.

class Graph {
  constructor() {
    this.canvas = element("canvas", { role: "img" });
    this.element = element("div", { class: "graph" }, this.canvas);
  }

  resize(width, height) {
    [this.width, this.height] = [Math.round(width), Math.round(height)];
    for (const { style } of [this.canvas, this.element]) [style.width, style.height] = [`${this.width}px`, `${this.height}px`];
  }

  // Curves are {xs, ys, style, color, line, marker}; axes, across and up, {label, log, limits, ticks}.
  draw(theme, curves, [across, up]) {
    const context = sharpContext(this.canvas, this.width, this.height);
    context.font = "12px system-ui, sans-serif";
    const bars = curves.filter(({ style }) => style === "bars");
    const edges = bars.map(({ xs }) => [smallestGap(xs), ...xs]).flatMap(([gap, ...xs]) => xs.flatMap((x) => [x - gap / 2, x + gap / 2]));
    this.x = scaleOf(across, [...curves.map(({ xs }) => xs), edges]);
    this.y = scaleOf(up, [...curves.map(({ ys }) => ys), bars.length ? [0] : []], 0.06);
    const left = Math.ceil(Math.max(...this.y.ticks.map(([, text]) => context.measureText(text).width), 10)) + 12;
    const [top, bottom] = [up.label ? 26 : 10, across.label ? 44 : 24];
    this.area = [left, top, this.width - left - 12, this.height - top - bottom];
    drawAxes(context, theme, this.area, this.width, this.x.ticks, this.y.ticks, across.label, up.label, true);
    context.save();
    context.beginPath();
    context.rect(left - 5, top - 5, this.area[2] + 10, this.area[3] + 10);
    context.clip();
    for (const curve of curves) this._drawCurve(context, theme, curve);
    context.restore();
    return context;
  }

  // Where a value is, in pixels; nan for what has no place.
  place(x, y) {
    const [left, top, width, height] = this.area;
    const share = (scale, value) => (Number.isFinite(value) ? clampTo(scale.share(value), -9, 9) : NaN);
    return [left + width * share(this.x, x), top + height * (1 - share(this.y, y))];
  }

  // And back.
  valuesAt(px, py) {
    const [left, top, width, height] = this.area;
    return [this.x.value((px - left) / width), this.y.value(1 - (py - top) / height)];
  }

  _drawCurve(context, theme, { xs, ys, style, color, line, marker }) {
    context.strokeStyle = context.fillStyle = colorIn(theme, color);
    const places = Array.from(xs, (x, k) => this.place(x, ys[k]));
    if (style === "bars") {
      this._drawBars(context, places, xs);
      return;
    }
    if (style === "dots") {
      const there = places.filter(([x, y]) => !Number.isNaN(x + y));
      for (const [x, y] of there) {
        drawMark(context, marker, x, y, there.length > 150 ? 2.4 : 3.6);
        context.fill();
      }
      return;
    }
    context.lineWidth = 2;
    context.lineJoin = context.lineCap = "round"; // a point between two gaps is a dot
    context.setLineDash(DASHES[line] ?? []);
    context.beginPath();
    let before = null;
    for (const [x, y] of places) {
      const gap = Number.isNaN(x + y);
      if (!gap && !before) context.moveTo(x, y);
      if (!gap && before && style === "steps") context.lineTo(x, before[1]);
      if (!gap) context.lineTo(x, y);
      before = gap ? null : [x, y];
    }
    context.stroke();
    context.setLineDash([]);
  }

  _drawBars(context, places, xs) {
    const floor = this.place(xs[0], this.y.log ? this.y.low : clampTo(0, this.y.low, this.y.high))[1];
    const gap = smallestGap(places.map(([x]) => x));
    const width = Math.max(1, gap - (gap > 4 ? 1 : 0));
    context.globalAlpha = 0.75;
    for (const [x, y] of places) if (!Number.isNaN(x + y)) context.fillRect(x - width / 2, Math.min(y, floor), width, Math.abs(y - floor));
    context.globalAlpha = 1;
  }

  // The point of a curve nearest to a place in pixels, as [curve, point], or null.
  nearest(curves, px, py) {
    let [best, found] = [Infinity, null];
    curves.forEach(({ xs, ys }, which) => {
      for (let k = 0; k < xs.length; k++) {
        const [x, y] = this.place(xs[k], ys[k]);
        const distance = Math.hypot(x - px, y - py);
        if (distance < best) [best, found] = [distance, [which, k]];
      }
    });
    return found;
  }
}

function smallestGap(xs) {
  const sorted = Float64Array.from(xs).filter(Number.isFinite).sort();
  const gaps = sorted.subarray(1).map((x, k) => x - sorted[k]).filter((gap) => gap > 0);
  return gaps.length ? Math.min(...gaps) : 1;
}

// How values are placed on an axis, as shares of its length, so that all of them are to be seen.
function scaleOf({ log, limits, ticks }, arrays, pad = 0.02) {
  const range = { low: Infinity, high: -Infinity };
  for (const values of arrays) for (const value of values) if (Number.isFinite(value) && !(log && value <= 0)) widen(range, value);
  if (range.low > range.high) [range.low, range.high] = [log ? 1 : 0, 1];
  const [to, from] = log ? [Math.log, Math.exp] : [(x) => x, (x) => x];
  let [low, high] = [to(range.low), to(range.high)];
  const more = high > low ? pad * (high - low) : log ? 1 : Math.abs(low) / 2 || 1;
  [low, high] = [limits[0] == null ? low - more : to(limits[0]), limits[1] == null ? high + more : to(limits[1])];
  if (!(high > low)) high = low + (Math.abs(low) || 1);
  const share = (value) => (log && value <= 0 ? NaN : (to(value) - low) / (high - low));
  const scale = { log, low: from(low), high: from(high), share, value: (part) => from(low + part * (high - low)) };
  const written = ticks ?? (log ? powerTicks(scale.low, scale.high) : linearTicks(low, high));
  scale.ticks = written.map(([value, text]) => [share(value), text]).filter(([at]) => at >= -1e-9 && at <= 1 + 1e-9);
  return scale;
}

// With as many digits as it takes to tell neighbours apart.
function linearTicks(low, high) {
  const ticks = roundTicks(low, high, 7);
  const largest = Math.max(...ticks.map(Math.abs));
  const digits = Math.round(Math.log10(largest / (ticks[1] - ticks[0])) + 1.5);
  return ticks.map((value) => [value, plain(value, clampTo(digits || 3, 1, 17))]);
}

// Powers of ten; with 2 and 5 between them where there are few.
function powerTicks(low, high) {
  if (high < 4 * low) return linearTicks(low, high);
  const [first, last] = [Math.floor(Math.log10(low)), Math.floor(Math.log10(high) + 1e-9)];
  const every = Math.ceil((last - first) / 6) || 1;
  const digits = last - first < 3 ? [1, 2, 5] : [1];
  const powers = Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, k) => first + k * every);
  const write = (power, value) => [value, digits.length > 1 ? plain(value) : powerOfTen(power)];
  return powers.flatMap((power) => digits.map((digit) => write(power, Number(`${digit}e${power}`))));
}

// Ticks are [share, text]; the area, inside of them, is [left, top, width, height]. With a grid, lines from edge to edge.
function drawAxes(context, theme, [left, top, width, height], whole, across, up, acrossTitle, upTitle, grid = false) {
  context.fillStyle = theme.faint;
  context.strokeStyle = grid ? theme.rule : theme.faint;
  context.lineWidth = 1;
  context.beginPath();
  context.textAlign = "center";
  context.textBaseline = "top";
  let free = -Infinity;
  for (const [share, text] of across) {
    const x = left + share * width;
    context.moveTo(x, grid ? top : top + height);
    context.lineTo(x, top + height + 4);
    const half = context.measureText(text).width / 2;
    const middle = Math.min(x, whole - half);
    if (middle - half < free) continue; // no room
    context.fillText(text, middle, top + height + 6);
    free = middle + half + 6;
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const [share, text] of up) {
    const y = top + height - share * height;
    context.moveTo(left - 4, y);
    context.lineTo(grid ? left + width : left, y);
    context.fillText(text, left - 6, y);
  }
  context.stroke();
  context.fillStyle = theme.ink;
  context.textAlign = "left";
  context.textBaseline = "top";
  context.fillText(upTitle, 2, 2);
  context.textAlign = "center";
  context.fillText(acrossTitle, left + width / 2, top + height + 22);
}
