"""Draw the picture of the README from the package: `python tools/picture.py`."""

import chapters

PICTURE = chapters.BOOK / "_static" / "readme.png"
STEPS = 200


def main() -> None:
    chapters.settle_environment()
    import matplotlib.pyplot as plt
    import numpy as np

    import optcourse as oc
    from optcourse import optimizers, plotting, surfaces

    def best_path(factory, surface, start):
        """The run with the learning rate that ends lowest: each optimizer at its own best setting."""
        paths = [oc.run(factory(learning_rate=rate), surface, start, steps=STEPS) for rate in np.logspace(-4, 0, 33)]
        return min(paths, key=lambda path: path.final_loss if np.isfinite(path.final_loss) else np.inf)

    racers = [optimizers.sgd, optimizers.momentum, optimizers.rmsprop, optimizers.adam]
    figure, axes = plt.subplots(1, 2, figsize=(11, 6))
    races = [(surfaces.beale(), [-0.5, -2.5]), (surfaces.himmelblau(), [0.0, 0.0])]
    for ax, (surface, start) in zip(axes, races, strict=True):
        paths = [best_path(factory, surface, start) for factory in racers]
        plotting.plot_comparison(paths, surface, ax, overlay=True)
        for path in paths:
            print(path, path.optimizer, f"{path.final_loss:.2g}")
    figure.savefig(PICTURE, dpi=110, bbox_inches="tight", metadata={"Software": None})
    print(f"written  {chapters.relative(PICTURE)}")


if __name__ == "__main__":
    main()
