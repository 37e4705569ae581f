// Where the optimizer in focus ends, from every start in the view.

const BASIN_COLORS = ["#56B4E9", "#E69F00", "#3DBB8F", "#F0E442", "#CC79A7", "#E8894A", "#8F9BE0", "#B3C95B"];
const SIDES = ["←", "→", "↓", "↑"];

// What can become of a path, in the order of the table; `sign` is written on the map.
// A minimum is reached by a path that ends closer to it than `reach`: 2 % of the view's diagonal, and no more than a
// third of the way to another minimum. Without a minimum inside the view, what counts is over which side a path left it.
class Endings {
  constructor(model, losses) {
    this.model = model;
    const { domain, minima } = model.surface;
    const distances = minima.flatMap((one, k) => minima.slice(0, k).map((other) => distance(one.params, other.params) / 3));
    this.reach = Math.min(0.02 * distance(...[0, 1].map((end) => domain.map((pair) => pair[end]))), ...distances);
    const inside = ({ params }) => domain.every(([low, high], k) => params[k] > low + this.reach && params[k] < high - this.reach);
    this.bySide = !minima.some(inside);
    this.kinds = minima.map(({ params }, k) => ({ name: `minimum ${point(params)}`, sign: String(k + 1), color: BASIN_COLORS[k % 8] }));
    const add = (kind) => this.kinds.push(kind) - 1;
    this.other = add({ name: "another minimum; darker is higher", sign: "m" });
    this.elsewhere = add({ name: "on its way, or stuck", sign: "" });
    this.left = this.kinds.length;
    if (this.bySide) SIDES.slice(0, 2 * model.dim).forEach((sign, k) => add({ name: `left the view ${sign}`, sign, color: BASIN_COLORS[(k + 2) % 8] }));
    else add({ name: "left the view", sign: "", pattern: "dotted" });
    this.overflow = add({ name: "overflows (inf or nan)", sign: "", pattern: "hatched" });
    this.lowest = model.lowest;
    const sorted = losses.filter(Number.isFinite).sort();
    this.height = sorted[sorted.length >> 1] - this.lowest;
  }

  // The index of its kind; the fraction says how high another minimum lies, compared with half of the view.
  of({ params, loss }, method) {
    const { domain, minima } = this.model.surface;
    if (!params.every(Number.isFinite) || (!this.bySide && !Number.isFinite(loss))) return this.overflow;
    let nearest = -1;
    let least = this.reach;
    minima.forEach((minimum, k) => {
      const away = distance(params, minimum.params);
      if (away < least) [nearest, least] = [k, away];
    });
    if (nearest >= 0) return nearest;
    // How far from the middle, as a share of the way to the edge.
    const out = domain.map(([low, high], k) => (2 * params[k] - low - high) / (high - low));
    const far = Math.max(...out.map(Math.abs));
    if (far > 1) {
      const axis = out.findIndex((share) => Math.abs(share) === far);
      return this.left + (this.bySide ? 2 * axis + (out[axis] > 0 ? 1 : 0) : 0);
    }
    const height = (loss - this.lowest) / this.height;
    const low = height < 1e-6 && !this.model.surface.stepDependent;
    return low || this._isMinimum(params, method) ? this.other + (clampTo(height, 0, 0.99) || 0) : this.elsewhere;
  }

  // Newton's method from there settles at once, at a point closer than `reach` where the loss curves upwards.
  _isMinimum(params, method) {
    const gradientAt = this.model.runner(method, 0);
    const at = Float64Array.from(params);
    for (let turn = 0; turn < 8; turn++) {
      const g = gradientAt(at, method.values).gradient();
      const [a, b, , d] = this.model.hessian(at, this.model.steps);
      const flat = this.model.dim === 1;
      const determinant = flat ? a : a * d - b * b;
      if (!(a > 0 && determinant > 0)) return false;
      const step = flat ? [g[0] / a] : [(d * g[0] - b * g[1]) / determinant, (a * g[1] - b * g[0]) / determinant];
      step.forEach((by, k) => (at[k] -= by));
      if (!(distance(at, params) < this.reach)) return false;
      if (Math.hypot(...step) < 1e-3 * this.reach) return true;
    }
    return false;
  }
}

