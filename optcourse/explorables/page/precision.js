// The same optimizer from the same start in each number format: where rounding takes it.

// Bits after the leading one, exponent of the smallest normal number, largest number.
const FORMATS = {
  float64: { bits: 52, smallest: -1022, largest: 1.7976931348623157e308, round: (x) => x },
  float32: { bits: 23, smallest: -126, largest: 3.4028234663852886e38, round: Math.fround },
  float16: { bits: 10, smallest: -14, largest: 65504, round: f16round },
  bfloat16: { bits: 7, smallest: -126, largest: 3.3895313892515355e38, round: bf16round },
};

class PrecisionPanel {
  constructor(figure) {
    this.figure = figure;
    const { precisions } = figure.spec;
    this.select = element(
      "select",
      { onchange: () => figure.setPrecision(this.select.value) },
      ...precisions.map((name) => element("option", { value: name }, name)),
    );
    this.told = element("p");
    this.pictures = precisions.map((name) => {
      const canvas = element("canvas", { role: "img" });
      return { name, canvas, element: element("figure", {}, canvas, element("figcaption", {}, name)) };
    });
    this.tables = element("div", { class: "scroll", role: "region", "aria-label": "Number formats" });
    this.happened = element("ul");
    this.element = element(
      "div",
      { class: "precision" },
      element("p", {}, element("label", {}, "The figure above computes in ", this.select)),
      this.told,
      element("div", { class: "pictures" }, ...this.pictures.map((picture) => picture.element)),
      this.tables,
      this.happened,
    );
  }

  draw(changed) {
    const { figure } = this;
    const { focus: method, model } = figure;
    this.select.value = model.precision;
    if (changed || this.method !== method) {
      this.method = method;
      this.paths = Object.fromEntries(model.spec.precisions.map((precision) => [precision, model.follow(method, { precision })]));
    }
    const step = Math.min(figure.step, model.steps);
    this.told.textContent =
      `${method.label} from the same start with the same settings, every operation rounded to the format, up to step ${step}. ` +
      (this.paths.float64 ? "Dotted: the path in float64. " : "") +
      "Spacing is the gap to the next number of the format, at these params. What overflows becomes inf or nan.";
    this._drawPictures(method, step);
    this._drawTable(step);
    const said = Object.entries(this.paths).map(([name, path]) => [name, this._happened(name, path, method)]);
    const heard = said.filter(([, text]) => text).map(([name, text]) => element("li", {}, element("strong", {}, name), `: ${text}.`));
    this.happened.replaceChildren(...(heard.length ? heard : [element("li", {}, `No format overflows${this.paths.float64 ? ", and none underflows where float64 does not" : ""}.`)]));
    reachable(this.element);
  }

  _drawPictures(method, step) {
    const { plane, theme } = this.figure;
    if (!plane.width) return;
    const reference = this.paths.float64;
    this.ground ??= element("canvas");
    const look = `${theme.paper} ${plane.size}`;
    if (look !== this.look) plane.paintGround(sharpContext(this.ground, ...plane.size), theme);
    this.look = look;
    for (const { name, canvas } of this.pictures) {
      const width = Math.min(220, Math.max(120, (this.element.clientWidth - 24) / this.pictures.length - 12));
      const height = (width * plane.height) / plane.width;
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
      const context = sharpContext(canvas, width, height);
      context.drawImage(this.ground, 0, 0, width, height);
      const path = this.paths[name];
      const draw = (drawn, color, wide, dash) => {
        context.beginPath();
        for (let t = 0; t <= step; t++) {
          const [x, y] = plane.place(drawn, t);
          if (!Number.isFinite(x + y) || Math.abs(x) + Math.abs(y) > 1e6) break;
          context.lineTo((x * width) / plane.width, (y * width) / plane.width);
        }
        Object.assign(context, { strokeStyle: color, lineWidth: wide, lineJoin: "round" });
        context.setLineDash(dash);
        context.stroke();
      };
      draw(path, theme.halo, 5, []);
      draw(path, colorOf(method, theme), 2.2, []);
      if (reference && name !== "float64") draw(reference, theme.ink, 1, [2, 3]);
      canvas.setAttribute("aria-label", `Path in ${name}: at step ${step} it is at ${point(path.point(step))}.`);
    }
  }

