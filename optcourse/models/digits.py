"""Real data that comes without a download: scikit-learn's handwritten digits, split in two."""

from functools import cache
from typing import NamedTuple

import numpy as np

HELD_OUT = 0.25  # of the 1797 images


class Split(NamedTuple):
    """Images (n, 64) with pixels from 0 to 1, and their digits (n,); read-only."""

    images: np.ndarray
    digits: np.ndarray


@cache
def load_digits() -> tuple[Split, Split]:
    """What to train on (1347 images), and what is held out (450): the same at every call.

    Raises:
        ImportError: without scikit-learn.
    """
    try:
        from sklearn import datasets, model_selection
    except ImportError as error:
        raise ImportError("the digits come with scikit-learn: pip install scikit-learn") from error
    images, digits = datasets.load_digits(return_X_y=True)
    parts = model_selection.train_test_split(
        images / 16.0, digits.astype(np.int32), test_size=HELD_OUT, random_state=0, stratify=digits
    )
    for part in parts:
        part.flags.writeable = False
    train_images, held_out_images, train_digits, held_out_digits = parts
    return Split(train_images, train_digits), Split(held_out_images, held_out_digits)
