"""JavaScript under construction: pure expressions, statements and blocks, printed without what is not needed.

An expression that is used once is written where it is used; one that is used more often becomes a `const`;
one that is not used is left out. That keeps the source short enough to read beside the figure.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

# How tightly an operator binds, as JavaScript has it.
ATOM, CALL, UNARY, TIMES, PLUS, SHIFT, COMPARE, EQUAL, BIT_AND, BIT_XOR, BIT_OR, AND, OR, CHOICE = range(20, 6, -1)
LONGEST_EXPRESSION = 110
_RESERVED = (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends "
    "false finally for function if implements import in instanceof interface let new null package private protected "
    "public return static super switch this throw true try typeof var void while with yield undefined NaN Infinity "
    "Math Float64Array Number out i j k l m n"  # the letters count loops
)
RESERVED = frozenset(_RESERVED.split())


class Item:
    """Something in a block; `needs` are the items it cannot do without."""

    needs: Sequence["Item"] = ()


@dataclass(eq=False)
class Node(Item):
    """A scalar expression: a pattern with its operands in it, `"{} + {}"`."""

    pattern: str
    operands: tuple["Node", ...] = ()
    binds: int = ATOM
    operand_binds: tuple[int, ...] = ()  # how tightly each operand must bind to need no brackets
    name: str = ""  # what the source calls it
    block: "Block | None" = None
    always_named: bool = False
    needs: Sequence[Item] = ()
    value: object = None  # of a literal
    origin: str = ""  # the function it came from, for a comment


@dataclass(eq=False)
class Array(Item):
    """A Float64Array that one or more statements fill; it is allocated once, outside of the function."""

    name: str
    size: int
    needs: list[Item] = field(default_factory=list)
    content: np.ndarray | None = None  # of a constant


@dataclass(eq=False)
class Statement(Item):
    """Code that does something: `write(printer)` prints it."""

    write: Callable[["Printer"], None]
    needs: list[Item] = field(default_factory=list)
    block: "Block | None" = None  # where it stands, if its operands may be written inside of it


@dataclass(eq=False)
class Block:
    """What is between two curly brackets."""

    items: list[Item] = field(default_factory=list)
    known: dict[tuple, Node] = field(default_factory=dict)  # expressions by what they are made of


def literal(value) -> Node:
    """A number or truth value as JavaScript writes it."""
    if isinstance(value, (bool, np.bool_)):
        return Node("true" if value else "false", value=bool(value))
    number = int(value) if isinstance(value, (int, np.integer)) else float(value)
    if isinstance(number, float) and not math.isfinite(number):
        text = "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    else:
        text = repr(number).removesuffix(".0").replace("e+", "e").replace("e-0", "e-")
    return Node(text, binds=UNARY if text.startswith("-") else ATOM, value=number)


class Names:
    """Gives every variable a name of its own, as near to the wanted one as JavaScript allows."""

    def __init__(self, taken=()):
        self.taken = {*RESERVED, *taken}

    def fresh(self, wanted: str, *, again: str = "") -> str:
        """A free name like the wanted one; `again` is set before it where it is taken."""
        base = re.sub(r"\W+", "_", wanted).strip("_") or "v"
        base = f"_{base}" if base[0].isdigit() else base
        name, number = base, 1
        while name in self.taken:
            number += 1
            name = f"{base}_{number}" if base[-1].isdigit() else f"{base}{number}"
            if again and number == 2:
                name = again + base
        self.taken.add(name)
        return name


class Printer:
    """Prints what is needed of a block, and remembers which constants got which name."""

    def __init__(self, names: Names, roots: Sequence[Item], indent: str = "  "):
        self.names, self.indent, self.lines = names, indent, []
        self.uses: dict[int, int] = {}
        self.used_elsewhere: set[int] = set()  # in another block, or in a statement: computed where they stand
        self.variables: dict[int, str] = {}
        self.named: list[str] = []  # what a name stands for after the last line, not only in a loop or branch
        self.origins: dict[int, str] = {}  # the function that the lines from this one on came from
        self._mark(roots)

    def _mark(self, roots) -> None:
        """Count the uses of all that is needed, from the roots backwards."""
        pending, seen = list(roots), set()
        while pending:
            item = pending.pop()
            if id(item) in seen:
                continue
            seen.add(id(item))
            if isinstance(item, Node):
                for operand in item.operands:
                    self._use(operand, item.block)
                pending.extend(item.operands)
            elif isinstance(item, Statement):
                for need in item.needs:
                    if isinstance(need, Node):
                        self._use(need, item.block)
            pending.extend(item.needs)
        self.needed = seen

    def _use(self, node: Node, where: Block | None) -> None:
        self.uses[id(node)] = self.uses.get(id(node), 0) + 1
        if where is None or (node.block is not None and where is not node.block):
            self.used_elsewhere.add(id(node))

    def line(self, text: str) -> None:
        self.lines.append(self.indent + text)

    def name(self, *names: str) -> None:
        """Remember names that are in scope until the end."""
        if len(self.indent) == 2:
            self.named.extend(names)

    def block(self, block: Block) -> None:
        """Print the needed items of a block, in order."""
        for item in block.items:
            if id(item) not in self.needed:
                continue
            if isinstance(item, Statement):
                item.write(self)
            elif self._is_variable(item):
                text = self._expression(item)
                name = self.names.fresh(item.name or "t", again="new_" if item.name else "")
                self.variables[id(item)] = name
                self.name(name)
                if item.origin not in ("", *list(self.origins.values())[-1:]) and name in self.named:
                    self.origins[len(self.lines)] = item.origin
                self.line(f"const {name} = {text};")

    def inner(self, *blocks: Block) -> None:
        self.indent += "  "
        for block in blocks:
            self.block(block)
        self.indent = self.indent[:-2]

    def text(self, node: Node, at_least: int = 0) -> str:
        """The expression, in brackets where it binds less tightly than its surroundings."""
        if name := self.variables.get(id(node)):
            return name
        text = self._expression(node)
        return f"({text})" if node.binds < at_least else text

    def _expression(self, node: Node) -> str:
        binds = node.operand_binds or (0,) * len(node.operands)
        return node.pattern.format(*map(self.text, node.operands, binds)) if node.operands else node.pattern

    def _is_variable(self, node: Node) -> bool:
        if not node.operands and not node.always_named:
            return False
        uses = self.uses.get(id(node), 0)
        if node.always_named or uses > 1 or id(node) in self.used_elsewhere:
            return True
        # An expression that would not fit on a line is given a name, by the source or by us.
        return bool(node.name) or len(self._expression(node)) > LONGEST_EXPRESSION
