"""Pictures of training with matplotlib: each call takes and returns an `Axes`, and none needs a display.

Without `ax` a picture is on a figure of its own, which no window system knows of: `axes.figure.savefig("picture.png")`
writes it, and a notebook shows the axes as they are. Tensors, arrays, lists, `History` and modules are all taken.
"""

from viz.plots.boundary import decision_boundary
from viz.plots.confusion import confusion_matrix
from viz.plots.curves import learning_curves
from viz.plots.descent import descent, walk
from viz.plots.functions import activations
from viz.plots.histograms import gradient_histograms, weight_histograms
from viz.plots.images import first_layer
from viz.plots.schedules import learning_rates

__all__ = [
    "activations",
    "confusion_matrix",
    "decision_boundary",
    "descent",
    "first_layer",
    "gradient_histograms",
    "learning_curves",
    "learning_rates",
    "walk",
    "weight_histograms",
]
