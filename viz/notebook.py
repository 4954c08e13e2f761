"""Tensors that show themselves in notebooks, their numbers and how they were computed; and plots, as pictures."""

import html
import re
import sys
import warnings
from io import BytesIO
from typing import Any

from tinygrad_edu import Tensor
from tinygrad_edu.errors import RenderError
from viz.dot import make_dot
from viz.picture import fluid

__all__ = ["page", "show_in_notebooks"]

NODES = 60
"""More than this is no longer read at a glance; `make_dot` draws it."""


def show_in_notebooks() -> None:
    """Where a notebook is running, have it show computed Tensors as `page` does, and plots; elsewhere do nothing.

    Done by `import viz`: whoever draws graphs in a notebook wants to see them. Without it a Tensor shows its numbers.
    """
    notebook = sys.modules.get("IPython")
    shell = notebook.get_ipython() if notebook is not None else None
    if shell is not None:
        formatters = shell.display_formatter.formatters
        formatters["text/html"].for_type(Tensor, page)
        for kind in ("figure.Figure", "axes._axes.Axes"):  # by name: matplotlib may be missing, or come later
            formatters["image/png"].for_type_by_name(*f"matplotlib.{kind}".rsplit(".", 1), bitmap)


def bitmap(drawn: Any) -> bytes | None:
    """A figure of matplotlib, or that of its axes, as PNG; None for one of pyplot, which shows its own."""
    figure = getattr(drawn, "figure", drawn)
    if hasattr(figure, "number"):
        return None
    file = BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def page(tensor: Tensor) -> str | None:
    """The numbers and the graph as HTML; None, so that only numbers are shown, where no op made it or nothing draws.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> page(x) is None, page(x * x)[35:49]
    (True, 'Tensor(4., gra')
    """
    if tensor.grad_fn is None:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # what is left out is said in the picture
            picture: Any = make_dot(tensor, max_nodes=NODES)
        svg = picture.pipe("svg", encoding="utf-8")
    except RenderError:
        return None
    drawing = fluid(re.sub(r"^.*?(?=<svg)", "", svg, flags=re.DOTALL))  # without the XML prologue
    return f"<pre style='white-space: pre-wrap'>{html.escape(repr(tensor))}</pre>{drawing}"
