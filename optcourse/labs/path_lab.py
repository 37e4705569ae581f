"""`path_lab`: any surface, any optimizers of either library, any schedule, side by side."""

import numpy as np
import traitlets

from optcourse import plotting, surfaces
from optcourse.explorables import CompileError, Explorable
from optcourse.labs.choices import choice_of
from optcourse.labs.output import mimebundle
from optcourse.labs.path_figure import code_of, draw_paths, live_optimizers
from optcourse.labs.pictures import picture
from optcourse.plotting.view import check_drawable
from optcourse.surfaces import LossSurface
from optcourse.surfaces.from_text import VARIABLES
from optcourse.tracing import check_start, check_steps, run

MOST_OPTIMIZERS, MOST_STEPS = 3, 20_000
SETTINGS = ("surface", "choices", "start", "steps", "noise", "seed")


class PathLab(traitlets.HasTraits):
    """Paths of up to three optimizers on a surface, all of it to be chosen; see `path_lab`.

    Everything can be read, set and observed from Python: `surface`, `choices` (see `Choice`), `start`, `steps`,
    `noise` and `seed`. A value that cannot be is refused with a sentence, and nothing changes.
    """

    surface = traitlets.Any(help="a LossSurface; set it by a name of the catalogue, a formula, or a LossSurface")
    choices = traitlets.Any(help="up to three; set them by names, factories, optimizers or Choices")
    start = traitlets.Any(help="where the paths begin; a new surface brings its own")
    steps = traitlets.Any(help="how many steps the paths have")
    noise = traitlets.Any(help="standard deviation of the noise on each coordinate of the gradient")
    seed = traitlets.Any(help="of that noise")

    def __init__(self, surface, choices, *, start=None, steps=200, noise=None, seed=0, **static):
        self._static = static
        self._view, self._paths = None, {}
        super().__init__()
        self.surface = surface
        self.choices = choices
        self.steps, self.seed = steps, seed
        self.noise = self.surface.noise_scale if noise is None else noise
        self.start = _default_start(self.surface) if start is None else start

    def __repr__(self):
        return f"<PathLab of {', '.join(self.labelled_choices())} on {self.surface.name}: {self.steps} steps>"

    def labelled_choices(self) -> dict:
        """The choices by the label that figures give them; a label that occurs twice is numbered."""
        labels = [choice.label for choice in self.choices]
        return {
            f"{label} ({labels[:i].count(label) + 1})" if labels.count(label) > 1 else label: choice
            for i, (label, choice) in enumerate(zip(labels, self.choices, strict=True))
        }

    @property
    def optimizers(self) -> dict:
        """The optimizers by label."""
        return {label: choice.build(self.steps) for label, choice in self.labelled_choices().items()}

    def paths(self) -> dict:
        """The paths by label, as `run` computes them."""
        ground, known, paths = self.surface.with_noise(self.noise), self._paths, {}
        self._paths = {}  # what was computed for the settings of before is kept where it is still true
        for label, choice in self.labelled_choices().items():
            key = (choice.python(self.steps), ground, self.start, self.steps, self.seed)
            if key not in known:
                options = {"steps": self.steps, "seed": self.seed, "progress": False}
                known[key] = run(choice.build(self.steps), ground, self.start, **options)
            self._paths[key] = paths[label] = known[key]
        return paths

    def figure(self):
        """Paths, losses and learning rates, as a matplotlib figure."""
        return draw_paths(self.paths())

    def code(self) -> str:
        """The Python that makes this figure without the lab."""
        return code_of(self)

    def explorable(self) -> Explorable:
        """The same as a live figure, which needs no kernel.

        Raises:
            ValueError: where none of the optimizers can be computed on a page.
            CompileError: for a part of the surface or of an optimizer that has no translation.
        """
        live, _ = live_optimizers(self)
        options = {"panels": ["theory", "sensitivity", "share"], **self._static}
        ground = self.surface.with_noise(self.noise)
        return Explorable(ground, live, start=self.start, steps=self.steps, **options)

    def to_html(self) -> str:
        """What stays where no kernel runs: a live figure of these settings, or a picture where there can be none."""
        try:
            return self.explorable().to_html()
        except (CompileError, ValueError):
            paths = self.paths()
            return picture(draw_paths(paths), self._static.get("alt") or plotting.describe(paths), stored=True)

    def view(self):
        """The lab as an ipywidgets widget; the same one at every call."""
        if self._view is None:
            from optcourse.labs.path_view import PathView

            self._view = PathView(self)
        return self._view.widget

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return mimebundle(self)

    # --- what can be chosen --------------------------------------------------------------------------------------

    @traitlets.validate("surface")
    def _check_surface(self, proposal):
        surface = surface_of(proposal.value)
        check_drawable(surface)
        return surface

    @traitlets.validate("choices")
    def _check_choices(self, proposal):
        given = proposal.value if isinstance(proposal.value, (list, tuple)) else [proposal.value]
        if not 1 <= len(given) <= MOST_OPTIMIZERS:
            raise ValueError(f"a lab shows one to {MOST_OPTIMIZERS} optimizers, got {len(given)}.")
        return tuple(choice_of(one) for one in given)

    @traitlets.validate("start")
    def _check_start(self, proposal):
        return tuple(float(x) for x in np.asarray(check_start(self.surface, proposal.value)))

    @traitlets.validate("steps")
    def _check_steps(self, proposal):
        steps = check_steps(proposal.value)
        if not 1 <= steps <= MOST_STEPS:
            raise ValueError(f"steps must be from 1 to {MOST_STEPS}, got {steps}.")
        return steps

    @traitlets.validate("noise")
    def _check_noise(self, proposal):
        noise = float(proposal.value)
        if not 0 <= noise < np.inf:
            raise ValueError(f"noise is a standard deviation, 0 or more, got {noise:g}.")
        return noise

    @traitlets.validate("seed")
    def _check_seed(self, proposal):
        return check_steps(proposal.value)

    @traitlets.observe("surface")
    def _start_of_surface(self, change):
        if isinstance(change.old, LossSurface):
            self.start = _default_start(self.surface)


