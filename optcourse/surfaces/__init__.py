"""Loss surfaces small enough to see: every factory, and the contract they share."""

from optcourse.surfaces.loss_surface import LossSurface, Minimum

__all__ = ["LossSurface", "Minimum"]
