"""Clipping of gradients, which `tinygrad_edu.optim` has too."""

from tinygrad_edu.optim.clip import clip_grad_norm_, clip_grad_value_

__all__ = ["clip_grad_norm_", "clip_grad_value_"]
