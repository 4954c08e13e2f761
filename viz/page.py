"""The stepper: one HTML file that walks forward through the values and backward through the gradients."""

import base64
import hashlib
import json
import os
from collections.abc import Collection
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from tinygrad_edu import Tensor, nn
from viz.boxes import boxes
from viz.details import details
from viz.frames import Frame, frames
from viz.labels import printable
from viz.markup import equation, figures
from viz.modules import Network
from viz.render import write
from viz.stage import Picture, draw
from viz.steps import Trace, trace

__all__ = ["stepper"]


def stepper(
    root: Tensor,
    path: str | os.PathLike[str],
    *,
    model: nn.Module | nn.scopes | None = None,
    depth: int = 1,
    expand: str | Collection[str] = (),
    title: str | None = None,
) -> Path:
    """Write one HTML file in which the backward pass of `root` is walked through, and return its path.

    It needs no network and no server: open it in any browser. Arrow keys, Home, End and the space bar, buttons and a
    slider go from step to step; a click on a value, or Enter, tells its gradient as the sum over all paths. With
    `model=calls`, from `with nn.scopes(model) as calls: y = model(x)`, a network is drawn as its modules, closed from
    level `depth` on but for those that `expand` names; `model=model` goes by the parameters that ops use. More than 60
    boxes are drawn as runs of operations.

    Raises what `viz.trace` raises, `RenderError` where there is no Graphviz, OSError where the file cannot be written,
    TypeError and ValueError for a model, or names of modules, that do not fit, and for a path not ending in `.html`.

    >>> import tempfile
    >>> a, b = Tensor(2.0, requires_grad=True, name="a"), Tensor(-3.0, requires_grad=True, name="b")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stepper(a * b, Path(folder) / "steps.html").read_text(encoding="utf-8")[:15]
    '<!doctype html>'
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"the steps are a page for a browser: write {target.stem}.html, not {target.name!r}")
    opened = (expand,) if isinstance(expand, str) else tuple(expand)
    module = model.model if isinstance(model, nn.scopes) else model
    traced = trace(root, dict(module.named_parameters()) if module is not None else None)
    network = None if model is None else Network(model, list(traced.names))
    if network is not None:
        network.check(opened)
    elif opened:
        raise TypeError("expand= opens modules of a network: write stepper(y, path, model=calls, expand=...) with it")
    write(target, page(traced, network, depth, opened, title).encode())
    return target


def page(
    trace: Trace,
    network: Network | None = None,
    depth: int = 1,
    opened: Collection[str] = (),
    title: str | None = None,
) -> str:
    """The HTML of the stepper for a trace."""
    end = next(vertex for vertex, name in trace.names.items() if name == trace.root)
    drawn = boxes(trace.names, end, network, depth, opened)
    rule = trace.chain_rule()
    film = frames(trace, drawn, rule)
    picture = draw(trace, drawn, film, rule)
    style, script, template = ((files("viz") / f"page.{kind}").read_text("utf-8") for kind in ("css", "js", "html"))
    expression = next((row.expression for row in trace.forward if row.name == trace.root), "")
    return Template(template).substitute(
        title=escape(printable(title or expression or trace.root, 80)),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        picture=picture.svg,
        last=len(film) - 1,
        frames="\n".join(_frame(i, frame, len(film)) for i, frame in enumerate(film)),
        about=details(trace, drawn, rule),
        plan=_json({"frames": [_plan(frame, picture) for frame in film]}),
    )


def _hash(text: str) -> str:
    """What a Content-Security-Policy names the only style and the only script by."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(data: Any) -> str:
    r"""JSON that no HTML reader mistakes for the end of its element.

    >>> print(_json("</script>"))
    "\u003c/script>"
    """
    return json.dumps(data, separators=(",", ":")).replace("<", r"\u003c")


def _plan(frame: Frame, picture: Picture) -> dict[str, Any]:
    """What is lit in a frame: its boxes, forward the arrows into them, backward the arrows of its steps."""
    forward = [link.id for link in picture.links if frame.phase == "forward" and link.target in frame.boxes]
    steps = set(frame.steps)
    back = [link.id for link in picture.links if not steps.isdisjoint(link.steps)]
    return {"phase": frame.phase, "said": frame.said, "lit": [*frame.boxes, *forward, *back]}


PHASES = {"given": "Inputs", "forward": "Forward", "seed": "Turn", "backward": "Backward", "done": "Result"}


def _frame(number: int, frame: Frame, of: int) -> str:
    parts = [
        f'<section class="card" data-frame="{number}">',
        f'<p class="phase {frame.phase}">{PHASES[frame.phase]} <span>step {number} of {of - 1}</span></p>',
        f"<h3>{escape(frame.headline)}</h3>",
        *(equation(made) for made in frame.equations),
        *(f"<p>{escape(line)}.</p>" for line in frame.lines),
        figures(frame.arrays),
        "</section>",
    ]
    return "".join(parts)
