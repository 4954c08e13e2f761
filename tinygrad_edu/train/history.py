"""History: what every epoch of a training came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Best", "History"]

SHOWN = 12
"""How many epochs a table shows; of a longer history the first, the last, and some between."""


class Best(NamedTuple):
    """The epoch, from 1, in which the measure `name` was lowest, and its value."""

    epoch: int
    name: str
    value: float


class History(dict[str, list[float]]):
    """A dict of lists, one number an epoch: `history["loss"]`, "val_loss", and the names of metrics.

    `stopped` says why training ended before its last epoch, None where it did not.

    >>> history = History({"loss": [0.5, 0.25], "val_loss": [0.5, 0.75]})
    >>> history.epochs, history["loss"][-1], history.best
    (2, 0.25, Best(epoch=1, name='val_loss', value=0.5))
    >>> history
    epoch  loss  val_loss
        1   0.5       0.5
        2  0.25      0.75
    """

    stopped: str | None = None

    @property
    def epochs(self) -> int:
        """The number of epochs that were completed."""
        return len(self.get("loss", ()))

    @property
    def best(self) -> Best:
        """The epoch with the lowest loss on the validation data, without them on the training data."""
        name = "val_loss" if "val_loss" in self else "loss"
        if not self.epochs:
            raise ValueError("no epoch was completed, so there is no best one")
        value = min(self[name])
        return Best(self[name].index(value) + 1, name, value)

    def add(self, epoch: dict[str, float]) -> None:
        """The numbers of one more epoch."""
        for name, value in epoch.items():
            self.setdefault(name, []).append(value)

    def plot(self, axes: Axes | None = None) -> Axes:
        """A line for every measure but the learning rate, dashed on the validation data; their best epoch is marked.

        Needs no display: `history.plot().figure.savefig("history.png")`. ImportError where matplotlib is missing.
        """
        if axes is None:
            axes = _new_axes()
        epochs, colors = range(1, self.epochs + 1), dict[str, Any]()
        for name, values in self.items():
            measure = name.removeprefix("val_")
            if measure != "lr":
                style = "-" if name == measure else "--"
                (drawn,) = axes.plot(epochs, values, style, label=name, color=colors.get(measure))
                colors[measure] = drawn.get_color()
        if "val_loss" in self:
            axes.axvline(self.best.epoch, color="#999999", linewidth=1, label=f"best epoch, {self.best.epoch}")
        axes.set_xlabel("epoch")
        axes.legend()
        return axes

    def __repr__(self) -> str:
        if not self.epochs:
            return "no epoch was completed"
        last = self.epochs - 1
        places = sorted({round(i * last / max(min(SHOWN, self.epochs) - 1, 1)) for i in range(SHOWN) if i <= last})
        table = [["epoch", *self], *([str(i + 1), *(f"{v[i]:.4g}" for v in self.values())] for i in places)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.rjust, row, widths)) for row in table]
        return "\n".join([*lines, f"stopped: {self.stopped}"] if self.stopped else lines)


def _new_axes() -> Any:
    """Axes on a figure of their own, which no window system knows of."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install matplotlib") from error
    return Figure(figsize=(6.4, 4.8), dpi=120, layout="constrained").subplots()
