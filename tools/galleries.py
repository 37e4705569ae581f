"""The galleries: a page with every surface and one with every optimizer, each with a live figure; one of schedules.

The text is written by `make execute`, from the catalogues. The figures are compiled when the site is built, by
`book/_ext/live_figures.py`, and kept in `.live_figures/` until something they depend on changes.
"""

import hashlib
import inspect
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import chapters
import numpy as np
import schedule_gallery

KEPT = chapters.ROOT / ".live_figures"
STEPS = 200
TITLES = {  # of people
    "goldstein_price": "Goldstein–Price",
    "mccormick": "McCormick",
    "reddi_online": "Reddi's online problem",
    "styblinski_tang": "Styblinski–Tang",
    "three_hump_camel": "Three-hump camel",
}
LAST = 20  # the score is the median loss over so many steps: the last one alone is a lottery
RATES = [round(digit * 10.0**power, 9) for power in range(-7, 2) for digit in (1, 2, 5)]
ON_SURFACES = ("sgd", "momentum", "adam")  # they race on each surface
TESTING_GROUND = "rosenbrock"  # where each optimizer is shown
RATES_NOTE = (
    f"Learning rates: of {len(RATES)} from {RATES[0]:g} to {RATES[-1]:g}, the one with the lowest median loss over the "
    f"last {LAST} of {STEPS} steps from this start, inside the view. All else is at its default."
)
HEADER = "<!-- Generated from the catalogues by `make execute`. Edits are lost. Made from {key}. -->\n"


def explorable(kind: str, name: str, rates: dict[str, float]):
    """The live figure of a surface or an optimizer, for optimizers with these learning rates."""
    import optcourse as oc
    from optcourse import optimizers, surfaces

    titles = {method: optimizers.entries()[method].title for method in rates}
    methods = {titles[method]: optimizers.get(method)(rate) for method, rate in rates.items()}
    if kind == "surface":
        surface = surfaces.get(name)()
        caption = f"{title_of(name)}: drag the start. " + (RATES_NOTE if is_tuned(surface) else "")
    else:
        surface = surfaces.get(TESTING_GROUND)()
        caption = f"{titles[name]} in Rosenbrock's valley: drag the start. {RATES_NOTE}"
    return oc.Explorable(
        surface, methods, steps=STEPS, name=f"{kind}-{name}".replace("_", "-"), caption=caption.strip()
    )


def is_tuned(surface) -> bool:
    """Whether there is a minimum to reach, so that a learning rate can be the best."""
    return bool(surface.minima) and not surface.step_dependent


def best_rate(name: str, surface) -> float:
    """The learning rate that `RATES_NOTE` speaks of; where several are equally good, the nearest to the default."""
    import optcourse as oc
    from optcourse import optimizers

    if not is_tuned(surface):
        return 0.05
    factory = optimizers.get(name)
    record = ("params", "loss")
    paths = oc.sweep(factory, surface, surface.start, steps=STEPS, learning_rate=RATES, record=record)
    low, high = np.array(surface.domain).T
    params, losses = (paths[what].values[:, -LAST:] for what in record)
    usable = ((params >= low) & (params <= high)).all(axis=(1, 2)) & np.isfinite(losses).all(axis=1)
    score = np.where(usable, np.median(losses, axis=1), np.inf)
    best = np.flatnonzero(score == score.min())
    away = np.abs(np.log(np.array(RATES)[best] / factory().hyperparams["learning_rate"]))
    return RATES[int(best[np.argmin(away)])]


def live_figure(kind: str, name: str, methods, surface) -> str:
    """The directive for a figure, with the learning rates found for it."""
    rates = "\n".join(f"{method} {best_rate(method, surface):g}" for method in methods)
    return f"\n```{{live-figure}} {kind} {name}\n{rates}\n```\n"


def title_of(name: str) -> str:
    """A catalogue name as a heading."""
    return TITLES.get(name) or name.replace("_", " ").capitalize()


