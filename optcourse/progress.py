"""A progress bar for what may take longer than a reader likes to wait in silence."""


def with_bar(items, title: str, *, shown: bool = True):
    """The items, with a progress bar if going through them takes more than two seconds.

    The environment variable TQDM_DISABLE=1 switches all bars off: an executed chapter must not show how fast it was.
    """
    if not shown:
        return items
    from tqdm.auto import tqdm

    return tqdm(items, desc=title, delay=2, leave=False)
