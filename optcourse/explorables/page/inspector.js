// One step under the microscope: everything it read and wrote, and its arithmetic in numbers.

class InspectorPanel {
  constructor(figure) {
    this.figure = figure;
    this.arithmetic = new Map(); // what the compiled steps say, by name
    const button = (text, by) => element("button", { type: "button", onclick: () => figure.goTo(this.at + by) }, text);
    this.back = button("◀ Previous step", -1);
    this.next = button("Next step ▶", 1);
    this.told = element("p");
    this.tables = element("div", { class: "scroll", role: "region", "aria-label": "Record of the step" });
    this.folds = element("div");
    this.lines = element("div", { class: "arithmetic" });
    this.note = element("p", { class: "note" });
    this.source = element("code");
    this.whole = element(
      "details",
      { ontoggle: () => this._drawSource() },
      element("summary", {}, "The whole compiled step"),
      element("pre", { role: "region", "aria-label": "JavaScript of the step" }, this.source),
    );
    this.element = element(
      "div",
      { class: "inspector" },
      element("p", { class: "steps" }, this.back, this.next),
      this.told,
      this.tables,
      this.folds,
      element("p", { class: "part" }, "The arithmetic"),
      this.note,
      this.lines,
      this.whole,
    );
  }

  draw() {
    const { figure } = this;
    const { focus: method, model } = figure;
    const path = method.path ?? model.follow(method);
    const atEnd = figure.step >= path.steps;
    this.at = Math.min(figure.step, path.steps - 1);
    this.back.disabled = this.at <= 0;
    this.next.disabled = this.at >= path.steps - 1;
    this.told.textContent =
      `${method.label}, step ${this.at}: from params ${point(path.point(this.at), 4)} to ${point(path.point(this.at + 1), 4)}.` +
      (atEnd ? " The path ends here, so this is the step that led here." : "");
    this._drawRecord(method, path);
    this._drawArithmetic(method, path);
    this._drawSource();
  }

  _drawRecord(method, path) {
    const { at } = this;
    const axes = ["x", "y"].slice(0, path.dim);
    const rate = method.value("learning_rate");
    const updates = path.updates(at);
    const gradient = path.gradient(at);
    const rates = effectiveRates(path, at);
    const size = Math.hypot(...updates);
    const cells = (values) => Array.from(values, (x) => [short(x, 4)]);
    const state = path.state.filter((entry) => sizeOf(entry) === 1 || (sizeOf(entry) === path.dim && entry.shape.length === 1));
    const entry = ({ name, ...place }) => {
      const both = [path.stateBefore(at, place), path.stateBefore(at + 1, place)];
      return [name, ...both.flatMap((values) => (values.length === 1 ? [[short(values[0], 4), path.dim]] : cells(values)))];
    };
    const wide = (text) => [text, path.dim];
    const each = (values, write) => Array.from(values, (x) => [Number.isNaN(x) ? "–" : write(x)]);
    this.tables.replaceChildren(
      table(
        ["", ["before the step", path.dim], ["after it", path.dim]],
        [
          ["", ...axes, ...axes],
          ["params", ...cells(path.point(at)), ...cells(path.point(at + 1))],
          ["loss", wide(short(path.losses[at], 4)), wide(short(path.losses[at + 1], 4))],
          ...(state.length ? [["opt_state"], ...state.map(entry)] : []),
        ],
        "What it found and what it left",
      ),
      table(
        ["", ...axes],
        [
          ["gradient", ...cells(gradient)],
          ["update", ...cells(updates)],
          ...(rate > 0 ? [["|update| ÷ learning rate", ...each(updates, (u) => `${short(Math.abs(u) / rate)} ×`)]] : []),
          ["step size: L2 norm of the update", wide(short(size, 4))],
          ["effective rate: |update| ÷ |gradient|", ...each(rates, (r) => short(r, 4))],
          ...(rate > 0 ? [["effective rate ÷ learning rate", ...each(rates, (r) => `${short(r / rate)} ×`)]] : []),
        ],
        "What it did",
      ),
    );
    this._drawFolds(path, path.state.filter((other) => !state.includes(other)));
  }

