"""A progress bar for what may take longer than a reader likes to wait in silence."""

import os


def with_bar(items, title: str, *, shown: bool = True):
    """The items, with a progress bar if going through them takes more than two seconds.

    The environment variable TQDM_DISABLE=1 switches all bars off: an executed chapter must not show how fast it was.
    """
    if not shown or os.environ.get("TQDM_DISABLE"):  # tqdm's bar for notebooks does not look at the variable
        return items
    from tqdm.auto import tqdm

    return tqdm(items, desc=title, delay=2, leave=False)
