// What both maps need: many runs in short slices, cells that become finer, patterns, axes, and a field to point at.

const SLICE = 4; // milliseconds of work, before the page may see to its reader again

// Values on a grid, computed anew whenever something else is needed: first every eighth cell of every eighth row, then
// those between. It works only while its element is on the screen; `changed` is called once per frame.
class Raster {
  constructor(element, changed) {
    this.changed = changed;
    this.order = [];
    this.at = 0;
    this.channel = new MessageChannel();
    this.channel.port1.onmessage = () => this._work();
    new IntersectionObserver((entries) => {
      this.visible = entries[entries.length - 1].isIntersecting;
      this._go();
    }).observe(element);
  }

  // `cell(column, row)` for every cell, unless it was computed for the same `key` before.
  need(key, columns, rows, cell) {
    if (key === this.key) return;
    if (columns !== this.columns || rows !== this.rows) {
      Object.assign(this, { columns, rows, order: coarseToFine(columns, rows), values: new Float64Array(columns * rows).fill(NaN) });
      this.coarse = this.order.findIndex(([, , size]) => size < 8);
      this.began = false;
    }
    Object.assign(this, { key, cell, at: 0 });
    this._go();
  }

  get done() {
    return this.at === this.order.length;
  }

  _go() {
    if (this.waiting || this.done || !this.visible) return;
    this.waiting = true;
    this.channel.port2.postMessage(null);
  }

  _work() {
    this.waiting = false;
    if (this.done || !this.visible) return;
    const end = performance.now() + SLICE;
    do {
      const [column, row, size] = this.order[this.at++];
      const value = this.cell(column, row);
      for (let j = row; j < Math.min(row + size, this.rows); j++) {
        this.values.fill(value, j * this.columns + column, j * this.columns + Math.min(column + size, this.columns));
      }
    } while (!this.done && performance.now() < end);
    this.began ||= this.at >= this.coarse;
    if (this.at >= this.coarse) this.frame ??= requestAnimationFrame(() => this._show());
    this._go();
  }

  _show() {
    this.frame = null;
    this.changed();
  }

  share(counts) {
    return this.values.filter(counts).length / this.values.length;
  }

  // The cell with the smallest value, or -1.
  get best() {
    return this.values.reduce((best, value, k) => (Number.isFinite(value) && !(value >= this.values[best]) ? k : best), -1);
  }

  // Draws each cell in the style of its value, in an area [left, top, width, height].
  paint(context, [left, top, width, height], styleOf) {
    const x = (column) => left + Math.round((width * column) / this.columns);
    const y = (row) => top + height - Math.round((height * row) / this.rows);
    for (let j = 0; j < this.rows; j++) {
      let from = 0;
      for (let i = 1; i <= this.columns; i++) {
        const style = styleOf(this.values[j * this.columns + from]);
        if (i < this.columns && styleOf(this.values[j * this.columns + i]) === style) continue;
        context.fillStyle = style;
        context.fillRect(x(from), y(j + 1), x(i) - x(from), y(j) - y(j + 1));
        from = i;
      }
    }
  }
}

// [column, row, size of the block that it stands for until the others are there].
function coarseToFine(columns, rows) {
  const order = [];
  for (let size = 8; size >= 1; size /= 2) {
    for (let j = 0; j < rows; j += size) {
      for (let i = 0; i < columns; i += size) {
        if (size === 8 || i % (2 * size) || j % (2 * size)) order.push([i, j, size]);
      }
    }
  }
  return order;
}

// Hatching for what overflows, the other way for what ends higher than it began, dots for what left the view.
function patternOf(context, kind, theme) {
  const ratio = window.devicePixelRatio || 1;
  const tile = element("canvas", { width: Math.round(8 * ratio), height: Math.round(8 * ratio) });
  const on = tile.getContext("2d");
  on.scale(tile.width / 8, tile.height / 8);
  on.fillStyle = theme.paper;
  on.fillRect(0, 0, 8, 8);
  on.strokeStyle = on.fillStyle = theme.faint;
  on.lineWidth = 1.2;
  if (kind === "dotted") for (const at of [1, 5]) on.fillRect(at, at, 1.6, 1.6);
  else {
    const [from, to] = kind === "hatched" ? [9, -1] : [-1, 9];
    for (const shift of [-8, 0, 8]) {
      on.moveTo(shift - 1, from);
      on.lineTo(shift + 9, to);
    }
    on.stroke();
  }
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(8 / tile.width));
  return pattern;
}