  _drawTable(step) {
    const reference = this.paths.float64;
    const axes = ["x", "y"].slice(0, this.figure.model.dim);
    const rows = Object.entries(this.paths).map(([name, path]) => {
      const here = path.point(step);
      const apart = reference && distance(here, reference.point(step));
      const still = stillFrom(path);
      return [
        name,
        short(path.losses.at(-1), 4),
        !path.point(path.steps).every(Number.isFinite) ? "overflows" : still === null ? "moves to the end" : `step ${still}`,
        ...(reference ? [name === "float64" ? "–" : short(apart)] : []),
        ...Array.from(here, (p) => short(spacing(p, name))),
      ];
    });
    const head = ["format", "last loss", "stands still from", ...(reference ? ["distance from float64"] : []), ...axes.map((axis) => `spacing at ${axis}`)];
    this.tables.replaceChildren(table(head, rows));
  }

  // What a reader should know about a format, or nothing.
  _happened(name, path, method) {
    const { round } = FORMATS[name];
    const said = [];
    const does = ({ what }, verb) => `${what} ${verb}${what === "params" ? "" : "s"}`;
    const overflow = firstStep(path, (x) => !Number.isFinite(x));
    const exact = this.paths.float64;
    if (overflow) {
      const alone = exact && name !== "float64" && !firstStep(exact, (x) => !Number.isFinite(x));
      said.push(`${does(overflow, "overflow")} at step ${overflow.step}${alone ? ", though float64 stays finite" : ""}`);
    }
    const tiny = 2 ** (FORMATS[name].smallest - FORMATS[name].bits);
    const lost = exact && name !== "float64" && firstStep(path, (x, at) => x === 0 && exact.rows[at] !== 0 && Math.abs(exact.rows[at]) < tiny);
    if (lost) said.push(`${does(lost, "underflow")} to 0 at step ${lost.step}, where float64 has ${short(exact.rows[lost.at])}`);
    method.spec.hyperparams.forEach((h, k) => {
      const value = method.values[k];
      const stored = round(value);
      if (value !== 0 && stored === 0) said.push(`the setting ${h.name} = ${short(value)} becomes 0`);
      if (value < 1 && stored === 1) said.push(`the setting ${h.name} = ${settingText(value, "decay")} becomes 1`);
    });
    return said.join("; ");
  }
}

// The gap between |x| and the next larger number of the format.
function spacing(x, name) {
  const { bits, smallest } = FORMATS[name];
  if (!Number.isFinite(x)) return NaN;
  oneNumber[0] = x;
  const exponent = x === 0 ? smallest : ((itsWords[1] >>> 20) & 2047) - 1023;
  return 2 ** (Math.max(exponent, smallest) - bits);
}

// The first step from which params stay what they are, or null.
function stillFrom(path) {
  const last = path.point(path.steps);
  let step = path.steps;
  while (step > 0 && path.point(step - 1).every((p, k) => Object.is(p, last[k]))) step -= 1;
  return step < path.steps ? step : null;
}

// The first step with such a number in its record: {step, at, what}.
function firstStep(path, test) {
  const names = [...Array(path.dim).fill("params"), ...path.state.flatMap((entry) => Array(sizeOf(entry)).fill(entry.name))];
  names.push("the loss", ...Array(path.dim).fill("the gradient"), ...Array(path.dim).fill("the update"));
  for (let at = 0; at < path.rows.length; at++) {
    const k = at % path.stride;
    const row = (at - k) / path.stride;
    if (row === 0 && k >= path.stateSize) continue; // nothing has been done yet
    if (test(path.rows[at], at)) return { at, what: names[k], step: k >= path.stateSize ? row - 1 : row };
  }
  return null;
}
