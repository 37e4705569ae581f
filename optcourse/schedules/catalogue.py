"""Every schedule of the course that follows the step alone, defined once: its form in Optax and in PyTorch.

Settings are shares, of the peak or of the steps, so that a shape keeps its meaning when a run gets longer; a part of
the steps may also be a whole number of them. The defaults are settings under which both libraries set the same rates,
wherever there are such settings; `Difference` records where a library's own default is another one, and what happens
after the last step.
"""

import optax

from optcourse.optimizers.entries import Difference
from optcourse.schedules.checks import count_of
from optcourse.schedules.entries import entry

# Differences are measured with a peak of 1, over 100 steps where nothing else is said.


@entry(
    "Constant",
    optax=lambda peak, steps: optax.constant_schedule(peak),
    torch=lambda lr, optimizer, peak, steps: lr.ConstantLR(optimizer, factor=1.0, total_iters=steps),
    optax_name="optax.constant_schedule",
    torch_name="ConstantLR(factor=1.0)",
    differences=(Difference("rate of the first step, by default", 1.0, 1 / 3),),
)
def constant(peak, steps):
    r"""One rate throughout: \(\eta_t = \eta\)."""


@entry(
    "Step",
    optax=lambda peak, steps, every, factor: optax.exponential_decay(
        peak, max(1, count_of(every, steps)), factor, staircase=True
    ),
    torch=lambda lr, optimizer, peak, steps, every, factor: lr.StepLR(
        optimizer, max(1, count_of(every, steps)), gamma=factor
    ),
    optax_name="optax.exponential_decay(staircase=True)",
    torch_name="StepLR",
)
def step(peak, steps, *, every=1 / 3, factor=0.1):
    r"""Multiplied by `factor` every so many steps; with \(k\) steps for `every` and \(f\) for `factor`,
    \(\eta_t = \eta\, f^{\lfloor t/k \rfloor}\)."""


@entry(
    "Multi-step",
    optax=lambda peak, steps, at, factor: optax.piecewise_constant_schedule(
        peak, {count_of(boundary, steps): factor for boundary in at}
    ),
    torch=lambda lr, optimizer, peak, steps, at, factor: lr.MultiStepLR(
        optimizer, [count_of(boundary, steps) for boundary in at], gamma=factor
    ),
    optax_name="optax.piecewise_constant_schedule",
    torch_name="MultiStepLR",
)
def multistep(peak, steps, *, at=(0.5, 0.75), factor=0.1):
    r"""Multiplied by `factor` at each of the steps `at`."""


@entry(
    "Exponential",
    optax=lambda peak, steps, end: optax.exponential_decay(peak, steps, end),
    torch=lambda lr, optimizer, peak, steps, end: lr.ExponentialLR(optimizer, gamma=end ** (1 / steps)),
    optax_name="optax.exponential_decay",
    torch_name="ExponentialLR",
)
def exponential(peak, steps, *, end=0.01):
    r"""The same factor in every step, down to the share `end` after the last: \(\eta_t = \eta\, r^{\,t/T}\), with
    \(r\) for `end` and \(T\) for `steps`."""


@entry(
    "Linear",
    optax=lambda peak, steps, end: optax.linear_schedule(peak, end * peak, steps),
    torch=lambda lr, optimizer, peak, steps, end: lr.LinearLR(optimizer, 1.0, end, total_iters=steps),
    optax_name="optax.linear_schedule",
    torch_name="LinearLR(start_factor=1.0, end_factor=...)",
    differences=(Difference("direction, by default", "none: both ends are given", "up, from 1/3 in 5 steps"),),
)
def linear(peak, steps, *, end=0.0):
    r"""Straight down to the share `end`: \(\eta_t = \eta\,(1 - t/T)\) for `end` 0."""


@entry(
    "Polynomial",
    optax=lambda peak, steps, power: optax.polynomial_schedule(peak, 0.0, power, steps),
    torch=lambda lr, optimizer, peak, steps, power: lr.PolynomialLR(optimizer, total_iters=steps, power=power),
    optax_name="optax.polynomial_schedule",
    torch_name="PolynomialLR",
    differences=(Difference("power, by default", "none: it is given", 1.0),),
)
def polynomial(peak, steps, *, power=2.0):
    r"""\(\eta_t = \eta\,(1 - t/T)^p\), with \(p\) for `power`."""


