"""Predict, then run: what narrow formats hold."""

from optcourse.exercises.mistake import Mistake
from optcourse.exercises.values import number, value_exercise
from optcourse.precision import get

HALF, BRAIN = get("float16"), get("bfloat16")

FORMAT_GUESS = value_exercise(
    "format_guess",
    "mixed_precision",
    parts={
        "spacing": number(
            HALF.spacing(1000),
            mistakes=(
                Mistake("epsilon", "2^-10 is the spacing at 1. It doubles with every power of two.", HALF.epsilon),
                Mistake(
                    "relative to 1000",
                    lambda value: (
                        f"{value:.4g} is 1000 epsilon. The spacing is the same from 512 to 1024: 512 epsilon."
                    ),
                    1000 * HALF.epsilon,
                ),
                Mistake("one binade up", "That is the spacing from 1024 on.", 2 * HALF.spacing(1000)),
                Mistake("bfloat16", "That is the spacing in bfloat16.", BRAIN.spacing(1000)),
            ),
            hint="Between 512 and 1024 there are 2^10 numbers, evenly spaced.",
        ),
        "first_gap": number(
            2 ** (HALF.mantissa_bits + 1) + 1,
            tolerance=1e-6,
            mistakes=(
                Mistake("still exact", "2048 is a power of two, which every format with that range holds.", 2048),
                Mistake("bfloat16", "257 is the first that bfloat16 cannot hold. float16 has three bits more.", 257),
                Mistake("largest number", "Up to 65504 there are numbers, but not all whole ones.", 65505),
                Mistake("one bit short", "1025 is held: the leading one is a bit that is not stored.", 1025),
            ),
            hint="From which number on is the spacing 2?",
        ),
        "lost_step": number(
            BRAIN.epsilon / 2,
            mistakes=(
                Mistake("the spacing", "A step of a whole spacing, 2^-7, arrives at the next number.", BRAIN.epsilon),
                Mistake("half of it again", "A step of 2^-9 is lost, but so are larger ones.", BRAIN.epsilon / 4),
                Mistake("float16", "That is the answer for float16.", HALF.epsilon / 2),
            ),
            hint="Half the spacing is halfway, and 1 is even.",
        ),
        "scale": number(
            4.0,
            tolerance=1e-6,
            mistakes=(
                Mistake(
                    "up to the smallest number",
                    "8 is enough, but so is less: what lies above half of the smallest number, 2^-25, is rounded up.",
                    8.0,
                ),
                Mistake(
                    "no power of two", "3 would do, but it is no power of two, and would round other numbers.", 3.0
                ),
                Mistake("one too small", "2 makes it 2e-8, less than 2^-25 = 2.98e-8: it is rounded to 0.", 2.0),
                Mistake(
                    "smallest normal number",
                    "You bring it up to the normal numbers, from 6.1e-5 on. Below them there are subnormal ones.",
                    8192.0,
                ),
            ),
            hint="What lies between 2^-25 and 2^-24 is rounded up to 2^-24 = 6e-8.",
        ),
        "b2": number(
            1.0,
            tolerance=1e-6,
            mistakes=(
                Mistake("as written", "0.999 is no number of bfloat16: which are its neighbours?", 0.999),
                Mistake(
                    "rounded down",
                    "0.99609375 is the neighbour below, and three times as far away as the one above.",
                    BRAIN.neighbours(0.999)[0],
                ),
            ),
            hint="Its neighbours are 1 - 2^-8 and 1.",
        ),
    },
    remark="Relative precision is the same everywhere; what a step loses depends on the weight it is added to.",
)
