"""`from_text`: a surface out of a formula that somebody typed, such as `x**2 + 10*y**2`.

The text is never executed. It is parsed, every part of it is checked against what is listed here, and the tree is
evaluated with the functions of whichever array library the parameters belong to.
"""

import ast
import math
import re
import warnings
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from optcourse.arrays import namespace
from optcourse.suggestions import did_you_mean
from optcourse.surfaces.loss_surface import LossSurface

VARIABLES = ("x", "y")
CONSTANTS = {"pi": math.pi, "e": math.e}
FUNCTIONS = {  # name in the text: (number of arguments, name in the array API)
    **{name: (1, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "abs", "sinh", "cosh", "tanh")},
    "minimum": (2, "minimum"),
    "maximum": (2, "maximum"),
}
OPERATORS = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a ** _whole(b),
}
ALLOWED = (
    f"You may use x and y, numbers, {' and '.join(CONSTANTS)}, + - * / % ** and parentheses, and the functions "
    f"{', '.join(FUNCTIONS)}."
)
LONGEST = 500  # characters
INSTEAD = {  # what people type, and what to say to them
    "^": "for a power write **, as in x**2",
    "²": "for a power write **, as in x**2",
    "³": "for a power write **, as in x**3",
    "·": "for a product write *",
    "×": "for a product write *",
    "−": "write the minus sign of the keyboard, -",
    "–": "write the minus sign of the keyboard, -",
    "÷": "for a quotient write /",
    "π": "write pi",
    "|": "for an absolute value write abs(x)",
    "=": "write only what the loss is, as in x**2 + y**2",
    ",": "in numbers write a point, as in 0.5",
}
SYNONYMS = {"min": "minimum", "max": "maximum", "ln": "log", "fabs": "abs", "power": "x**2", "pow": "x**2"}


def from_text(text: str, *, domain=None, name: str | None = None, start=None) -> LossSurface:
    """The surface of one parameter, x, or two, x and y, that a formula describes.

    >>> bowl = from_text("x**2 + 10*y**2")
    >>> bowl
    <LossSurface x**2 + 10 * y**2>
    >>> bowl.gradient([1.0, 1.0])
    array([ 2., 20.])
    >>> from_text("x^2")
    Traceback (most recent call last):
    ValueError: cannot read 'x^2' at its character 2, '^': for a power write **, as in x**2.

    Equal formulas give equal surfaces, so that what was compiled for one is found again.

    Args:
        text: what the loss is, in Python's notation.
        domain: a (low, high) pair for each parameter: where it is drawn; by default from -5 to 5.
        name: what figures call it; by default the formula.
        start: where paths begin; by default a point of the domain at which loss and gradient are finite.

    Raises:
        TypeError: for anything but a text.
        ValueError: for a text that is not such a formula, says what and where; for a formula without a finite value
            anywhere in the domain, or at the start.
    """
    expression = Expression(text)
    surface = LossSurface(expression, name=name or expression.text, dim=expression.dim, domain=domain)
    return replace(surface, start=_start(surface, start))


@dataclass(frozen=True)
class Expression:
    """A checked formula as a function of params; equal for the same formula, however it was spaced."""

    text: str
    tree: Any = field(init=False, compare=False, repr=False)
    dim: int = field(init=False, compare=False, repr=False)

    def __post_init__(self):
        try:
            tree = _parse(self.text)
            normal = ast.unparse(tree).replace(" ** ", "**")
        except (RecursionError, MemoryError):
            raise ValueError("this formula is nested too deeply: use fewer parentheses and terms.") from None
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if not names & {*VARIABLES}:
            raise ValueError(f"{self.text!r} does not depend on x or y: there is nothing to optimize.")
        object.__setattr__(self, "dim", 2 if "y" in names else 1)
        object.__setattr__(self, "tree", tree)
        object.__setattr__(self, "text", normal)

    def __call__(self, params):
        here = dict(zip(VARIABLES, (params[i] for i in range(self.dim)), strict=False))
        return _evaluate(self.tree, here, namespace(params))

    def python(self, surface: LossSurface) -> str:
        """How to write a surface of this formula: `surfaces.from_text('x**2')`."""
        arguments = [repr(self.text)]
        if surface.domain != ((-5.0, 5.0),) * self.dim:
            arguments.append(f"domain={surface.domain!r}")
        if surface.name != self.text:
            arguments.append(f"name={surface.name!r}")
        return f"surfaces.from_text({', '.join(arguments)})"