  // Long arrays of the state, such as L-BFGS's memory; the elements stay, so that what is open stays open.
  _drawFolds(path, entries) {
    const names = entries.map(({ name, shape }) => `${name}, ${shape.join(" × ")} numbers`);
    if (names.join() !== this.folded) {
      this.folded = names.join();
      this.folds.replaceChildren(
        ...names.map((name) => element("details", { ontoggle: () => this.draw() }, element("summary", {}, name), element("div", { class: "scroll" }))),
      );
    }
    entries.forEach((entry, k) => {
      const fold = this.folds.children[k];
      if (!fold.open) return;
      const width = entry.shape.length > 1 ? entry.shape.at(-1) : 1;
      const [before, after] = [path.stateBefore(this.at, entry), path.stateBefore(this.at + 1, entry)];
      const rows = Array.from({ length: before.length / width }, (_, row) => [
        String(row),
        ...[before, after].flatMap((values) => Array.from(values.subarray(row * width, (row + 1) * width), (x) => [short(x, 4)])),
      ]);
      fold.lastChild.replaceChildren(table(["", ["before the step", width], ["after it", width]], rows));
    });
  }

  _drawArithmetic(method, path) {
    const { functions, precision, surface } = this.figure.model;
    const double = method.compiled("float64");
    const explained = double && functions[`${double.step}Explained`];
    if (!explained) {
      this.note.textContent = "The arithmetic can be shown where float64 is among the number formats of the figure.";
      this.lines.replaceChildren();
      return;
    }
    this.note.textContent =
      "These lines are the code that draws the path, compiled from Optax: each formula in names, then in the numbers of this " +
      "step. Over each group stands the Python function it comes from. Only guards against nan, infinity and overflowing " +
      `counters are left out.${precision === "float64" ? "" : ` Here they are computed in float64 from the state above; the path rounds every operation to ${precision}.`}`;
    if (!this.arithmetic.has(double.step)) this.arithmetic.set(double.step, readStep(String(explained), method, path.dim));
    const out = new Float64Array(double.size);
    const clock = surface.ticks ? [Float64Array.of(this.at), 0] : [];
    const values = explained(path.rows, this.at * path.stride, method.values, 0, ...clock, out, 0);
    const next = `params at step ${this.at + 1}`;
    this.lines.replaceChildren(...this.arithmetic.get(double.step).map((part) => drawPart(part, values, out, next)));
  }

  _drawSource() {
    const { model, focus } = this.figure;
    if (this.whole.open) this.source.textContent = String(model.functions[focus.compiled(model.precision).step]);
    reachable(this.element);
  }
}