function distance(one, other) {
  return Math.hypot(...Array.from(one, (x, k) => x - other[k]));
}

class BasinPanel {
  constructor(figure) {
    this.figure = figure;
    this.model = figure.model;
    const { plane } = figure;
    this.endings = new Endings(this.model, plane.losses ?? plane.curve);
    [this.columns, this.rows] = this.model.dim === 1 ? [240, 1] : [72, 54];
    const help = "Arrow keys move the start by one cell, with Shift by five";
    this.field = new Field(
      help,
      (...shares) => this._start(shares.map((share, k) => Math.floor(share * this._cells(k)))),
      (...by) => this._start(by.map((cells, k) => (cells || null) && Math.round(this._place(k) * this._cells(k) - 0.5) + cells)),
    );
    this.lead = element("p");
    this.text = element("p", { class: "found", "aria-live": "polite" });
    const sides = this.endings.bySide ? "" : ` “Another minimum”: Newton's method finds one that near, or the loss is as low as at a listed one.`;
    const minima = this.model.surface.minima.length ? `A path has reached a minimum when it ends closer to it than ${short(this.endings.reach, 2)}.${sides}` : null;
    this.element = element(
      "div",
      { class: "map" },
      this.lead,
      besideTable(this, "Share of the starts that end in each place"),
      minima && element("p", { class: "note" }, minima),
    );
    this.raster = new Raster(this.element, () => this.draw());
  }

  _cells(k) {
    return k ? this.rows : this.columns;
  }

  _place(k) {
    const [low, high] = this.model.surface.domain[k] ?? [0, 2];
    return ((this.model.start[k] ?? 1) - low) / (high - low);
  }

  // The middle of a cell.
  _at(k, cell) {
    const [low, high] = this.model.surface.domain[k];
    return low + ((high - low) * (clampTo(cell, 0, this._cells(k) - 1) + 0.5)) / this._cells(k);
  }

  // The start to a cell; null leaves an axis as it is.
  _start(cells) {
    this.figure.moveStart(Array.from(this.model.start, (x, k) => (cells[k] === null ? x : this._at(k, cells[k]))));
  }

  draw() {
    const { figure, model, raster, field } = this;
    const { focus: method, plane } = figure;
    if (!figure.width) return;
    this.lead.textContent = `Where ${method.label} is after ${model.steps} steps, for every start in the view. Click to start there.`;
    const key = JSON.stringify([method.index, ...method.values, model.steps, model.precision]);
    if (key !== raster.key) {
      const run = model.runner(method);
      const values = method.values.slice();
      const start = new Float64Array(model.dim);
      raster.need(key, this.columns, this.rows, (...cell) => {
        start.forEach((_, k) => (start[k] = this._at(k, cell[k])));
        return this.endings.of(run(model.rounded(start), values), method);
      });
    }
    const width = Math.min(figure.width - 4, 520);
    const margins = [model.dim === 1 ? 10 : 44, model.dim === 1 ? 8 : 22, 10, 40];
    const inner = (width - margins[0] - margins[2]) * (model.dim === 1 ? 0.25 : plane.height / plane.width);
    if (width !== field.width) field.resize(width, Math.round(inner) + margins[1] + margins[3], margins);
    const painted = JSON.stringify([key, raster.at, width, figure.theme === THEMES.dark]);
    if (painted !== this.painted && raster.began) {
      this.painted = painted;
      this._paint(field.clear(), figure.theme);
      if (raster.done) this._tabulate();
    }
    field.put(this._place(0), this._place(1), `Start ${point(model.start)}`);
    tell(this);
  }

  // From a cell's value to how it is filled.
  _styles(context, theme) {
    const { kinds, other } = this.endings;
    const styles = kinds.map(({ color, pattern }) => (pattern ? patternOf(context, pattern, theme) : (color ?? theme.paper)));
    const shades = Array.from({ length: 8 }, (_, k) => `rgb(${mix([228, 232, 236], [128, 138, 150], k / 7)})`);
    return (value) => (Math.floor(value) === other ? shades[Math.floor(8 * (value - other))] : styles[value]);
  }