def _evaluate(node, here, xp):
    """The value of a checked tree: an array of the library `xp`, or a Python float where no variable is in it."""
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.Name):
        return here[node.id] if node.id in here else CONSTANTS[node.id]
    if isinstance(node, ast.UnaryOp):
        value = _evaluate(node.operand, here, xp)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        left, right = (_evaluate(side, here, xp) for side in (node.left, node.right))
        return OPERATORS[type(node.op)](left, right)
    arguments = [_evaluate(argument, here, xp) for argument in node.args]
    # Not every library's functions take Python numbers.
    arguments = [xp.full_like(here["x"], value) if isinstance(value, float) else value for value in arguments]
    return getattr(xp, FUNCTIONS[node.func.id][1])(*arguments)


def _whole(exponent):
    """An exponent that is a whole number as an int, which has derivatives everywhere."""
    if isinstance(exponent, float) and exponent.is_integer() and abs(exponent) <= 1000:
        return int(exponent)
    return exponent


# --- reading ---------------------------------------------------------------------------------------------------


def _parse(text) -> ast.expr:
    if not isinstance(text, str):
        raise TypeError(f'a formula is a text such as "x**2 + 10*y**2", got {type(text).__name__}.')
    text = text.strip()
    if not text:
        raise ValueError(f"there is no formula. {ALLOWED}")
    if len(text) > LONGEST:
        raise ValueError(f"a formula has {LONGEST} characters at most, this one has {len(text)}.")
    for at, sign in enumerate(text):
        if sign in "^²³·×−–÷π|=" or not sign.isascii():
            raise _refusal(text, at, sign, INSTEAD.get(sign, ALLOWED))
    # Line breaks count as spaces, one for one, so that characters keep their numbers.
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(re.sub(r"\s", " ", text), mode="eval").body
    except SyntaxError as error:
        raise _syntax(text, error) from None
    _check(tree, text)
    return tree


def _syntax(text, error):
    """What is wrong with a text that Python cannot read at all."""
    bare = re.search(rf"\b({'|'.join(FUNCTIONS)})\s+(?=\w)", text)
    if bare:
        return _refusal(text, bare.start(), bare[1], f"a function needs parentheses, as in {bare[1]}(x)")
    product = re.search(r"(\d|\)|\b[xye]|\bpi)\s*(?=[A-Za-z(])|[\w)]\s+(?=[\w(])", text)
    if product and not re.match(r"\w*\(", text[product.start() :]):
        shown = re.match(r".\s*[\w(]*", text[product.start() :])[0]
        return _refusal(text, product.start(), shown, "a product needs its *, as in 2*x")
    if text.count("(") != text.count(")"):
        at = text.index("(") if text.count("(") > text.count(")") else text.rindex(")")
        return _refusal(text, at, text[at], "its parentheses do not match")
    at = len(text) - 1 if text[-1] in "+-*/%" else max(0, min((error.offset or 1) - 1, len(text) - 1))
    return _refusal(text, at, text[at], INSTEAD.get(text[at], f"something is missing or too much here. {ALLOWED}"))


def _check(node, text) -> None:
    """Raise ValueError for the first part of the tree that is not known, saying where it stands."""
    shown = ast.get_source_segment(text, node) or ""
    at = node.col_offset
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            raise _refusal(text, at, shown, ALLOWED)
        _float(node.value, text, at, shown)
    elif isinstance(node, ast.Name):
        _check_name(node.id, text, at)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        _check(node.operand, text)
    elif isinstance(node, ast.BinOp):
        if type(node.op) not in OPERATORS:
            raise _refusal(text, at, shown, ALLOWED)
        _check(node.left, text)
        _check(node.right, text)
        _check_constant(node, text)
    elif isinstance(node, ast.Call):
        _check_call(node, text)
    elif isinstance(node, ast.Attribute):
        raise _refusal(text, at, shown, f"write {node.attr} alone, without what stands before the point")
    elif isinstance(node, ast.Subscript):
        raise _refusal(text, at, shown, "the parameters are called x and y")
    elif isinstance(node, ast.Tuple):
        raise _refusal(text, at, shown, "a loss is one number; in numbers write a point, as in 0.5")
    else:
        raise _refusal(text, at, shown, ALLOWED)