def path_lab(
    surface="rosenbrock",
    optimizers=("momentum", "adam"),
    *,
    start=None,
    steps: int = 200,
    noise: float | None = None,
    seed: int = 0,
    name: str | None = None,
    caption: str = "",
    alt: str | None = None,
) -> PathLab:
    """A lab for paths: choose the surface or write one, the optimizers, their settings and schedules.

    It shows itself in a notebook. Where no kernel runs, a live figure of the same settings is in its place.

    >>> lab = path_lab("x**2 + 10*y**2", ["sgd", "adam"], steps=50)
    >>> lab.surface = "beale"
    >>> lab.start
    (1.0, 1.5)
    >>> {label: len(path) for label, path in lab.paths().items()}
    {'SGD': 50, 'Adam': 50}

    Args:
        surface: a name of the catalogue, a formula, or a LossSurface of one or two parameters.
        optimizers: one to three: names, factories, optimizers of the catalogue, or `labs.Choice`.
        start: where paths begin; by default the surface's own start.
        steps: how many steps.
        noise: standard deviation of the gradient's noise; by default the surface's own.
        seed: of the noise.
        name, caption, alt: of the live figure that stays on a static page, as for `oc.Explorable`.

    Raises:
        KeyError, TypeError, ValueError: for bad input, which says what there is.
    """
    static = {"name": name, "caption": caption, "alt": alt}
    return PathLab(surface, optimizers, start=start, steps=steps, noise=noise, seed=seed, **static)


def surface_of(given) -> LossSurface:
    """A surface out of one, its name in the catalogue, its factory, or a formula."""
    if isinstance(given, LossSurface):
        return given
    if isinstance(given, str):
        name = given.strip()
        known = name in surfaces.catalogue() or (name.isidentifier() and name not in VARIABLES)
        return surfaces.get(name)() if known else surfaces.from_text(given)
    if given in surfaces.catalogue().values():
        return given()
    raise TypeError(f"expected a surface's name, a formula or a LossSurface, got {type(given).__name__}.")


def drawable_surfaces() -> list[str]:
    """Names of the catalogue's surfaces of one or two parameters."""
    return [name for name, factory in surfaces.catalogue().items() if factory().dim in (1, 2)]


def _default_start(surface):
    if surface.start is not None:
        return surface.start
    return [low + 0.25 * (high - low) for low, high in surface.domain]
