"""Rules for `jax.random`: keys as pairs of whole numbers, and the bits that JAX makes of them.

Keys are those of JAX's default, Threefry 2x32 (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3",
doi:10.1145/2063384.2063405), in the partitionable form: element k of an array is the hash of k.
"""

import numpy as np

from optcourse.explorables.array_primitives import stacked
from optcourse.explorables.code import SHIFT, TIMES, Node, literal
from optcourse.explorables.primitives import arithmetic, result_of, rule
from optcourse.explorables.values import Keys, scalars

WORD = np.dtype("uint32")


def _hashed(low, key: Keys, counts: list[tuple[Node, Node]], shape) -> Keys:
    """The two words that Threefry makes of each pair of counts."""
    if key.shape:
        raise low.unsupported("an array of keys, used all at once,")
    words = low.element(key.first, 0), low.element(key.second, 0)
    first, second = (
        scalars([low.helper("threefry", *words, *count, literal(which)) for count in counts], shape, WORD)
        for which in (0, 1)
    )
    return Keys(first, second)


def _counted(low, key: Keys, shape) -> Keys:
    size = int(np.prod(shape, dtype=int))
    return _hashed(low, key, [(literal(0), literal(k)) for k in range(size)], shape)


@rule("random_seed")
def _random_seed(low, eqn, seed):
    _check(low, eqn.params["impl"])
    if seed.shape:
        raise low.unsupported("an array of seeds")
    node = low.as_number(low.element(seed, 0), seed.dtype)
    if node.value is not None:
        words = literal((int(node.value) >> 32) % 2**32), literal(int(node.value) % 2**32)
    else:
        low_word = low.node("{} >>> 0", node, binds=SHIFT, operand_binds=(SHIFT,))
        high = low.node("Math.floor({} / 4294967296) >>> 0", node, binds=SHIFT, operand_binds=(TIMES,))
        words = high, low_word
    if seed.dtype.itemsize < 8:
        words = literal(0), words[1]
    return Keys(*(scalars([word], (), WORD) for word in words))


@rule("random_wrap")
def _random_wrap(low, eqn, words):
    _check(low, eqn.params["impl"])
    return Keys(*(words.rearranged(lambda a, k=k: a[..., k]) for k in (0, 1)))


@rule("random_unwrap")
def _random_unwrap(low, eqn, key):
    return stacked(low, *result_of(eqn), [key.first, key.second], -1)


@rule("random_fold_in")
def _random_fold_in(low, eqn, key, number):
    return _hashed(low, key, [(literal(0), low.element(number, 0))], ())


@rule("random_split")
def _random_split(low, eqn, key):
    return _counted(low, key, eqn.params["shape"])


@rule("random_bits")
def _random_bits(low, eqn, key):
    shape, dtype = result_of(eqn)
    if dtype != WORD:
        raise low.unsupported(f"{dtype.name} as random bits")
    pairs = _counted(low, key, shape)
    pattern = "({} ^ {}) >>> 0"
    nodes = [
        low.node(pattern, a, b, binds=SHIFT)
        for a, b in zip(pairs.first.nodes.flat, pairs.second.nodes.flat, strict=True)
    ]
    return scalars(nodes, shape, dtype)


def uniform(low, eqn, key, smallest, largest):
    """Random numbers in [smallest, largest): as many random bits as fit behind the point.

    JAX puts them into the bits of a number between 1 and 2; here they are divided, which is the same.
    """
    shape, dtype = result_of(eqn)
    if dtype.name not in ("float32", "float64"):
        raise low.unsupported(f"{dtype.name} at random")
    pairs = _counted(low, key, shape)
    double = dtype.name == "float64"
    pattern = "({} * 1048576 + ({} >>> 12)) / 4503599627370496" if double else "(({} ^ {}) >>> 9) / 8388608"
    low_, high = (low.rounded(low.element(value, 0), dtype) for value in (smallest, largest))
    width = arithmetic(low, dtype, "-", high, low_)
    nodes = []
    for first, second in zip(pairs.first.nodes.flat, pairs.second.nodes.flat, strict=True):
        part = low.node(pattern, first, second, binds=TIMES, operand_binds=(TIMES, TIMES))
        scaled = arithmetic(low, dtype, "+", arithmetic(low, dtype, "*", part, width), low_)
        nodes.append(low.node("Math.max({}, {})", low_, scaled))
    return scalars(nodes, shape, dtype)


def _check(low, implementation) -> None:
    if implementation.name != "threefry2x32":
        raise low.unsupported(f"keys of the kind {implementation.name}")
