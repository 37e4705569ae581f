// How numbers are written, and small pieces of HTML.

// In so many digits, as short as possible: 0.0000316 as 3.16e-5, 4.0 as 4.
function short(x, digits = 3) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x < 0 ? "−∞" : "∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  const text = size >= 1e5 || size < 1e-4 ? x.toExponential(digits - 1) : x.toPrecision(digits);
  const [mantissa, exponent] = text.split("e");
  const plain = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return (exponent === undefined ? plain : `${plain}e${Number(exponent)}`).replaceAll("-", "−");
}

// The same, but whole numbers that are not too long in all their digits.
function plain(x, digits = 3) {
  return Number.isInteger(x) && Math.abs(x) < 1e7 ? String(x).replace("-", "−") : short(x, digits);
}

function point(values, digits = 3) {
  return `(${Array.from(values, (x) => short(x, digits)).join(", ")})`;
}

// An element: element("button", {class: "play", onclick}, "Play", child).
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

function words(name) {
  return name.replaceAll("_", " ");
}
