// What compiled functions call where JavaScript has no operator for it: rounding, and edge cases of C.

const oneNumber = new Float64Array(1);
const itsWords = new Uint32Array(oneNumber.buffer); // little end first, as every browser's machine has it

// The nearest number with so many bits after the leading one, ties to even; subnormals and overflow included.
function roundBits(x, bits, smallestExponent, largest) {
  if (x === 0 || !Number.isFinite(x)) return x;
  oneNumber[0] = x;
  const exponent = Math.max(((itsWords[1] >>> 20) & 2047) - 1023, smallestExponent);
  if (exponent > 900) return 2 ** 99 * roundBits(x / 2 ** 99, bits, smallestExponent, largest / 2 ** 99);
  // Adding 1.5 times this power of two pushes the unwanted bits out of a double, which rounds to even.
  itsWords[1] = ((exponent + 52 - bits + 1023) << 20) | 0x80000;
  itsWords[0] = 0;
  const pushed = oneNumber[0];
  const rounded = x + pushed - pushed;
  if (Math.abs(rounded) > largest) return x < 0 ? -Infinity : Infinity;
  return rounded === 0 ? x * 0 : rounded;
}

function f16round(x) {
  return roundBits(x, 10, -14, 65504);
}

function bf16round(x) {
  return roundBits(x, 7, -126, 3.3895313892515355e38);
}

// The same, but what is smaller than `least` becomes zero. Without any bits, even is an even exponent as it is stored.
function reducePrecision(x, bits, smallestExponent, largest, least) {
  const rounded = roundBits(x, bits, smallestExponent, largest);
  if (bits === 0 && 0.75 * rounded === x && Math.log2(Math.abs(rounded)) % 2 === 0) return rounded / 2;
  return Math.abs(rounded) < least ? x * 0 : rounded;
}

// As C has it: one to any power is one, and so is minus one to an infinite power.
function pow(x, y) {
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);
}

// Subnormal numbers count as zero, as they do for XLA on a CPU: one over what is not zero is finite.
function isZero(x, smallest = 2.2250738585072014e-308) {
  return Math.abs(x) < smallest;
}

function logistic(x) {
  return 1 / (1 + Math.exp(-x));
}

function roundEven(x) {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}

function roundAway(x) {
  return x < 0 ? -Math.floor(-x + 0.5) : Math.floor(x + 0.5);
}

// A float as an integer: towards zero, kept in range, nan becomes 0.
function toInteger(x, smallest, largest) {
  return x === x ? Math.min(Math.max(Math.trunc(x), smallest), largest) : 0;
}

// The place of the largest number of a part of an array, or of the smallest if sign is -1; the first nan wins.
function placeOfMost(array, from, length, sign) {
  let best = from;
  for (let k = from; k < from + length; k++) {
    const x = array[k];
    if (x !== x) return k - from;
    if (sign * x > sign * array[best]) best = k;
  }
  return best - from;
}

// Shifts by as many bits as there are, or more, push everything out.
function shiftLeft(x, by) {
  return by >>> 0 > 31 ? 0 : x << by;
}

function shiftRightLogical(x, by) {
  return by >>> 0 > 31 ? 0 : x >>> by;
}

function shiftRightArithmetic(x, by) {
  return x >> Math.min(by >>> 0, 31);
}

// Threefry 2x32 with 20 rounds, by which JAX makes random bits: one of the two words it makes of a key and a count.
function threefry(key0, key1, count0, count1, which) {
  const keys = [key0 | 0, key1 | 0, key0 ^ key1 ^ 0x1bd11bda];
  let x = (count0 + keys[0]) | 0;
  let y = (count1 + keys[1]) | 0;
  for (let group = 0; group < 5; group++) {
    for (const by of group % 2 ? [17, 29, 16, 24] : [13, 15, 26, 6]) {
      x = (x + y) | 0;
      y = ((y << by) | (y >>> (32 - by))) ^ x;
    }
    x = (x + keys[(group + 1) % 3]) | 0;
    y = (y + keys[(group + 2) % 3] + group + 1) | 0;
  }
  return (which ? y : x) >>> 0;
}

// The error function by its series with terms of one sign, the rest by a continued fraction.
function erf(x) {
  if (Math.abs(x) >= 1.5) return x < 0 ? erfc(-x) - 1 : 1 - erfc(x);
  let term = x;
  let sum = x;
  for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n += 2) sum += term *= (2 * x * x) / n;
  return (2 * Math.exp(-x * x) * sum) / Math.sqrt(Math.PI);
}

function erfc(x) {
  if (!(x >= 1.5)) return x <= -1.5 ? 2 - erfc(-x) : 1 - erf(x);
  let fraction = 0;
  for (let n = 100; n; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / (x + fraction) / Math.sqrt(Math.PI);
}

// The inverse of the error function, from the normal quantiles of Wichura (1988), Algorithm AS 241, PPND16.
function erfInverse(x) {
  const side = (1 - Math.abs(x)) / 2;
  if (!(side > 0)) return side === 0 ? x * Infinity : NaN;
  if (Math.abs(x) <= 0.85) return (quantileNear(0.180625 - (x * x) / 4) * x) / 2 / Math.SQRT2;
  const r = Math.sqrt(-Math.log(side));
  const quantile = r <= 5 ? quantileFar(r - 1.6) : quantileFarthest(r - 5);
  return (x < 0 ? -quantile : quantile) / Math.SQRT2;
}

function quantileNear(r) {
  return ratio(
    r,
    [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608],
    [5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1],
  );
}

function quantileFar(r) {
  return ratio(
    r,
    [7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734],
    [1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1],
  );
}

function quantileFarthest(r) {
  return ratio(
    r,
    [2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772],
    [2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1],
  );
}

// One polynomial over another, the highest power first.
function ratio(r, above, below) {
  return above.reduce((sum, c) => sum * r + c) / below.reduce((sum, c) => sum * r + c);
}
