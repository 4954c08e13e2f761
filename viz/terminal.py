"""The trace with colours, where rich is installed: values in blue, what flows back in red, as in the picture."""

from typing import TYPE_CHECKING

from viz.numbers import shown

if TYPE_CHECKING:
    from rich.console import Group

    from viz.steps import Trace

VALUE, GRADIENT = "bright_blue", "bright_red"


def tables(trace: "Trace") -> "Group":
    """The three tables of a trace; what `rich.print(trace)` prints."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    def table(title: str, headers: dict[str, str], rows: list[list[str]]) -> Table:
        made = Table(title=Text(title), title_justify="left", header_style="bold", title_style="bold")
        for header, style in headers.items():
            made.add_column(header, style=style, overflow="fold")
        for row in rows:
            made.add_row(*map(Text, row))  # as Text, so that [b] in a name is no command
        return made

    forward = [[row.name, row.formula, shown(row.value, row.shape), row.expression] for row in trace.forward]
    backward = [
        [str(i), step.node, f"d {trace.root}/d {step.input}", step.rule, step.arithmetic, step.accumulated]
        for i, step in enumerate(trace.backward, 1)
    ]
    gradients = [[f"d {trace.root}/d {name}", shown(value)] for name, value in trace.gradients.items()]
    return Group(
        table("Forward", {"name": "bold", "made by": "", "value": VALUE, "in the expression": "dim"}, forward),
        table(
            f"Backward, from d {trace.root}/d {trace.root} = 1",
            {
                "step": "dim",
                "node": "bold",
                "gradient": "",
                "what arrives * local derivative": "",
                "handed on": GRADIENT,
                "accumulated": f"bold {GRADIENT}",
            },
            backward,
        ),
        table("Gradients", {"gradient": "", "value": f"bold {GRADIENT}"}, gradients),
    )