# --- the text ---------------------------------------------------------------------------------------------------------


def surface_page() -> str:
    """The gallery of surfaces, as MyST Markdown."""
    from optcourse import surfaces

    sections = [surface_section(name, factory()) for name, factory in surfaces.catalogue().items()]
    return "\n".join(
        [
            HEADER.format(key=key()),
            "# Surfaces\n",
            "Every surface of the course, alive. Each is one function with a name: `surfaces.rosenbrock()` in a "
            "notebook is the surface below. SGD, momentum and Adam start where the white circle stands. The "
            "numbers are computed from the surface itself.\n",
            *sections,
        ]
    )


def surface_section(name: str, surface) -> str:
    from optcourse import surfaces

    facts = [f"`surfaces.{name}()`"]
    box = " × ".join(f"[{low:g}, {high:g}]" for low, high in surface.domain)
    facts.append(f"drawn over {box}")
    for minimum in surface.minima[:4]:
        facts.append(f"minimum {minimum.loss:.6g} at {point(minimum.params)}{curvature_at(surface, minimum)}")
    if len(surface.minima) > 4:
        facts.append(f"{len(surface.minima)} minima are known in all")
    if not surface.minima:
        facts.append("no minimum")
    if surface.source:
        facts.append(f"source: {surface.source}")
    first = inspect.getdoc(surfaces.get(name)).split("\n")[0]
    return "\n".join(
        [
            f"## {title_of(name)}\n",
            f"{first}\n",
            f"$$\n{surface.formula}\n$$\n" if surface.formula else "",
            *(f"- {fact}" for fact in facts),
            live_figure("surface", name, ON_SURFACES, surface),
        ]
    )


def curvature_at(surface, minimum) -> str:
    """Hessian eigenvalues at a minimum and gradient descent's stability limit there, where there is a Hessian."""
    step = 0 if surface.step_dependent else None
    hessian = np.atleast_2d(surface.hessian(np.array(minimum.params, dtype=float), step))
    if not np.isfinite(hessian).all():
        return ", where the loss has no second derivative"
    eigenvalues = np.linalg.eigvalsh(hessian)
    if eigenvalues[-1] <= 1e-9:
        beside = surface.gradient(np.array(minimum.params, dtype=float) + 1e-6, step)
        return ", on a crease: there is no second derivative" if np.abs(beside).max() > 1e-3 else ", without curvature"
    eigenvalues[np.abs(eigenvalues) < 1e-12 * eigenvalues[-1]] = 0  # rounding
    listed = " and ".join(f"{value + 0.0:.4g}" for value in eigenvalues)
    what = "curvatures" if len(eigenvalues) > 1 else "curvature"
    return f", {what} {listed}, where gradient descent can settle with rates below 2/L = {2 / eigenvalues[-1]:.4g}"


def point(params) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in params) + ")"


def optimizer_page() -> str:
    """The gallery of optimizers, as MyST Markdown."""
    from optcourse import optimizers

    sections = [optimizer_section(entry) for entry in optimizers.entries().values()]
    return "\n".join(
        [
            HEADER.format(key=key()),
            "# Optimizers\n",
            "Every optimizer of the course, each defined once with its Optax and its PyTorch form. What is said about "
            "their agreement is the data that the tests assert. In the figures runs what Optax runs.\n",
            *sections,
        ]
    )


