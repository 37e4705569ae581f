"""The experiments from the command line.

    python -m optcourse.experiments learning_rate_sweep --optimizer adam --surface rosenbrock --output adam.csv

What is finished is in the output file at once; the same command goes on from there.
"""

import argparse
import inspect
import sys
from pathlib import Path

import jax
import numpy as np

from optcourse import experiments, optimizers, surfaces
from optcourse.experiments import files
from optcourse.experiments.subjects import surface_of
from optcourse.progress import with_bar

BLOCK = 10  # momenta in a part


def main(arguments=None) -> int:
    """Run what the arguments say; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        options.output and files.check_path(options.output)
        data = _run(options, _devices(options.devices))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        print(f"error: {error.args[0] if error.args else error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        kept = f"; what was finished is in {options.output}, and the same command goes on" if options.output else ""
        print(f"stopped{kept}", file=sys.stderr)
        return 130
    if options.figure:
        figure = experiments.plot(data).figure
        figure.savefig(options.figure, dpi=150)
        print(f"figure: {options.figure}")
    if options.output:
        print(f"data: {options.output}")
    else:
        print(_table(data).to_string())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m optcourse.experiments",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="experiment", required=True, metavar="EXPERIMENT")
    for name, (function, _) in experiments.CATALOGUE.items():
        summary = function.__doc__.splitlines()[0].split(";")[0]
        command = commands.add_parser(name, help=summary, description=f"{summary}.")
        many = name != "momentum_effects"
        command.add_argument(
            "--optimizer",
            action="append",
            help=f"a name{', several times for several' if many else ''}: {_names(name)}",
        )
        if name != "convergence_analysis":
            known = ", ".join(surfaces.catalogue())
            command.add_argument("--surface", help=f"a name: {known}")
            command.add_argument(
                "--start", type=float, nargs="+", help="coordinates; by default the surface's own start"
            )
            command.add_argument("--steps", type=int, help="of every run")
        if name in ("learning_rate_sweep", "momentum_effects"):
            rates = "learning rates: lowest, highest, how many"
            command.add_argument("--rates", type=float, nargs=3, metavar=("LOW", "HIGH", "COUNT"), help=rates)
        if name == "learning_rate_sweep":
            command.add_argument("--target", type=float, help="a loss")
            command.add_argument("--noise", type=float, default=0.0, help="standard deviation of gradient noise")
            command.add_argument("--seeds", type=int, help="how many seeds of the noise")
        if name == "convergence_analysis":
            command.add_argument("--condition-numbers", type=float, nargs="+", help="by default 10 100 1000 10000")
        command.add_argument(
            "--output", type=Path, help="a file for the data, .csv or .nc; otherwise a table is printed"
        )
        command.add_argument("--figure", type=Path, help="a file for the figure, such as figure.png")
        command.add_argument("--devices", default="cpu", help="cpu, gpu, or a number of virtual CPU devices")
        command.add_argument("--again", action="store_true", help="begin anew where the output file exists")
        command.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser


def _names(experiment) -> str:
    if experiment in ("momentum_effects", "convergence_analysis"):
        return "momentum, nesterov" if experiment == "momentum_effects" else "sgd, momentum, nesterov"
    return ", ".join(optimizers.catalogue())


def _devices(asked: str):
    if asked.isdecimal() and int(asked):
        jax.config.update("jax_num_cpu_devices", int(asked))  # before JAX counts its devices
        return jax.local_devices(backend="cpu")
    if asked not in ("cpu", "gpu"):
        raise ValueError(f"--devices is cpu, gpu, or a number of virtual CPU devices, got {asked!r}.")
    return jax.devices("gpu") if asked == "gpu" else None


def _run(options, devices):
    """All parts of an experiment, joined; those that the output file holds already are read from there."""
    import xarray

    function, _ = experiments.CATALOGUE[options.experiment]
    axis, parts = _parts(options)
    settings = _settings(options, devices)
    done = _finished(options, axis)
    for value, part in with_bar(parts, options.experiment, shown=not options.quiet):
        if done is not None and np.isin(value, done[axis].values).all():
            continue
        data = function(**part, **settings, progress=False)
        attrs = data.attrs | {"axes": " ".join(map(str, data.dims)), "settings": _asked(options)}
        done = data if done is None else xarray.concat([done, data], axis)
        done.attrs = attrs
        if options.output:
            files.save(done, options.output)
    return done


def _parts(options):
    """The axis along which results are joined, and for each part its values there and what the function is told."""
    if options.experiment == "momentum_effects":
        momenta = np.linspace(0, 0.98, 50)
        blocks = [momenta[i : i + BLOCK] for i in range(0, len(momenta), BLOCK)]
        chosen = _one(options.optimizer or ["momentum"])
        return "momentum", [(block, {"optimizer": chosen, "momenta": block}) for block in blocks]
    function, _ = experiments.CATALOGUE[options.experiment]
    chosen = options.optimizer or inspect.signature(function).parameters["optimizers"].default
    return "optimizer", [([name], {"optimizers": [name]}) for name in dict.fromkeys(chosen)]


def _one(names):
    if len(names) > 1:
        raise ValueError("momentum_effects takes one optimizer.")
    return names[0]


def _settings(options, devices) -> dict:
    """What the function is told beside its part; nothing where nothing was asked for."""
    settings = {name: getattr(options, name, None) for name in ("start", "steps", "target", "condition_numbers")}
    settings["learning_rates"] = _rates(options)
    if options.experiment in ("learning_rate_sweep", "momentum_effects"):
        settings["devices"] = devices
    if getattr(options, "surface", None):
        settings["surface"] = surface_of(options.surface)
    if getattr(options, "noise", 0.0):
        settings["surface"] = settings.get("surface", surfaces.rosenbrock()).with_noise(options.noise)
    if getattr(options, "seeds", None):
        settings["seeds"] = range(options.seeds)
    return {name: value for name, value in settings.items() if value is not None}


def _rates(options):
    if not getattr(options, "rates", None):
        return None
    low, high, count = options.rates
    if not (0 < low < high and count >= 2):
        raise ValueError("--rates takes the lowest, the highest and how many, such as --rates 1e-4 1 41.")
    spread = np.geomspace if options.experiment == "learning_rate_sweep" else np.linspace
    return spread(low, high, int(count))


def _asked(options) -> str:
    """What decides the numbers, as a text to compare."""
    left_out = ("output", "figure", "again", "quiet", "devices", "optimizer")
    given = {name: value for name, value in sorted(vars(options).items()) if name not in left_out}
    if options.experiment == "momentum_effects":
        given["optimizer"] = options.optimizer
    return repr(given)


def _finished(options, axis):
    if not options.output or not options.output.exists() or options.again:
        return None
    done = files.load(options.output)
    if done.attrs.get("settings") != _asked(options) or axis not in done.dims:
        raise ValueError(
            f"{options.output} exists and was made with other settings: choose another file, or --again to replace it."
        )
    return done


def _table(data):
    """What fits on a screen: the ranges of a sweep, or the data themselves."""
    if data.attrs["experiment"] == "learning_rate_sweep":
        return experiments.successful_range(data).to_dataframe()
    return data.to_dataframe()


if __name__ == "__main__":
    sys.exit(main())