@entry(
    "Cosine",
    optax=lambda peak, steps, end: optax.cosine_decay_schedule(peak, steps, alpha=end),
    torch=lambda lr, optimizer, peak, steps, end: lr.CosineAnnealingLR(optimizer, T_max=steps, eta_min=end * peak),
    optax_name="optax.cosine_decay_schedule",
    torch_name="CosineAnnealingLR",
    differences=(
        Difference("rate 50 steps after the last", 0.0, 0.5),
        Difference("the lowest rate is given as", "alpha, a share of the peak", "eta_min, a rate"),
    ),
    source="Loshchilov and Hutter 2017, arXiv:1608.03983",
)
def cosine(peak, steps, *, end=0.0):
    r"""Half a cosine from the peak down to the share `end`; where that is 0,
    \(\eta_t = \tfrac{\eta}{2}(1 + \cos(\pi t/T))\)."""


def restart_lengths(steps, first, growth):
    """The lengths of the cycles that cover `steps`, each `growth` times the one before."""
    length, lengths = max(1, count_of(first, steps)), []
    while sum(lengths) < steps:
        lengths.append(length)
        length *= growth
    return lengths


@entry(
    "Warm restarts",
    optax=lambda peak, steps, first, growth, end: optax.sgdr_schedule(
        [
            {
                "init_value": peak,
                "peak_value": peak,
                "warmup_steps": 0,
                "decay_steps": length,
                "end_value": end * peak,
            }
            for length in restart_lengths(steps, first, growth)
        ]
    ),
    torch=lambda lr, optimizer, peak, steps, first, growth, end: lr.CosineAnnealingWarmRestarts(
        optimizer, T_0=max(1, count_of(first, steps)), T_mult=growth, eta_min=end * peak
    ),
    optax_name="optax.sgdr_schedule",
    torch_name="CosineAnnealingWarmRestarts",
    differences=(
        Difference("rate of the step after the last, 70 steps", 0.0, 1.0),
        Difference(
            "cycles", "as many as are listed, each with settings of its own", "without end, T_mult times longer"
        ),
    ),
    source="Loshchilov and Hutter 2017, arXiv:1608.03983",
)
def warm_restarts(peak, steps, *, first=1 / 7, growth=2, end=0.0):
    r"""Cosine after cosine: the first takes the part `first` of the steps, each next is `growth` times as long."""


@entry(
    "Warmup",
    optax=lambda peak, steps, warmup, start: optax.warmup_constant_schedule(
        start * peak, peak, count_of(warmup, steps)
    ),
    torch=lambda lr, optimizer, peak, steps, warmup, start: torch_warmup(lr, optimizer, start, count_of(warmup, steps)),
    optax_name="optax.warmup_constant_schedule",
    torch_name="LinearLR(start_factor=...)",
    differences=(
        Difference("a first rate of 0", "0", "refused: start_factor must be above 0"),
        Difference("first rate, by default", "none: init_value is given", 1 / 3),
    ),
    source="Goyal et al. 2017, arXiv:1706.02677",
)
def warmup(peak, steps, *, warmup=0.05, start=0.01):
    r"""Straight up from the share `start` to the peak in the part `warmup` of the steps, then constant."""


def torch_warmup(lr, optimizer, start, steps):
    """LinearLR, which refuses to start from 0."""
    if not steps:
        return lr.ConstantLR(optimizer, factor=1.0)
    if start <= 0:
        raise ValueError(
            "LinearLR of PyTorch refuses a warmup that starts from 0: give a small share above it, as in start=0.01."
        )
    return lr.LinearLR(optimizer, start, 1.0, total_iters=steps)


def _warmup_cosine_parts(peak, steps, warmup, start, end):
    length = count_of(warmup, steps)
    if length >= steps:
        raise ValueError(f"the warmup takes all {steps} steps: nothing is left for the cosine.")
    down = cosine(peak, steps - length, end=end)
    return ([_rise(peak, length, start), down], [length]) if length else ([down], [])


def _rise(peak, steps, start):
    return globals()["warmup"](peak, steps, warmup=steps, start=start)


def _optax_warmup_cosine(peak, steps, warmup, start, end):
    _warmup_cosine_parts(peak, steps, warmup, start, end)  # which checks them
    return optax.warmup_cosine_decay_schedule(start * peak, peak, count_of(warmup, steps), steps, end * peak)


@entry(
    "Cosine with warmup",
    optax=_optax_warmup_cosine,
    torch=None,
    parts=_warmup_cosine_parts,
    optax_name="optax.warmup_cosine_decay_schedule",
    torch_name="SequentialLR of LinearLR, CosineAnnealingLR",
    differences=(
        Difference("a first rate of 0", "0", "refused: start_factor must be above 0"),
        Difference("rate 95 steps after the last", 0.0, 1.0),
        Difference("decay_steps and T_max count", "all steps, the warmup among them", "the steps of the cosine alone"),
    ),
    source="Loshchilov and Hutter 2017, arXiv:1608.03983; Goyal et al. 2017, arXiv:1706.02677",
)
def warmup_cosine(peak, steps, *, warmup=0.05, start=0.01, end=0.0):
    r"""Straight up in the part `warmup` of the steps, then half a cosine down over all that are left."""


