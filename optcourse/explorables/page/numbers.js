// What compiled functions call where JavaScript has no operator for it: rounding, and edge cases of C.

const oneNumber = new Float64Array(1);
const itsWords = new Uint32Array(oneNumber.buffer); // little end first, as every browser's machine has it

// The nearest number with so many bits after the leading one, ties to even; subnormals and overflow included.
function roundBits(x, bits, smallestExponent, largest) {
  if (x === 0 || !Number.isFinite(x)) return x;
  oneNumber[0] = x;
  const exponent = Math.max(((itsWords[1] >>> 20) & 2047) - 1023, smallestExponent);
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