// What scrolls is reached with the keyboard, and nothing else.
function reachable(panel) {
  for (const part of panel.querySelectorAll(".scroll, pre")) {
    const scrolls = part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight;
    if (scrolls) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}

// |update| ÷ |gradient| of each coordinate.
function effectiveRates(path, step) {
  const gradient = path.gradient(step);
  return Array.from(path.updates(step), (u, k) => Math.abs(u / gradient[k]));
}

function sizeOf({ shape }) {
  return shape.reduce((a, b) => a * b, 1);
}

// A table; cells are text or [text, columns]. The first cell of a row is its heading; a row where that is empty heads
// columns, and a row with nothing else heads those below it.
function table(head, rows, caption) {
  const cell = (tag, scope) => (given) => {
    const [text, columns] = [given].flat();
    return element(text ? tag : "td", { scope: text ? scope : null, colspan: columns > 1 && columns }, text);
  };
  const line = (cells) => element("tr", {}, ...cells.map(cell("th", "col")));
  const headings = rows.filter(([first]) => first === "");
  return element(
    "table",
    {},
    caption && element("caption", {}, caption),
    element("thead", {}, line(head), ...headings.map(line)),
    element(
      "tbody",
      {},
      ...rows
        .filter(([first]) => first !== "")
        .map(([first, ...rest]) =>
          rest.length
            ? element("tr", {}, cell("th", "row")(first), ...rest.map(cell("td")))
            : element("tr", {}, cell("th", "rowgroup")([first, 99])),
        ),
    ),
  );
}

// --- the compiled step as lines to read ---------------------------------------------------------------------

// Parts in the order of the code: {heading}, {skipped: lines}, and {name, formula, lines: [{axis, tree, value}]}.
function readStep(source, method, dim) {
  const { state } = method.compiled("float64");
  const statements = [...topLevel(source)];
  const names = displayNames(statements, method, state, dim);
  const trees = new Map(); // of unnamed values, to be written where they are used
  const inline = (node) => everywhere(node, (part) => (part.id && trees.get(part.id)) || part);
  const called = ({ base, axis }) => base + (axis ? `_${axis}` : "");
  const parts = [];
  let heading = "";
  let shown = null;
  const add = (title, made) => {
    if (title !== shown) parts.push({ heading: title });
    shown = title;
    const last = parts.at(-1);
    // The same line for x and for y: the formula once, and below it the numbers of both.
    if (made.axis === "y" && last.lines?.length === 1 && last.lines[0].axis === "x" && last.key === made.key) last.lines.push(made);
    else parts.push({ name: made.base, key: made.key, lines: [made] });
  };
  const line = (name, text, value) => {
    const { base, axis } = name;
    let tree;
    try {
      tree = text && simplified(inline(parse(text)));
    } catch {
      return { base, axis, text, value, key: text };
    }
    const full = (id) => called(names.get(id) ?? { base: id });
    const own = (id) => (names.get(id)?.axis === axis ? (names.get(id)?.base ?? id) : full(id));
    return { base, axis, tree, value, full, own, key: `${base} ${tree && print(tree, own)}` };
  };
  for (const { comment, name, text, skipped, out } of statements) {
    const known = names.get(name);
    if (comment) heading = comment;
    else if (skipped) {
      if (!parts.at(-1)?.skipped) parts.push({ skipped: 0 });
      parts.at(-1).skipped += skipped;
      shown = null;
    } else if (out !== undefined) {
      const { base, axis, changed } = names.get(out) ?? {};
      if (changed) add(base ? "new state" : "apply_updates", line({ base, axis }, text, { out }));
    } else if (known?.input) continue;
    else if (/_result\d*\[/.test(text)) add("loss and gradient", line(known, "", { id: name }));
    else {
      const made = line(known, text, { id: name });
      if (/^t\d*$/.test(name) && known.base === name && made.tree && print(made.tree, made.full).length <= 40) trees.set(name, made.tree);
      else add(heading, made);
    }
  }
  return parts;
}

// Statements of the function: constants, outputs, comments; loops and branches as a number of lines.
function* topLevel(source) {
  let skipped = 0;
  let loops = false;
  for (const text of source.split("\n").slice(1, -1)) {
    const constant = text.match(/^ {2}const (\w+) = (.*);$/);
    const out = text.match(/^ {2}out\[outAt(?: \+ (\d+))?\] = (.*);$/);
    const comment = text.match(/^ {2}\/\/ (.*)$/);
    if (!constant && !out && !comment) {
      if (/^ {2}\w+\(.*\);$|^ {2}return/.test(text)) continue;
      loops ||= /^ {3}/.test(text) && !text.includes("out[");
      skipped += 1;
      continue;
    }
    if (loops && !comment) {
      yield { skipped };
      [skipped, loops] = [0, false];
    }
    if (comment) yield { comment: comment[1] };
    else if (constant) yield { name: constant[1], text: constant[2] };
    else yield { out: Number(out[1] ?? 0), text: out[2] };
  }
}

// What to call each variable: hyperparameters and state as they are called in Python, what is written to the state
// after it, the others as in the source; `_0` and `_1` are x and y. Outputs are listed by their position.
function displayNames(statements, method, state, dim) {
  const names = new Map();
  const taken = new Map();
  const give = (name, wanted, origin, rest = {}) => {
    let base = wanted;
    while ((taken.get(base) ?? origin) !== origin) base += "′";
    taken.set(base, origin);
    names.set(name, { base, ...rest });
  };
  const axisOf = (k, size) => (dim > 1 && size === dim ? { axis: "xy"[k] } : {});
  const owner = (offset) => state.find((entry) => offset >= entry.offset && offset < entry.offset + sizeOf(entry));
  const place = (entry, offset) => {
    const size = sizeOf(entry);
    const k = offset - entry.offset;
    return [size === 1 || size === dim ? entry.name : `${entry.name}_${k}`, axisOf(k, size)];
  };
  const defined = new Set(statements.map(({ name }) => name));
  const read = statements.map(({ name, text }) => [name, ...(text?.match(/^(state|hyperparams)\[\w+At(?: \+ (\d+))?\]/) ?? [])]).filter((hit) => hit[1]);
  for (const [name, , from, at] of read.filter((hit) => hit[2] === "hyperparams")) {
    give(name, method.spec.hyperparams[Number(at ?? 0)].name, from, { input: true });
  }
  for (const [name, , , at = 0] of read.filter((hit) => hit[2] === "state")) {
    const offset = Number(at);
    if (offset < dim) give(name, "params", "params", { input: true, ...axisOf(offset, dim) });
    else {
      const [wanted, axis] = place(owner(offset), offset);
      const clash = taken.has(wanted) && taken.get(wanted) !== `state ${wanted}`;
      give(name, clash ? `state_${wanted}` : wanted, `state ${wanted}`, { input: true, ...axis });
    }
  }
  for (const { name, text } of statements) {
    const [, base, k] = /_result\d*\[/.test(text) ? name.match(/^(.+?)(?:_(\d))?$/) : [];
    if (base) give(name, base, base, k ? axisOf(Number(k), dim) : {});
  }
  const after = method.compiled("float64").stateSize;
  for (const { out, text } of statements) {
    if (out === undefined) continue;
    const variable = defined.has(text);
    if (out < dim) names.set(out, { base: "", ...axisOf(out, dim), changed: true });
    else if (out > after + dim) {
      if (variable && !names.has(text)) give(text, "update", "update", axisOf(out - after - dim - 1, dim));
    } else if (out < after) {
      const [wanted, axis] = place(owner(out), out);
      if (!variable) give(out, `new_${wanted}`, `new ${wanted}`, { ...axis, changed: /[^\d.e-]/.test(text) });
      else if (!names.has(text)) give(text, `new_${wanted}`, `new ${wanted}`, axis);
    }
  }
  for (const { name } of statements) {
    if (!name || names.has(name)) continue;
    const [, base, k, again = ""] = name.match(/^(.+?)_([01])(_\d+)?$/) ?? [];
    const pair = k && dim > 1 && defined.has(`${base}_${1 - k}${again}`) && !defined.has(`${base}_2${again}`);
    if (pair) give(name, base, base + again, axisOf(Number(k), dim));
    else give(name, name, name);
  }
  return names;
}

function drawPart(part, values, out, next) {
  if (part.heading !== undefined) return element("p", { class: "subpart" }, part.heading);
  if (part.skipped) return element("p", { class: "note" }, `Here the code has a loop: ${part.skipped} lines, in full below.`);
  const { lines } = part;
  const name = part.name || next;
  const [first] = lines;
  const both = lines.length > 1;
  const label = both || !first.axis ? name : `${name}, ${first.axis}`;
  const formula = first.tree ? print(first.tree, both ? first.own : first.full) : (first.text ?? "");
  return element(
    "div",
    { class: "line" },
    element("code", { class: "formula" }, formula ? `${label} = ${formula}` : label),
    ...lines.map((line) => {
      const value = line.value.id ? values[line.value.id] : out[line.value.out];
      const numbers = line.tree ? withNumbers(line.tree, values) : "";
      const result = spoken(value);
      return element(
        "div",
        {},
        both ? element("span", { class: "axis" }, `${line.axis} `) : null,
        element("code", {}, !numbers || numbers === result ? `= ${result}` : `= ${numbers} = ${result}`),
      );
    }),
  );
}

function spoken(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return value === undefined ? "?" : short(value, 4);
}

// The formula with numbers put in; of a choice only what was chosen, and why.
function withNumbers(tree, values) {
  const reasons = new Set();
  const chosen = everywhere(tree, (node) => {
    if (node.op !== "?") return node;
    const holds = evaluate(node.test, values);
    if (holds === undefined) return node;
    const { op, id, a } = node.test;
    if (!id && !(op === "!" && a.id)) reasons.add(`${print(node.test, (name) => spoken(values[name]))}: ${spoken(holds)}`);
    return holds ? node.a : node.b;
  });
  const text = print(chosen, (id) => spoken(values[id]));
  return reasons.size ? `${text} [${[...reasons].join("; ")}]` : text;
}

// --- expressions -----------------------------------------------------------------------------------------------

// How tightly operators bind; what has others, on bits, stays as the code has it.
const BINDS = { "?": 0, "||": 1, "&&": 2, "|": 3, "===": 6, "!==": 6, "<": 7, ">": 7, "<=": 7, ">=": 7, "+": 9, "-": 9 };
for (const op of ["*", "/", "%", "negative", "!"]) BINDS[op] = 10;

// A tree of {number}, {id}, {call, args}, {op, a, b}, {op: "?", test, a, b}; throws at what it does not know.
function parse(text) {
  const tokens = text.match(/\d[\d.]*(?:e[+-]?\d+)?|[A-Za-z_][\w.]*|[<>!=]==?|&&|\|\||\S/g);
  let at = 0;
  const expect = (token) => {
    if (tokens[at++] !== token) throw new SyntaxError(text);
  };
  const list = () => {
    const args = [];
    while (tokens[at] !== ")") {
      args.push(whole());
      if (tokens[at] !== ")") expect(",");
    }
    at += 1;
    return args;
  };
  const atom = () => {
    const token = tokens[at++];
    if (token === "(") {
      const inner = whole();
      expect(")");
      return inner;
    }
    if (token === "-") return { op: "negative", a: atom() };
    if (token === "!") return { op: token, a: atom() };
    if (/^\d/.test(token)) return { number: Number(token) };
    if (!/^[A-Za-z_]/.test(token) || tokens[at] === "[") throw new SyntaxError(text);
    if (tokens[at] !== "(") return token === "Infinity" || token === "NaN" ? { number: Number(token) } : { id: token };
    at += 1;
    return { call: token, args: list() };
  };
  const binary = (least) => {
    let a = atom();
    for (let op = tokens[at]; BINDS[op] >= least && op !== "?"; op = tokens[at]) {
      at += 1;
      a = { op, a, b: binary(BINDS[op] + 1) };
    }
    return a;
  };
  const whole = () => {
    const test = binary(1);
    if (tokens[at] !== "?") return test;
    at += 1;
    const a = whole();
    expect(":");
    return { op: "?", test, a, b: whole() };
  };
  const tree = whole();
  if (at < tokens.length) throw new SyntaxError(text);
  return tree;
}

// The tree with each node replaced by what `change` makes of it, the innermost first.
function everywhere(node, change) {
  const made = { ...node };
  for (const part of ["test", "a", "b"]) if (made[part]) made[part] = everywhere(made[part], change);
  if (made.args) made.args = made.args.map((arg) => everywhere(arg, change));
  return change(made);
}

// Without what only guards the range of integers.
function simplified(tree) {
  return everywhere(tree, (node) => {
    const { op, test, a, b, call, args } = node;
    if (op === "|" && b.number === 0) return a;
    if (op === "!==" && b.id === "false") return a;
    if (op === "?" && test.op === "<" && test.b.number >= 2147483647) return a;
    if (op === "?" && isGuard(test)) return b;
    if (call === "Math.imul") return { op: "*", a: args[0], b: args[1] };
    if (call === "Number") return args[0];
    if (op === "*" && a.op === "negative" && a.a.number === 1) return { op: "negative", a: b };
    return node;
  });
}

// Whether it asks for nan or infinity.
function isGuard({ op, a, b }) {
  if (op === "||") return isGuard(a) && isGuard(b);
  if (op === "===") return [b, b.a].some((side) => side && Math.abs(side.number) === Infinity);
  return op === "!==" && JSON.stringify(a) === JSON.stringify(b);
}

// The value, or undefined where the tree has something else than numbers in it.
function evaluate(node, values) {
  if ("number" in node) return node.number;
  if (node.id) return node.id === "true" || node.id === "false" ? node.id === "true" : values[node.id];
  if (node.call) {
    const args = node.args.map((arg) => evaluate(arg, values));
    const called = node.call.startsWith("Math.") ? Math[node.call.slice(5)] : NUMBERS[node.call];
    return args.includes(undefined) ? undefined : called?.(...args);
  }
  const a = evaluate(node.op === "?" ? node.test : node.a, values);
  if (a === undefined) return undefined;
  const one = { negative: () => -a, "!": () => !a, "?": () => evaluate(a ? node.a : node.b, values) }[node.op];
  if (one) return one();
  const b = evaluate(node.b, values);
  if (b === undefined) return undefined;
  const two = {
    "+": () => a + b, "-": () => a - b, "*": () => a * b, "/": () => a / b, "%": () => a % b,
    "<": () => a < b, ">": () => a > b, "<=": () => a <= b, ">=": () => a >= b, "===": () => a === b, "!==": () => a !== b,
    "&&": () => a && b, "||": () => a || b,
  };
  return two[node.op]?.();
}

const SIGNS = { "-": "−", "*": "×", "<=": "≤", ">=": "≥", "===": "=", "!==": "≠", "&&": "and", "||": "or", "%": "mod" };

// The tree as a formula; `leaf` writes what stands for a variable.
function print(node, leaf, least = 0) {
  const bracketed = (text, binds) => (binds < least ? `(${text})` : text);
  if ("number" in node || node.id) {
    const text = "number" in node ? short(node.number, 6) : leaf(node.id);
    return bracketed(text, text.startsWith("−") ? BINDS["+"] : 20);
  }
  const { op, a, b, call, args } = node;
  if (call) {
    if (call === "pow") return bracketed(`${print(args[0], leaf, 12)}^${print(args[1], leaf, 12)}`, 11);
    if (call === "Math.sqrt") return `√${args[0].id ? print(args[0], leaf, 11) : `(${print(args[0], leaf)})`}`;
    if (call === "Math.abs") return `|${print(args[0], leaf)}|`;
    if (call === "isZero") return bracketed(`${print(args[0], leaf, 7)} = 0`, 6);
    return `${call.replace("Math.", "")}(${args.map((arg) => print(arg, leaf)).join(", ")})`;
  }
  const binds = BINDS[op];
  if (op === "?") return bracketed(`${print(a, leaf, 1)} if ${print(node.test, leaf, 1)}, else ${print(b, leaf)}`, 0);
  if (!b) return bracketed(`${{ negative: "−", "!": "not " }[op] ?? op}${print(a, leaf, binds + 1)}`, binds);
  if (op === "*" && a.id && a.id === b.id) return bracketed(`${print(a, leaf, 12)}²`, 11);
  return bracketed(`${print(a, leaf, binds)} ${SIGNS[op] ?? op} ${print(b, leaf, binds + 1)}`, binds);
}
