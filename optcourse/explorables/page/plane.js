// The surface from above with the paths on it and a start to drag; with one parameter, the curve of the loss.

class Plane {
  constructor(figure) {
    this.figure = figure;
    this.model = figure.model;
    this.ground = element("canvas", { "aria-hidden": "true" });
    this.overlay = element("canvas", { role: "img" });
    this.handle = element("button", {
      class: "handle",
      type: "button",
      "aria-describedby": "handle-help",
      title: "Drag the starting point, or move it with the arrow keys",
      onkeydown: (event) => this._key(event),
      onpointerdown: (event) => this._grab(event),
    });
    this.element = element(
      "div",
      { class: "plane", onpointerdown: (event) => this._grab(event) },
      this.ground,
      this.overlay,
      this.handle,
      element("span", { id: "handle-help", class: "hidden" }, "Arrow keys move the start, with Shift in larger steps."),
    );
    this.domain = this.model.surface.domain;
    if (this.model.dim === 1) this._prepareCurve();
    else this._prepareGround();
  }

  get size() {
    return [this.width, this.height];
  }

  resize(width) {
    const [[left, right], [bottom, top]] = this.box;
    const shape = this.model.dim === 1 ? 0.72 : (top - bottom) / (right - left);
    this.width = Math.round(width);
    this.height = Math.round(width * (shape >= 1 / 3 && shape <= 3 ? Math.min(shape, 1.15) : 0.8));
    this.element.style.width = `${this.width}px`;
    this.element.style.height = `${this.height}px`;
    for (const canvas of [this.ground, this.overlay]) {
      canvas.style.width = `${this.width}px`;
      canvas.style.height = `${this.height}px`;
    }
    this.lines = null;
    this.drawGround();
  }

  _prepareGround() {
    this.box = this.domain;
    this.losses = sampleLosses(this.model, this.domain, GRID, GRID);
    Object.assign(this, contourLevels(this.losses, GRID, GRID, this.model.lowest));
  }

