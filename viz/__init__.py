"""Pictures of what the engine does: the graph, the backward pass step by step, and what a model has learned."""

from tinygrad_edu.graph import passes
from viz import plots
from viz.dot import make_dot
from viz.notebook import show_in_notebooks
from viz.page import stepper
from viz.render import render
from viz.steps import trace

__all__ = ["make_dot", "plots", "render", "stepper", "trace"]

passes.counted = True  # so that a picture tells a gradient that adds up, or is from before, from a fresh one
show_in_notebooks()
