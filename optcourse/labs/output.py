"""What a lab leaves in a notebook: its widget for who has a kernel, and a figure for everybody else.

A widget without its kernel is an error message. So the same output also holds HTML that needs none, and when the
book's notebooks are stored the widget is dropped (`tools/execute.py`).
"""

import sys

WIDGET = "application/vnd.jupyter.widget-view+json"


def mimebundle(lab) -> dict:
    """The output of a cell that shows a lab."""
    bundle = {"text/plain": repr(lab)}
    if "google.colab" not in sys.modules:  # which always has a kernel, and would show the HTML
        bundle["text/html"] = lab.to_html()
    if has_kernel():
        bundle[WIDGET] = {"version_major": 2, "version_minor": 0, "model_id": lab.view().model_id}
    return bundle


def has_kernel() -> bool:
    """Whether this runs in a kernel, which a widget needs."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None