def _optax_cyclic(peak, steps, base, cycles):
    half = cycle_half(steps, cycles)
    ups_and_downs = [(base * peak, peak), (peak, base * peak)] * cycles
    pieces = [optax.linear_schedule(begin, end, half) for begin, end in ups_and_downs]
    return optax.join_schedules(pieces, [half * i for i in range(1, 2 * cycles)])


def cycle_half(steps, cycles):
    """Steps from a lowest rate to the next peak."""
    return max(1, round(steps / (2 * cycles)))


@entry(
    "Cyclic",
    optax=_optax_cyclic,
    torch=lambda lr, optimizer, peak, steps, base, cycles: lr.CyclicLR(
        optimizer, base * peak, peak, step_size_up=cycle_half(steps, cycles), cycle_momentum=False
    ),
    optax_name="optax.join_schedules of linear_schedule: it has no name for it",
    torch_name="CyclicLR(cycle_momentum=False)",
    agreement="one library",
    differences=(
        Difference("momentum, by default", "stays", "goes from 0.9 to 0.8 and back, in an SGD without any too"),
        Difference("rate half a cycle after the last step", 0.1, 1.0),
    ),
    source="Smith 2017, arXiv:1506.01186",
)
def cyclic(peak, steps, *, base=0.1, cycles=2):
    r"""Straight up from the share `base` to the peak and down again, `cycles` times."""


def _torch_one_cycle(lr, optimizer, peak, steps, **settings):
    return lr.OneCycleLR(optimizer, peak, total_steps=steps, cycle_momentum=False, **settings)


def _optax_one_cycle(peak, steps, pct_start, div_factor, final_div_factor):
    if int(pct_start * steps) < 1:
        raise ValueError(f"one_cycle has no step to rise in: pct_start {pct_start} of {steps} steps is less than one.")
    return optax.cosine_onecycle_schedule(steps, peak, pct_start, div_factor, final_div_factor)


@entry(
    "One cycle",
    optax=_optax_one_cycle,
    torch=_torch_one_cycle,
    optax_name="optax.cosine_onecycle_schedule",
    torch_name="OneCycleLR(cycle_momentum=False)",
    agreement="different",
    differences=(
        Difference("step of the peak", 30, 29),
        Difference("rate of the last step, 99", 0.000507, 0.000004),
        Difference("first step with the lowest rate", 100, 99),
        Difference("two steps after the last", "stays at the lowest rate", "ValueError"),
        Difference("momentum, by default", "stays", "goes from 0.95 to 0.85 and back, in an SGD without any too"),
    ),
    source="Smith and Topin 2017, arXiv:1708.07120",
)
def one_cycle(peak, steps, *, pct_start=0.3, div_factor=25.0, final_div_factor=1e4):
    r"""From the peak over `div_factor` up by half a cosine in the share `pct_start` of the steps, then by another one
    down to the first rate over `final_div_factor`."""


def _wsd_parts(peak, steps, warmup, decay, start, end):
    rise, fall = count_of(warmup, steps), count_of(decay, steps)
    if rise + fall > steps:
        raise ValueError(f"warmup and decay take {rise + fall} steps, the schedule has {steps}.")
    stable = steps - rise - fall
    made = [(_rise, rise, start), (lambda p, n, _: constant(p, n), stable, None)]
    made.append((lambda p, n, e: linear(p, n, end=e), fall, end))
    present = [(make, length, setting) for make, length, setting in made if length]
    starts = [sum(length for _, length, _ in present[:i]) for i in range(1, len(present))]
    return [make(peak, length, setting) for make, length, setting in present], starts


def _joined(parts, at):
    return optax.join_schedules([part.optax for part in parts], at)


@entry(
    "Warmup-stable-decay",
    optax=lambda *args, **settings: _joined(*_wsd_parts(*args, **settings)),
    torch=None,
    parts=_wsd_parts,
    optax_name="optax.join_schedules of linear_schedule, constant_schedule, linear_schedule",
    torch_name="SequentialLR of LinearLR, ConstantLR, LinearLR",
    differences=(Difference("a first rate of 0", "0", "refused: start_factor must be above 0"),),
    source="Hu et al. 2024, arXiv:2404.06395",
)
def warmup_stable_decay(peak, steps, *, warmup=0.05, decay=0.2, start=0.01, end=0.0):
    r"""Straight up in the part `warmup` of the steps, constant, and straight down to the share `end` in the part
    `decay`."""
