// The numbers behind a figure: settings, and the paths that follow from them.

// A path in one flat array: row t holds [params, state] before step t, and what step t - 1 did:
// [loss, gradient, updates]. Everything comes out of the compiled functions.
class Path {
  constructor(model, method, steps, precision) {
    const compiled = method.compiled(precision);
    this.dim = model.dim;
    this.steps = steps;
    this.stride = compiled.size;
    this.stateSize = compiled.stateSize;
    this.state = compiled.state;
    this.rows = new Float64Array((steps + 1) * compiled.size);
    this.losses = new Float64Array(steps + 1);
    this.divergedAt = null; // first step at which something is no longer finite
  }

  params(step, k) {
    return this.rows[step * this.stride + k];
  }

  point(step) {
    return this.rows.subarray(step * this.stride, step * this.stride + this.dim);
  }

  stateBefore(step, entry) {
    const size = entry.shape.reduce((a, b) => a * b, 1);
    const at = step * this.stride + entry.offset;
    return this.rows.subarray(at, at + size);
  }

  gradient(step) {
    const at = (step + 1) * this.stride + this.stateSize + 1;
    return this.rows.subarray(at, at + this.dim);
  }

  updates(step) {
    const at = (step + 1) * this.stride + this.stateSize + 1 + this.dim;
    return this.rows.subarray(at, at + this.dim);
  }
}

// One optimizer with its hyperparameters as they are set now.
class Method {
  constructor(spec, index) {
    this.spec = spec;
    this.index = index;
    this.label = spec.label;
    this.values = Float64Array.from(spec.hyperparams, (h) => h.value);
    this.shown = true;
    this.path = null;
  }

  compiled(precision) {
    return this.spec.precisions[precision];
  }

  value(name) {
    return this.values[this.spec.hyperparams.findIndex((h) => h.name === name)];
  }

  reset() {
    this.spec.hyperparams.forEach((h, k) => (this.values[k] = h.value));
    this.shown = true;
  }
}

class Model {
  constructor(spec, functions) {
    this.spec = spec;
    this.functions = functions;
    this.surface = spec.surface;
    this.dim = spec.surface.dim;
    this.clock = new Float64Array(1); // the step, where the loss depends on it
    this.scratch = new Float64Array(8);
    this.methods = spec.methods.map((method, index) => new Method(method, index));
    this.start = new Float64Array(this.dim);
    this.lowest = Math.min(...this.surface.minima.map((minimum) => minimum.loss)); // Infinity where none is known
    this.reset();
  }

  reset() {
    this.start.set(this.spec.start);
    this.steps = this.spec.steps;
    this.precision = this.spec.precisions[0];
    this.methods.forEach((method) => method.reset());
  }

  get shown() {
    return this.methods.filter((method) => method.shown);
  }

  // The loss at params[at...], in double precision unless said otherwise.
  loss(params, at = 0, step = 0, precision = "float64") {
    const compiled = this.surface.precisions[precision] ?? this.surface.precisions[this.precision];
    this._call(compiled.loss, params, at, step, this.scratch);
    return this.scratch[0];
  }

  // The loss as it is drawn: where it changes with the step, its average.
  landscape(params, at = 0) {
    const { landscape } = this.surface;
    if (!landscape) return this.loss(params, at);
    this.functions[landscape](params, at, this.scratch, 0);
    return this.scratch[0];
  }

  // The Hessian at params, row by row.
  hessian(params, step = 0) {
    const out = new Float64Array(this.dim * this.dim);
    this._call(this.surface.hessian, params, 0, step, out);
    return out;
  }

  _call(name, params, at, step, out) {
    this.clock[0] = step;
    if (this.surface.stepDependent) this.functions[name](params, at, this.clock, 0, out, 0);
    else this.functions[name](params, at, out, 0);
  }