  _paint(context, theme) {
    const { field, model, endings } = this;
    const [left, top, width, height] = field.area;
    const { plane } = this.figure;
    this.raster.paint(context, field.area, this._styles(context, theme));
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.translate(left, top);
    const scale = [width / plane.width, height / plane.height];
    const lines = new Path2D();
    if (model.dim === 1) plane.curve.forEach((loss, k) => lines.lineTo((k / (plane.curve.length - 1)) * width, plane.y(loss) * scale[1]));
    else if (plane.lines) lines.addPath(plane.lines, new DOMMatrix().scale(...scale));
    for (const [color, wide] of model.dim === 1 ? [["#ffffff", 4], ["#000000", 1.5]] : [["rgba(100, 100, 100, 0.55)", 1]]) {
      context.strokeStyle = color;
      context.lineWidth = wide;
      context.stroke(lines);
    }
    context.font = "600 13px system-ui, sans-serif";
    this._drawSigns(context, width, height);
    model.surface.minima.forEach(({ params, loss }, k) => {
      const [x, y] = [plane.x(params[0]) * scale[0], plane.y(model.dim === 1 ? loss : params[1]) * scale[1]];
      drawStar(context, x, y, 7);
      context.fillStyle = "#ffffff";
      context.strokeStyle = "#000000";
      context.lineWidth = 1.2;
      context.fill();
      context.stroke();
      drawSign(context, endings.kinds[k].sign, x + (x > width - 24 ? -13 : 13), y);
    });
    context.restore();
    const [across, up] = model.surface.domain.map((pair) => roundTicks(...pair).map((value) => [(value - pair[0]) / (pair[1] - pair[0]), short(value)]));
    field.drawAxes(context, theme, across, up ?? [], "x", model.dim === 1 ? "" : "y");
  }

  // The sign of an ending, on a lattice, wherever a cell and its neighbours end alike.
  _drawSigns(context, width, height) {
    const { columns, rows } = this;
    const { values } = this.raster;
    const [across, up] = [Math.max(1, Math.round(width / 52)), rows === 1 ? 1 : Math.max(1, Math.round(height / 52))];
    for (let b = 0; b < up; b++) {
      for (let a = 0; a < across; a++) {
        const i = Math.floor(((a + 0.5) / across) * columns);
        const j = Math.floor(((b + 0.5) / up) * rows);
        const kind = Math.floor(values[j * columns + i]);
        const alike = [-1, 0, 1].every((dj) => [-1, 0, 1].every((di) => {
          const [x, y] = [clampTo(i + di, 0, columns - 1), clampTo(j + dj, 0, rows - 1)];
          return Math.floor(values[y * columns + x]) === kind;
        }));
        if (alike) drawSign(context, this.endings.kinds[kind]?.sign, ((i + 0.5) / columns) * width, rows === 1 ? 12 : height * (1 - (j + 0.5) / rows), 0.6);
      }
    }
  }

  // How often each ending came.
  _tabulate() {
    const { theme } = this.figure;
    const rows = this.endings.kinds.map((kind, k) => {
      const share = this.raster.share((value) => Math.floor(value) === k);
      if (!share && !(k < this.endings.other)) return null;
      const name = k < this.endings.other ? `${kind.sign}: ${kind.name}` : kind.name;
      return shareRow(theme, (context) => this._styles(context, theme)(k), kind.sign, name, share);
    });
    this.table.replaceChildren(...rows.filter(Boolean));
  }

  _describe() {
    const { model } = this;
    const { focus: method } = this.figure;
    const kind = Math.floor(this.endings.of(model.runner(method)(model.rounded(model.start), method.values), method));
    const { name, sign } = this.endings.kinds[kind];
    return `From ${point(model.start)}: ${name.split(";")[0]}${kind < this.endings.other ? ` (${sign})` : ""}.`;
  }
}

function drawSign(context, sign, x, y, strength = 1) {
  if (!sign) return;
  context.save();
  context.globalAlpha = strength;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.strokeStyle = "rgba(255, 255, 255, 0.7)";
  context.lineWidth = 3;
  context.fillStyle = "#000000";
  context.strokeText(sign, x, y);
  context.fillText(sign, x, y);
  context.restore();
}
