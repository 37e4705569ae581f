// What the curvature at this point says about the optimizer, beside what the path did.

class TheoryPanel {
  constructor(figure) {
    this.figure = figure;
    this.told = element("p");
    this.tables = element("div", { class: "scroll", role: "region", "aria-label": "Curvature" });
    this.canvas = element("canvas", { role: "img" });
    this.text = element("div");
    this.element = element("div", { class: "theory" }, this.told, this.tables, this.canvas, this.text);
  }

  draw() {
    const { figure } = this;
    const { focus: method, model } = figure;
    const path = method.path ?? model.follow(method);
    const step = Math.min(figure.step, path.steps);
    const hessian = model.hessian(path.point(step), step);
    const where = `At step ${step} ${method.label} is at ${point(path.point(step), 4)}.`;
    if (!hessian.every(Number.isFinite)) {
      this.told.textContent = `${where} There is no curvature to speak of: the loss or its derivatives are not finite here.`;
      this.tables.replaceChildren();
      this.text.replaceChildren();
      this.canvas.hidden = true;
      return;
    }
    const curvature = eigen(hessian);
    const { dim } = model;
    const rate = method.value("learning_rate");
    this.told.textContent = `${where} ${shape(curvature)}`;
    const linear = linearTheory(model, method, curvature);
    const along = curvature.map((direction) => {
      const [factor, limit] = linearTheory(model, method, [direction]) ?? [null, 2 / direction.value];
      return { ...direction, factor, limit: direction.value > 0 ? limit : null };
    });
    this.tables.replaceChildren(
      table(
        ["", "curvature", ...(dim > 1 ? ["along"] : []), ...(linear ? ["stable below", "factor per step"] : ["2/λ"])],
        along.map(({ value, direction, limit, factor }, k) => [
          dim > 1 ? `λ${"₁₂"[k]}` : "λ, the second derivative",
          short(value, 4),
          ...(direction ? [point(direction)] : []),
          limit ? short(limit) : "–",
          ...(linear ? [short(factor, 5)] : []),
        ]),
        "Eigenvalues of the Hessian",
      ),
    );
    this._drawScale(linear ? along.filter(({ limit }) => limit) : [], rate);
    this.text.replaceChildren(...(linear ? this._linear(method, path, step, along, linear[0]) : this._adaptive(method, path, step, hessian)));
    reachable(this.element);
  }

  // For SGD, heavy ball and Nesterov: limit and contraction, predicted and measured.
  _linear(method, path, step, along, contraction) {
    const { model } = this.figure;
    const [{ limit }] = along;
    const saddle = along.at(-1).value < 0;
    const rate = method.value("learning_rate");
    const said = [];
    const add = (...text) => said.push(element("p", {}, ...text));
    if (rate === 0) add("A learning rate of 0 moves nothing, whatever the curvature.");
    else if (limit > 0) {
      const share = rate / limit;
      const side = beside(share, "below it, so stable", "exactly on it", "above it, so unstable");
      const where = saddle ? "along λ₁" : "on a quadratic of this curvature";
      add(
        `With these settings ${method.label} is stable ${where} up to a learning rate of ${short(limit, 4)}. `,
        element("strong", {}, `Yours, ${short(rate)}, is ${short(share)} of the limit: ${side}.`),
      );
    } else add("No direction curves upwards here, so there is nothing that a small learning rate could make stable.");
    const measured = measuredFactor(model, path, step);
    const rows = [["predicted from the curvature here", short(contraction, 5)]];
    if (measured.factor !== undefined) {
      rows.push([`measured over steps ${measured.from} to ${measured.to}`, short(measured.factor, 5)]);
    }
    said.push(element("div", { class: "scroll" }, table(["distance to the minimum, per step", "factor"], rows)));
    add(
      beside(
        contraction,
        `The prediction is for the long run: what is left after n steps is ${short(contraction, 5)}ⁿ, a tenth after ${short(Math.log(0.1) / Math.log(contraction))} steps. A path that swings keeps to it only on average.`,
        "A factor of 1 means that along at least one direction the distance neither shrinks nor grows.",
        `A factor above 1 means that the distance grows${saddle ? ": where the loss curves downwards, every learning rate leads away" : ""}.`,
      ),
    );
    if (measured.reason) add(measured.reason);
    else if (rate) {
      const hessians = [measured.from, measured.to].map((t) => model.hessian(path.point(t), t));
      const [then, now] = hessians.map(eigen);
      const changes = then.some(({ value }, k) => !(Math.abs(value - now[k].value) <= 0.02 * Math.abs(now[0].value)));
      add(
        changes
          ? `They need not agree: over these steps the curvature λ₁ goes from ${short(then[0].value)} to ${short(now[0].value)}, and the theory is for one that stays.`
          : isQuadratic(path, measured, hessians[1])
            ? "Over these steps the curvature stays what it is, so the theory applies."
            : "Over these steps the loss is no quadratic around the minimum, so the theory does not apply.",
      );
    }
    return said;
  }