def _check_name(name, text, at) -> None:
    if name in VARIABLES or name in CONSTANTS:
        return
    if name in FUNCTIONS:
        raise _refusal(text, at, name, f"a function needs parentheses, as in {name}(x)")
    if name in SYNONYMS:
        raise _refusal(text, at, name, f"write {SYNONYMS[name]}")
    near = did_you_mean(name, [*FUNCTIONS, *CONSTANTS]).strip()
    raise _refusal(text, at, name, f"this name is not known. {near} {ALLOWED}".replace("  ", " "))


def _check_call(node, text) -> None:
    at = node.col_offset
    if isinstance(node.func, ast.Attribute):
        _check(node.func, text)
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in VARIABLES or name in CONSTANTS or not name:
        raise _refusal(text, at, ast.get_source_segment(text, node) or "", "a product needs its *, as in 2*(x + 1)")
    if name not in FUNCTIONS:
        _check_name(name, text, at)
    count = FUNCTIONS[name][0]
    if len(node.args) != count or node.keywords:
        example = f"{name}(x)" if count == 1 else f"{name}(x, y)"
        raise _refusal(text, at, name, f"it takes {count} argument{'s' * (count > 1)}, as in {example}")
    for argument in node.args:
        _check(argument, text)


def _check_constant(node, text) -> None:
    """Numbers among themselves are computed now: 1/0 and 9**9**9 are mistakes of the formula, not of a path."""
    if any(isinstance(part, ast.Call) or getattr(part, "id", "") in VARIABLES for part in ast.walk(node)):
        return
    shown = ast.get_source_segment(text, node) or ""
    try:
        value = _evaluate(node, {}, math)
    except ZeroDivisionError:
        raise _refusal(text, node.col_offset, shown, "it divides by zero") from None
    except OverflowError:
        raise _refusal(text, node.col_offset, shown, "it is too large a number") from None
    _float(value, text, node.col_offset, shown)


def _float(value, text, at, shown) -> None:
    try:
        finite = not isinstance(value, complex) and math.isfinite(float(value))
    except OverflowError:
        finite = False
    if not finite:
        raise _refusal(text, at, shown, "it is not a finite, real number")


def _refusal(text, at, shown, why) -> ValueError:
    end = "" if why.endswith((".", "!")) else "."
    return ValueError(f"cannot read {text!r} at its character {at + 1}, {shown!r}: {why}{end}")


# --- where it begins ---------------------------------------------------------------------------------------------


def _start(surface, given) -> tuple[float, ...]:
    """The given start, or the first of some points at which loss and gradient are finite."""
    if given is not None:
        start = np.ravel(np.asarray(given, dtype=float))
        if start.shape != (surface.dim,):
            names = " and ".join(VARIABLES[: surface.dim])
            raise ValueError(f"start of {surface.name} is {surface.dim} number{'s' * (surface.dim > 1)}, {names}.")
        if not np.isfinite(surface.losses(start)):
            raise ValueError(f"{surface.name} is {surface.losses(start)} at the start {tuple(start.tolist())}.")
        return tuple(start.tolist())
    low, high = np.array(surface.domain).T
    shares = np.array(np.meshgrid(*[_SHARES] * surface.dim, indexing="ij")).reshape(surface.dim, -1).T
    points = low + shares * (high - low)
    finite = np.isfinite(surface.losses(points))
    for point in points[finite]:
        gradient = surface.gradient(point)
        if np.isfinite(gradient).all() and gradient.any():
            return tuple(point.tolist())
    if finite.any():
        return tuple(points[finite][0].tolist())
    box = " and ".join(f"{v} from {a:g} to {b:g}" for v, (a, b) in zip(VARIABLES, surface.domain, strict=False))
    raise ValueError(f"{surface.name} has no finite value for {box}. Choose another domain=..., or another formula.")


_SHARES = (0.25, 0.75, 0.1, 0.9, 0.4, 0.6, 0.5, 0.0, 1.0)
