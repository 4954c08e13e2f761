"""What a network is told to make small: a loss for each prediction, and their mean or sum.

Every loss takes `reduction`: "none" for one loss for each prediction or row, "mean" or "sum" of them.
"""

from tinygrad_edu.nn.functional.losses.classes import cross_entropy, nll_loss
from tinygrad_edu.nn.functional.losses.distances import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from tinygrad_edu.nn.functional.losses.distributions import gaussian_nll_loss, kl_div, poisson_nll_loss
from tinygrad_edu.nn.functional.losses.margins import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
    triplet_margin_loss,
)
from tinygrad_edu.nn.functional.losses.probabilities import binary_cross_entropy, binary_cross_entropy_with_logits

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
]