  // For the others: each coordinate has a learning rate of its own, if the record of the step gives one.
  _adaptive(method, path, step, hessian) {
    const at = Math.min(step, path.steps - 1);
    const { dim } = path;
    const rates = effectiveRates(path, at);
    const uphill = path.updates(at).map((u, k) => u * path.gradient(at)[k] > 0);
    const text = `2/λ is the learning rate below which gradient descent is stable along that direction. ${method.label} has no such linear theory. `;
    if (!rates.every(Number.isFinite)) return [element("p", {}, text)];
    const rows = rates.map((rate, k) => [uphill[k] ? `${"xy"[k]}, uphill` : "xy"[k], short(hessian[k * dim + k], 4), short(rate, 4), short(rate * hessian[k * dim + k], 4)]);
    return [
      element(
        "p",
        {},
        text,
        `But step ${at} shows the effective rate at which it moved each coordinate, |update| ÷ |gradient|. Were the loss a parabola ` +
          "along that axis, rate times curvature would be the share of the way to its bottom: 1 arrives there, and above 2 the " +
          `step ends farther away, on the other side.${uphill.some(Boolean) ? " “Uphill”: momentum moves it the other way, up the slope." : ""}`,
      ),
      element("div", { class: "scroll" }, table(["", "curvature", "effective rate", "rate × curvature"], rows, "Along each axis")),
    ];
  }

  // The learning rate on a logarithmic scale, with the limits that the curvature sets.
  _drawScale(limits, rate) {
    this.canvas.hidden = !(limits.length && rate > 0 && this.element.clientWidth);
    if (this.canvas.hidden) return;
    const { theme } = this.figure;
    const [width, height, middle] = [Math.min(this.element.clientWidth - 4, 560), 74, 40];
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = sharpContext(this.canvas, width, height);
    const all = [rate, ...limits.map(({ limit }) => limit)].map(Math.log10);
    const [low, high] = [Math.min(...all) - 0.6, Math.max(...all) + 0.6];
    const x = (value) => 4 + ((width - 8) * (Math.log10(value) - low)) / (high - low);
    context.fillStyle = theme.rule;
    context.fillRect(x(limits[0].limit), middle - 7, width - 4 - x(limits[0].limit), 14);
    context.strokeStyle = theme.ink;
    context.fillStyle = theme.ink;
    context.lineWidth = 1.5;
    context.font = "13px system-ui, sans-serif";
    context.beginPath();
    context.moveTo(4, middle);
    context.lineTo(width - 4, middle);
    for (const { limit } of limits) {
      context.moveTo(x(limit), middle - 9);
      context.lineTo(x(limit), middle + 9);
    }
    context.stroke();
    const write = (text, at, y) => {
      const half = context.measureText(text).width / 2;
      context.textAlign = "center";
      context.fillText(text, clampTo(at, half + 2, width - half - 2), y);
    };
    limits.forEach(({ limit }, k) => write(k ? "of λ₂" : limits.length > 1 ? "limit of λ₁" : "limit", x(limit), middle - 15));
    const color = colorOf(this.figure.focus, theme);
    context.fillStyle = color;
    drawMark(context, this.figure.focus.spec.style.marker, x(rate), middle, 6);
    context.fill();
    write(`learning rate ${short(rate)}`, x(rate), middle + 26);
    const marks = limits.map(({ limit }) => short(limit)).join(" and ");
    this.canvas.setAttribute("aria-label", `Learning rates on a logarithmic scale: yours, ${short(rate)}, and the limits, ${marks}.`);
  }
}

// What to say of a number below 1, equal to it but for rounding, or above.
function beside(x, below, equal, above) {
  if (Math.abs(x - 1) < 1e-12) return equal;
  return x < 1 ? below : above;
}

// Eigenvalues of a symmetric matrix of one or two rows, the largest first, with the directions they belong to.
function eigen(matrix) {
  if (matrix.length === 1) return [{ value: matrix[0] }];
  const [a, b, c, d] = matrix;
  const off = (b + c) / 2;
  const reach = Math.hypot((a - d) / 2, off);
  const middle = (a + d) / 2;
  // The product of both is the determinant: more exact than a difference of nearly equal numbers.
  const far = middle >= 0 ? middle + reach : middle - reach;
  const near = far === 0 ? 0 : (a / far) * d - (off / far) * off;
  const values = middle >= 0 ? [far, near] : [near, far];
  const angle = Math.atan2(2 * off, a - d) / 2;
  const [x, y] = [Math.cos(angle), Math.sin(angle)].map((part) => (Math.abs(part) < 1e-15 ? 0 : part));
  return [
    { value: values[0], direction: [x, y] },
    { value: values[1], direction: y > 0 ? [y, 0 - x] : [0 - y, x] },
  ];
}