// A canvas with axes, and a handle that is dragged, or moved with the arrow keys, over the part inside them.
// `move(across, up)` is told shares of that part, `step(columns, rows)` by how many cells.
class Field {
  constructor(help, move, step) {
    this.canvas = element("canvas", { "aria-hidden": "true" });
    const drag = (event) => grab(event, this.inside, this.handle, (moved) => move(...this._shares(moved)));
    this.handle = element("button", { class: "handle", type: "button", title: help, onpointerdown: drag });
    this.handle.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
      if (!by) return;
      event.preventDefault();
      step(...by.map((cells) => cells * (event.shiftKey ? 5 : 1)));
    });
    this.inside = element("div", { class: "plane", onpointerdown: drag }, this.handle);
    this.element = element("div", { class: "field" }, this.canvas, this.inside);
  }

  // Margins are [left, top, right, bottom].
  resize(width, height, [left, top, right, bottom]) {
    [this.width, this.height] = [width, height];
    this.area = [left, top, width - left - right, height - top - bottom];
    const [, , w, h] = this.area;
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    Object.assign(this.inside.style, { left: `${left}px`, top: `${top}px`, width: `${w}px`, height: `${h}px` });
  }

  _shares(event) {
    const { left, top, width, height } = this.inside.getBoundingClientRect();
    return [clampTo((event.clientX - left) / width, 0, 1), clampTo(1 - (event.clientY - top) / height, 0, 1)];
  }

  put(across, up, label) {
    const [, , width, height] = this.area;
    this.handle.style.transform = `translate(${clampTo(across, 0, 1) * width}px, ${(1 - clampTo(up, 0, 1)) * height}px)`;
    this.handle.setAttribute("aria-label", label);
  }

  clear() {
    const context = sharpContext(this.canvas, this.width, this.height);
    context.font = "12px system-ui, sans-serif";
    return context;
  }

  drawAxes(context, theme, ...ticks) {
    drawAxes(context, theme, this.area, this.width, ...ticks);
  }
}

// Round numbers between low and high, about as many.
function roundTicks(low, high, many = 5) {
  const rough = (high - low) / many;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = size * [1, 2, 5, 10].find((factor) => factor * size >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

// Ticks on a slider's scale, as [share, text].
function sliderTicks(range) {
  const { low, high, scale } = range;
  let values;
  if (scale === "linear") values = roundTicks(low, high);
  else if (scale === "decay") values = Array.from({ length: 9 }, (_, k) => Number((1 - 10 ** -k).toFixed(9)));
  else {
    const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
    const every = Math.ceil((last - first) / 6) || 1;
    values = Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, k) => 10 ** (first + k * every));
    if (last === first) values.push(low, high);
    if (scale === "log0") values.unshift(0);
  }
  const inside = values.map((value) => [SCALES[scale].to(value, range), value]).filter(([share]) => share >= -1e-9 && share <= 1 + 1e-9);
  return inside.map(([share, value]) => [share, scale === "decay" ? String(value) : short(value)]);
}

function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  return share > 0.99 && share < 1 ? "> 99 %" : `${Math.round(100 * share)} %`;
}

// In black with a pale edge, to be seen on everything.
function strokeTwice(context, line, width = 1.2) {
  for (const [color, wide] of [["#ffffff", 2.5 * width], ["#000000", width]]) {
    context.strokeStyle = color;
    context.lineWidth = wide;
    context.stroke(line);
  }
}

// A map with a table and its text beside it.
function besideTable(map, caption) {
  map.table = element("tbody");
  const table = element("table", {}, element("caption", { class: "hidden" }, caption), map.table);
  return element("div", { class: "beside" }, map.field.element, element("div", {}, table, map.text));
}

// In such a table: how a kind of cell looks, what it is, and how much of the map it has.
function shareRow(theme, styleOf, sign, name, share) {
  const sample = element("canvas", { class: "swatch", "aria-hidden": "true" });
  const context = sharpContext(sample, 26, 18);
  context.fillStyle = styleOf(context);
  context.fillRect(0, 0, 26, 18);
  context.strokeStyle = theme.faint;
  context.strokeRect(0.5, 0.5, 25, 17);
  context.font = "600 13px system-ui, sans-serif";
  drawSign(context, sign, 13, 9.5);
  return element("tr", {}, element("td", {}, sample), element("th", { scope: "row" }, name), element("td", {}, percent(share)));
}

// A map's text is read aloud when it changes, and only then.
function tell(map) {
  clearTimeout(map.telling);
  map.telling = setTimeout(() => {
    const text = map.raster.done ? map._describe() : "Computing.";
    if (map.text.textContent !== text) map.text.textContent = text;
  }, 300);
}