  _prepareCurve() {
    const [[left, right]] = this.domain;
    const params = new Float64Array(1);
    this.curve = Float64Array.from({ length: 4 * GRID }, (_, k) => {
      params[0] = left + ((right - left) * k) / (4 * GRID - 1);
      return this.model.landscape(params);
    });
    const finite = this.curve.filter(Number.isFinite);
    const [low, high] = finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 1];
    const pad = 0.08 * (high - low) || 1;
    this.box = [this.domain[0], [low - pad, high + pad]];
    this.lowest = low;
  }

  x(value) {
    const [left, right] = this.box[0];
    return ((value - left) / (right - left)) * this.width;
  }

  y(value) {
    const [bottom, top] = this.box[1];
    return this.height - ((value - bottom) / (top - bottom)) * this.height;
  }

  // Where a path is before step t, in pixels.
  place(path, t) {
    const second = this.model.dim === 1 ? this.model.landscape(path.rows, t * path.stride) : path.params(t, 1);
    return [this.x(path.params(t, 0)), this.y(second)];
  }

  drawGround() {
    if (!this.width) return;
    const { theme } = this.figure;
    const context = sharpContext(this.ground, ...this.size);
    this.paintGround(context, theme);
    this._drawScale(context, theme);
  }

  // The surface alone.
  paintGround(context, theme) {
    context.fillStyle = `rgb(${theme.low})`;
    context.fillRect(0, 0, ...this.size);
    if (this.model.dim === 1) this._drawCurve(context, theme);
    else this._drawBands(context, theme);
  }

  _drawBands(context, theme) {
    if (!this.levels.length) return;
    context.imageSmoothingEnabled = false;
    // A sample stands for the middle of its cell, and the outermost cells reach half over the edge.
    const [w, h] = this.size.map((length) => length / (GRID - 1));
    const picture = bandPicture(this.losses, GRID, GRID, this.levels, theme.low, theme.high);
    context.drawImage(picture, -w / 2, -h / 2, this.width + w, this.height + h);
    this.lines ??= contourLines(this.losses, GRID, GRID, this.levels, ...this.size);
    context.strokeStyle = theme.line;
    context.lineWidth = 1;
    context.stroke(this.lines);
  }

  _drawCurve(context, theme) {
    context.beginPath();
    this.curve.forEach((loss, k) => {
      const x = (k / (this.curve.length - 1)) * this.width;
      if (Number.isFinite(loss)) context.lineTo(x, this.y(loss));
    });
    context.strokeStyle = theme.faint;
    context.lineWidth = 1.5;
    context.stroke();
  }

  // Limits of the view, written into its corners.
  _drawScale(context, theme) {
    const [[left, right], [bottom, top]] = this.box;
    const second = this.model.dim === 1 ? "loss" : "y";
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = theme.ink;
    context.strokeStyle = theme.halo;
    context.lineWidth = 3;
    const write = (text, x, y, align, baseline) => {
      context.textAlign = align;
      context.textBaseline = baseline;
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    };
    write(`x = ${short(left)}`, 5, this.height - 4, "left", "bottom");
    write(short(right), this.width - 5, this.height - 4, "right", "bottom");
    write(`${second} = ${short(top)}`, 5, 4, "left", "top");
    write(short(bottom), 5, this.height - 20, "left", "bottom");
  }

  // The paths up to the current step.
  draw() {
    if (!this.width) return;
    const context = sharpContext(this.overlay, ...this.size);
    this._drawMinima(context);
    // The one in focus on top, and what lightens the ground around the lines below all of them.
    const methods = [...this.model.shown].sort((a, b) => (a === this.figure.focus) - (b === this.figure.focus));
    const traced = methods.map((method) => this._trace(method));
    for (const { line } of traced) this._drawHalo(context, line);
    methods.forEach((method, k) => this._drawPath(context, method, traced[k]));
    const start = this.model.dim === 1 ? [this.model.start[0], this.model.landscape(this.model.start)] : this.model.start;
    const [x, y] = [this.x(start[0]), this.y(start[1])];
    this.handle.style.transform = `translate(${clampTo(x, 0, this.width)}px, ${clampTo(y, 0, this.height)}px)`;
    this.handle.setAttribute("aria-label", `Starting point ${point(this.model.start)}`);
    this.overlay.setAttribute("aria-label", this.figure.describe());
  }

  _drawMinima(context) {
    const { theme } = this.figure;
    const { minima } = this.model.surface;
    const size = minima.length <= 6 ? 8 : 4;
    for (const { params, loss } of minima) {
      drawStar(context, this.x(params[0]), this.y(this.model.dim === 1 ? loss : params[1]), size);
      context.fillStyle = theme.paper;
      context.strokeStyle = theme.ink;
      context.lineWidth = 1.2;
      context.fill();
      context.stroke();
    }
  }

  // The line of a path up to the current step, where it is last seen, and whether it left the view or diverged.
  _trace(method) {
    const { path } = method;
    const { step } = this.figure;
    const diverged = path.divergedAt !== null && step >= path.divergedAt;
    const last = Math.min(step, path.steps, path.divergedAt === null ? Infinity : path.divergedAt - 1);
    const line = new Path2D();
    const far = 4 * Math.max(this.width, this.height);
    let end = null;
    let inside = true;
    for (let t = 0; t <= last; t++) {
      const [x, y] = this.place(path, t);
      if (!Number.isFinite(x + y)) break;
      line.lineTo(clampTo(x, -far, far), clampTo(y, -far, far));
      inside = x >= 0 && x <= this.width && y >= 0 && y <= this.height;
      if (inside) end = [x, y];
    }
    return { line, last, end, lost: diverged || !inside };
  }

  _drawHalo(context, line) {
    context.setLineDash([]);
    context.lineJoin = "round";
    context.strokeStyle = this.figure.theme.halo;
    context.lineWidth = 4;
    context.stroke(line);
  }

  _drawPath(context, method, { line, last, end, lost }) {
    const { theme } = this.figure;
    const color = colorOf(method, theme);
    context.setLineDash(DASHES[method.spec.style.line] ?? []);
    context.strokeStyle = color;
    context.lineWidth = method === this.figure.focus ? 2.4 : 1.8;
    context.stroke(line);
    context.setLineDash([]);
    context.fillStyle = color;
    const every = Math.ceil(last / 60) || 1;
    for (let t = every; t < last; t += every) {
      drawMark(context, method.spec.style.marker, ...this.place(method.path, t), 2.4);
      context.fill();
    }
    if (!end) return;
    context.lineWidth = lost ? 3 : 1.2;
    context.strokeStyle = lost ? color : theme.ink;
    if (lost) drawCross(context, ...end, 5);
    else drawMark(context, method.spec.style.marker, ...end, 5.5);
    if (!lost) context.fill();
    context.stroke();
  }

  // Anywhere on the plane takes the start there.
  _grab(event) {
    grab(event, this.element, this.handle, (moved) => this._moveTo(moved));
  }

  _moveTo(event) {
    const area = this.overlay.getBoundingClientRect();
    const shares = [(event.clientX - area.left) / area.width, 1 - (event.clientY - area.top) / area.height];
    this.figure.moveStart(
      Array.from(this.model.start, (_, k) => {
        const [low, high] = this.domain[k];
        return low + (high - low) * clampTo(shares[k], 0, 1);
      }),
    );
  }

  _key(event) {
    const axis = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowDown: [1, -1], ArrowUp: [1, 1] }[event.key];
    if (!axis || axis[0] >= this.model.dim) return;
    event.preventDefault();
    const [k, sign] = axis;
    const [low, high] = this.domain[k];
    const start = Array.from(this.model.start);
    start[k] = clampTo(start[k] + (sign * (high - low)) / (event.shiftKey ? 20 : 200), low, high);
    this.figure.moveStart(start);
  }
}

// Dragging `handle`, or pressing anywhere on the area around it: `move` hears of every pointer event until release.
// A touch that begins beside the handle may scroll the page; only a tap there counts.
function grab(event, area, handle, move) {
  if (event.button > 0) return;
  const onHandle = event.currentTarget === handle;
  if (event.pointerType === "touch" && !onHandle) {
    const place = [event.clientX, event.clientY];
    const lift = (up) => {
      if (Math.hypot(up.clientX - place[0], up.clientY - place[1]) < 8) move(up);
    };
    area.addEventListener("pointerup", lift, { once: true });
    area.addEventListener("pointercancel", () => area.removeEventListener("pointerup", lift), { once: true });
    return;
  }
  event.stopPropagation();
  event.preventDefault();
  handle.focus({ preventScroll: true });
  handle.setPointerCapture(event.pointerId);
  const release = () => {
    handle.removeEventListener("pointermove", move);
    handle.removeEventListener("pointerup", release);
    handle.removeEventListener("pointercancel", release);
  };
  handle.addEventListener("pointermove", move);
  handle.addEventListener("pointerup", release);
  handle.addEventListener("pointercancel", release);
  if (!onHandle) move(event);
}

function clampTo(x, low, high) {
  return Math.min(Math.max(x, low), high);
}