function shape(curvature) {
  const [most, least] = [curvature[0].value, curvature.at(-1).value];
  if (curvature.length === 1) return most > 0 ? "The loss curves upwards here." : most < 0 ? "The loss curves downwards here." : "The loss is straight here.";
  if (least > 0) return `The loss curves upwards in every direction, with condition number ${short(most / least)}.`;
  if (most <= 0) return most === 0 && least === 0 ? "The loss is flat to second order here." : "The loss curves downwards here, so there is no condition number.";
  if (least === 0) return "The loss curves upwards in one direction and is straight in the other.";
  return "The loss curves upwards in one direction and downwards in the other, as at a saddle, so there is no condition number.";
}

// [contraction per step, largest stable learning rate] on a quadratic of this curvature; null without theory.
function linearTheory({ functions, dim }, { spec, values }, curvature) {
  if (!spec.theory) return null;
  const out = new Float64Array(2);
  const given = Float64Array.from({ length: dim }, (_, k) => (curvature[k] ?? curvature[0]).value);
  functions[spec.theory](given, 0, values, 0, out, 0);
  return out;
}

function nearestMinimum({ surface }, params) {
  return surface.minima.reduce((best, other) => (distance(params, other.params) < distance(params, best.params) ? other : best));
}

// The factor by which a step shrinks the distance to the nearest minimum: a line through the logarithm of its upper
// envelope over the last steps up to 100, so that swinging through the minimum does no harm; `linear_rate` in Python is
// more careful. Without the first third, in which fast directions have a part.
function measuredFactor(model, path, step) {
  const { minima } = model.surface;
  if (!minima.length) return { reason: "No minimum of this surface is known, so there is no distance to measure." };
  let last = Math.min(step, path.divergedAt === null ? step : path.divergedAt - 1);
  const nearest = nearestMinimum(model, path.point(last));
  const apart = Float64Array.from({ length: last + 1 }, (_, t) => distance(path.point(t), nearest.params));
  // Below this, rounding decides.
  const floor = 1e3 * spacing(1, model.precision) * Math.max(apart[0], Math.hypot(...nearest.params));
  const arrived = apart[last] <= floor ? apart.findIndex((d) => d <= floor) : last;
  const end = floor < 0.01 * apart[0] ? arrived : last; // in rough formats rounding decides from the start
  const mean = (apart[end] / apart[0]) ** (1 / end);
  if (apart[last] <= floor) last = arrived - 1;
  const from = Math.max(last - 100, Math.ceil(last / 3));
  const window = apart.subarray(from, last + 1);
  if (window.length < 12) return { reason: "There are too few steps before this one, or before rounding decides, to measure it.", mean };
  const far = window.indexOf(Math.max(...window));
  const peak = { left: window[far] / apart[0], at: from + far };
  const shrinks = window.at(-1) < window[0];
  const envelope = Array.from(window, Math.log);
  // A path that swings may stop in mid-swing: its last peak is what counts.
  while (shrinks && envelope.length > window.length / 2 && window.some((d, k) => k && d > window[k - 1]) && envelope.at(-1) < envelope.at(-2)) envelope.pop();
  if (shrinks) envelope.reduceRight((most, _, k) => (envelope[k] = Math.max(most, envelope[k])), -Infinity);
  else envelope.forEach((value, k) => (envelope[k] = Math.max(value, envelope[k - 1] ?? value)));
  const middle = (envelope.length - 1) / 2;
  const [above, below] = envelope.reduce(([a, b], value, k) => [a + (k - middle) * value, b + (k - middle) ** 2], [0, 0]);
  return { factor: Math.exp(above / below), peak, from, to: last, floor, center: nearest.params };
}

// Whether the gradient is that of a quadratic with this Hessian around the center, at every step measured.
function isQuadratic(path, { from, to, floor, center }, hessian) {
  const { dim } = path;
  const size = Math.hypot(...hessian);
  for (let t = from; t < to; t++) {
    const [here, gradient] = [path.point(t), path.gradient(t)];
    const rest = gradient.map((g, k) => center.reduce((left, c, j) => left - hessian[k * dim + j] * (here[j] - c), g));
    if (!(Math.hypot(...rest) <= 0.02 * Math.hypot(...gradient) + 0.01 * size * floor)) return false;
  }
  return size > 0;
}