def optimizer_section(entry) -> str:
    from optcourse import optimizers, surfaces

    factory = optimizers.get(entry.name)
    signature = ", ".join(
        f"{p.name}={p.default!r}" for p in inspect.signature(factory).parameters.values() if p.name != "backend"
    )
    doc = re.sub(r"\\\((.*?)\\\)([.,;]?)", formula, " ".join(inspect.getdoc(factory).split()))
    said = {
        "equal": "The two libraries agree with these settings.",
        "different": "The two libraries run different algorithms under this name.",
        "one library": "Only one of the two libraries has it.",
    }[entry.agreement]
    homes = " and ".join(f"`{home}`" for home in (entry.optax_name, entry.torch_name) if home)
    lines = [f"## {entry.title}\n", f"{doc}\n", f"- `optimizers.{entry.name}({signature})`", f"- {homes}. {said}"]
    if entry.source:
        lines.append(f"- source: {entry.source}")
    if entry.differences:
        rows = [f"| {cell(d.what)} | {cell(d.optax)} | {cell(d.torch)} |" for d in entry.differences]
        lines += ["\n| | Optax | PyTorch |\n|---|---|---|", *rows]
    return "\n".join([*lines, live_figure("optimizer", entry.name, [entry.name], surfaces.get(TESTING_GROUND)())])


def formula(match) -> str:
    """A formula of a docstring: a long one on a line of its own, where a phone can scroll it."""
    tex, punctuation = match.groups()
    if len(tex) < 30:
        return f"${tex}${punctuation}"
    return f"\n\n$$\n{tex} {punctuation}\n$$\n\n"


def cell(value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def schedule_page() -> str:
    """The gallery of schedules, as MyST Markdown."""
    return schedule_gallery.page(HEADER.format(key=key()))


PAGES = {"surface_gallery": surface_page, "optimizer_gallery": optimizer_page, "schedule_gallery": schedule_page}


def write() -> list[Path]:
    """Write the galleries that are out of date; returns them."""
    chapters.settle_environment()
    written = []
    for name, make in PAGES.items():
        if not is_up_to_date(page_of(name)):
            chapters.write_if_changed(page_of(name), make())
            written.append(page_of(name))
    return written


def page_of(name: str) -> Path:
    return chapters.BOOK / f"{name}.md"


def is_up_to_date(page: Path) -> bool:
    """Whether a gallery was made from the package and the libraries as they are."""
    return page.exists() and page.read_text(encoding="utf-8").startswith(HEADER.format(key=key()))


# --- the figures ----------------------------------------------------------------------------------------------------


def figure_html(kind: str, name: str, rates: tuple[tuple[str, float], ...]) -> str:
    """The HTML of a figure, without the runtime: kept from the last time if nothing it depends on has changed."""
    kept = kept_file(kind, name, rates, key())
    if not kept.exists():
        html = explorable(kind, name, dict(rates)).to_html(runtime=False, paths=False)
        chapters.write_if_changed(kept, html)
    return kept.read_text(encoding="utf-8")


def kept_file(kind, name, rates, now: str) -> Path:
    return KEPT / f"{now}-{kind}-{name}-{chapters.fingerprint(rates)}.html"


def wanted() -> list[tuple]:
    """What the galleries' directives ask for."""
    text = "".join(page_of(name).read_text(encoding="utf-8") for name in PAGES)
    found = re.findall(r"^```{live-figure} (\w+) (\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(kind, name, parse_rates(body.splitlines())) for kind, name, body in found]


def parse_rates(lines) -> tuple[tuple[str, float], ...]:
    return tuple((method, float(rate)) for method, rate in map(str.split, lines))


@cache
def key() -> str:
    """What every figure depends on, read once: 43 figures ask for it."""
    own = hashlib.sha256(Path(__file__).read_bytes() + Path(schedule_gallery.__file__).read_bytes()).hexdigest()
    return chapters.fingerprint([chapters.package_sources(), chapters.pins(), own])


def compile_all() -> None:
    """Compile what is missing, two at a time, and forget what is out of date."""
    now = key()
    for path in KEPT.glob("*.html"):
        if not path.name.startswith(now):
            path.unlink()
    missing = [figure for figure in wanted() if not kept_file(*figure, now).exists()]
    if missing:
        print(f"Compiling {len(missing)} live figures for the galleries.", flush=True)
        # Fresh processes: one that is forked from a process in which JAX has started its threads may never end.
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=2, mp_context=fresh) as pool:
            list(pool.map(figure_html, *zip(*missing, strict=True)))
