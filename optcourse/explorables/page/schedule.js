// The learning rate over the steps: points between which it is drawn, to be dragged; and the rates of the others.

class SchedulePanel {
  constructor(figure) {
    this.figure = figure;
    this.graph = new Graph();
    this.points = element("div", { role: "group" });
    this.graph.element.append(this.points);
    this.text = element("p", { class: "note" });
    this.element = element("div", {}, this.graph.element, this.text);
  }

  // Points of the optimizer in focus, or of the first that has some.
  _choose() {
    const drawn = this.figure.model.shown.filter((method) => method.spec.rateSteps.length);
    const method = drawn.includes(this.figure.focus) ? this.figure.focus : drawn[0];
    if (method === this.method) return;
    this.method = method;
    this.handles = (method?.spec.rateSteps ?? []).map((step, k) => {
      const handle = element("button", {
        class: "handle point",
        type: "button",
        role: "slider",
        "aria-orientation": "vertical",
        "aria-label": `${method.label}: learning rate at step ${step}`,
        title: "Drag the point up or down, or use the arrow keys",
        onpointerdown: (event) => {
          this.held = true;
          grab(event, handle, handle, (moved) => this._drag(k, moved));
        },
        onlostpointercapture: () => this._release(),
        onkeydown: (event) => this._key(k, event),
      });
      return handle;
    });
    this.points.setAttribute("aria-label", `Learning rate of ${method?.label}`);
    this.points.replaceChildren(...this.handles);
  }

  _place(k) {
    return this.method.spec.hyperparams.findIndex(({ name }) => name === `rate_${k}`);
  }

  _set(k, rate) {
    this.figure.set(this.method, this._place(k), Math.max(0, Number(rate.toPrecision(3))));
  }

  _drag(k, event) {
    const { top } = this.graph.element.getBoundingClientRect();
    const [, rate] = this.graph.valuesAt(0, event.clientY - top);
    this._set(k, clampTo(rate, 0, this.high) < this.high / 200 ? 0 : Math.min(rate, this.high));
  }

  // The axis stays as it is while a point is held.
  _release() {
    this.held = false;
    this.figure.redraw();
  }

  _key(k, event) {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity }[event.key];
    if (!by) return;
    event.preventDefault();
    const now = this.method.values[this._place(k)];
    this._set(k, by === -Infinity ? 0 : Math.max(0, now + (by * (event.shiftKey ? 5 : 1) * this.high) / 100));
  }

  _rates(method) {
    const { model } = this.figure;
    const [clock, out] = [new Float64Array(1), new Float64Array(model.steps + 1)];
    for (let t = 0; t <= model.steps; t++) {
      clock[0] = t;
      model.functions[method.spec.rate](method.values, 0, clock, 0, out, t);
    }
    return out;
  }

  draw(changed) {
    const { figure, graph } = this;
    const { model, theme, step } = figure;
    this._choose();
    const methods = model.shown.filter((method) => method.spec.rate);
    if (changed || !this.curves) {
      this.curves = methods.map((method) => {
        const ys = this._rates(method);
        return { ...method.spec.style, label: method.label, xs: Float64Array.from(ys.keys()), ys };
      });
    }
    const most = Math.max(...this.curves.flatMap(({ ys }) => Array.from(ys.filter(Number.isFinite))), 1e-12);
    if (!this.held && !(most < 0.9 * this.high && most > 0.3 * this.high)) this.high = Number((1.4 * most).toPrecision(2));
    const width = figure.width - 6;
    if (width !== graph.width) graph.resize(width, clampTo(0.36 * width, 190, 260));
    const last = Math.max(model.steps, ...(this.method?.spec.rateSteps ?? []));
    const axes = [{ label: "step", limits: [-0.03 * last, 1.03 * last] }, { label: "learning rate", limits: [-0.05 * this.high, this.high] }];
    const context = graph.draw(theme, this.curves, axes);
    const [left, top] = graph.place(step, this.high);
    context.strokeStyle = theme.faint;
    context.setLineDash([2, 3]);
    context.strokeRect(left, top, 0, graph.area[3]);
    context.setLineDash([]);
    for (const { ys, color, marker } of this.curves) {
      context.fillStyle = colorIn(theme, color);
      drawMark(context, marker, ...graph.place(step, ys[step]), 4.5);
      context.fill();
    }
    if (this.method) this.points.style.setProperty("--point", colorOf(this.method, theme));
    this.handles.forEach((handle, k) => this._putHandle(handle, k));
    const now = this.curves.map(({ label, ys }) => `${label} ${short(ys[step])}`).join(", ");
    const drag = this.method ? " Drag the points, or move them with the arrow keys." : "";
    this.text.textContent = `Learning rate of step ${step}: ${now}.${drag}`;
    graph.canvas.setAttribute("aria-label", `The learning rate over ${model.steps} steps. At step ${step}: ${now}.`);
  }

  _putHandle(handle, k) {
    const { values, spec } = this.method;
    const rate = values[this._place(k)];
    const [x, y] = this.graph.place(spec.rateSteps[k], Math.min(rate, this.high));
    handle.style.transform = `translate(${x}px, ${y}px)`;
    const about = { valuemin: 0, valuemax: Math.max(rate, this.high), valuenow: rate, valuetext: `${short(rate)} at step ${spec.rateSteps[k]}` };
    for (const [name, value] of Object.entries(about)) handle.setAttribute(`aria-${name}`, value);
  }
}