  // The compiled step t as step(t, rows, from, to, values): from one place in rows to another.
  stepper(compiled) {
    const step = this.functions[compiled.step];
    if (!this.surface.ticks) return (t, rows, from, to, values) => step(rows, from, values, 0, rows, to);
    const { clock } = this;
    return (t, rows, from, to, values) => {
      clock[0] = t;
      step(rows, from, values, 0, clock, 0, rows, to);
    };
  }

  follow(method, { start = this.start, values = method.values, steps = this.steps, precision = this.precision } = {}) {
    const path = new Path(this, method, steps, precision);
    const { rows, stride, losses } = path;
    const compiled = method.compiled(precision);
    const step = this.stepper(compiled);
    this.functions[compiled.init](this.rounded(start, precision), 0, values, 0, rows, 0);
    for (let t = 0; t < steps; t++) step(t, rows, t * stride, (t + 1) * stride, values);
    for (let t = 0; t < steps; t++) losses[t] = rows[(t + 1) * stride + path.stateSize];
    losses[steps] = this.loss(rows, steps * stride, steps, precision);
    const lost = losses.findIndex((loss) => !Number.isFinite(loss));
    if (lost >= 0) path.divergedAt = lost;
    return path;
  }

  // The same path from a start that differs in its last few bits: by some hundred roundings.
  nudged(method) {
    return this.follow(method, { start: this.start.map((x) => x * (1 + 2 ** -44) || 2 ** -44) });
  }

  // A function that runs `steps` steps without keeping them, for maps: where they end (valid until the next call).
  runner(method, steps = this.steps) {
    const compiled = method.compiled(this.precision);
    const init = this.functions[compiled.init];
    const step = this.stepper(compiled);
    const { size } = compiled;
    const rows = new Float64Array(2 * size);
    return (start, values) => {
      init(start, 0, values, 0, rows, 0);
      let at = 0;
      for (let t = 0; t < steps; t++) {
        step(t, rows, at, size - at, values);
        at = size - at;
      }
      // The gradient there is what one more step, into the other half, would use.
      const gradient = () => {
        step(steps, rows, at, size - at, values);
        const first = size - at + compiled.stateSize + 1;
        return rows.subarray(first, first + this.dim);
      };
      return { params: rows.subarray(at, at + this.dim), loss: this.loss(rows, at, steps, this.precision), gradient };
    };
  }

  // The start as numbers of a precision.
  rounded(params, precision = this.precision) {
    const round = { float32: Math.fround, float16: f16round, bfloat16: bf16round }[precision];
    return round ? Float64Array.from(params, round) : params;
  }

  recompute() {
    for (const method of this.methods) method.path = method.shown ? this.follow(method) : null;
  }

  // Where the reader is: what is written into links, snippets and, with a kernel, Python.
  settings() {
    return {
      start: Array.from(this.start),
      steps: this.steps,
      precision: this.precision,
      methods: Object.fromEntries(
        this.methods.map((method) => [
          method.label,
          { shown: method.shown, ...Object.fromEntries(method.spec.hyperparams.map((h, k) => [h.name, method.values[k]])) },
        ]),
      ),
    };
  }

  // The opposite; what is missing or makes no sense is left as it is.
  restore(settings) {
    const number = (x) => typeof x === "number" && Number.isFinite(x);
    if (Array.isArray(settings.start) && settings.start.length === this.dim && settings.start.every(number)) {
      this.start.set(settings.start);
    }
    if (Number.isInteger(settings.steps)) this.steps = Math.min(Math.max(settings.steps, 1), this.spec.mostSteps);
    if (this.spec.precisions.includes(settings.precision)) this.precision = settings.precision;
    for (const method of this.methods) {
      const given = settings.methods?.[method.label];
      if (!given) continue;
      if (typeof given.shown === "boolean") method.shown = given.shown;
      method.spec.hyperparams.forEach((h, k) => {
        if (number(given[h.name])) method.values[k] = given[h.name];
      });
    }
    if (!this.shown.length) this.methods[0].shown = true; // one always stays
  }
}
