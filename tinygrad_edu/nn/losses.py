"""Losses as modules: each holds its settings, and is called with predictions and targets.

The equations, shapes and errors of each are those of its function in `nn.functional`.
"""

from typing import Any

from tinygrad_edu.nn import functional as F  # noqa: N812 - the name that every PyTorch program gives it
from tinygrad_edu.nn.functional.losses.reduction import REDUCTIONS, check_reduction
from tinygrad_edu.nn.module import Module
from tinygrad_edu.tensor import Tensor

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "TripletMarginLoss",
]


class Loss(Module):
    """A module that says how wrong predictions are; `reduction` is "mean", "sum" or "none"."""

    reductions: tuple[str, ...] = REDUCTIONS

    def __init__(self, reduction: str) -> None:
        super().__init__()
        check_reduction(reduction, self.reductions)
        self.reduction = reduction


class WeightedLoss(Loss):
    """A loss with a weight for each class, column or prediction: a buffer, so that it moves with the module."""

    def __init__(self, weight: Any, reduction: str) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", _buffer(weight))


def _buffer(weight: Any) -> Tensor | None:
    return weight if weight is None or isinstance(weight, Tensor) else Tensor(weight)


class MSELoss(Loss):
    """The mean squared error, the mean of (input - target)**2: `nn.functional.mse_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html

    >>> MSELoss()(Tensor([1.0, 2.0]), Tensor([0.0, 4.0]))
    Tensor(2.5)
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of predictions and targets of one shape."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """The mean absolute error, the mean of |input - target|: `nn.functional.l1_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.L1Loss.html

    >>> L1Loss()(Tensor([1.0, 2.0]), Tensor([0.0, 4.0]))
    Tensor(1.5)
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of predictions and targets of one shape."""
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """The absolute error, rounded at 0 up to errors of `beta`: `nn.functional.smooth_l1_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html

    >>> SmoothL1Loss(reduction="sum")(Tensor([0.5, 10.0]), Tensor([0.0, 0.0]))
    Tensor(9.625)
    """

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of predictions and targets of one shape."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """Half the squared error up to `delta`, straight on from there: `nn.functional.huber_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html

    >>> HuberLoss(reduction="sum")(Tensor([0.5, 10.0]), Tensor([0.0, 0.0]))
    Tensor(9.625)
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of predictions and targets of one shape."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class BCELoss(WeightedLoss):
    """Binary cross-entropy of probabilities, -(y log p + (1 - y) log(1 - p)): `nn.functional.binary_cross_entropy`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.BCELoss.html

    >>> round(BCELoss()(Tensor([0.5]), Tensor([1.0])).item(), 4)
    0.6931
    """

    def __init__(self, weight: Any = None, *, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of probabilities and of answers from 0 to 1, of one shape."""
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """Binary cross-entropy of logits, finite for all: `nn.functional.binary_cross_entropy_with_logits`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html

    >>> BCEWithLogitsLoss()(Tensor([-1000.0]), Tensor([1.0]))
    Tensor(1000.)
    """

    def __init__(self, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", _buffer(pos_weight))

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of logits and of answers from 0 to 1, of one shape."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class NLLLoss(WeightedLoss):
    """Minus the log-probability of the class that is right: `nn.functional.nll_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html

    >>> NLLLoss()(Tensor([[-1.0, -0.5], [-2.0, -0.1]]), Tensor([0, 0]))
    Tensor(1.5)
    """

    def __init__(self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of rows of log-probabilities and of class indices."""
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(WeightedLoss):
    """Cross-entropy of logits with class indices or probabilities: `nn.functional.cross_entropy`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html

    >>> round(CrossEntropyLoss()(Tensor([[2.0, 0.0, 0.0]]), Tensor([0])).item(), 4)
    0.2395
    """

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of rows of logits and of class indices, or of probabilities."""
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class KLDivLoss(Loss):
    """How far log-probabilities are from a distribution; write reduction="batchmean": `nn.functional.kl_div`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html

    >>> half = Tensor([[0.5, 0.5]])
    >>> round(KLDivLoss(reduction="batchmean")(half.log(), Tensor([[1.0, 0.0]])).item(), 4)
    0.6931
    """

    reductions = (*REDUCTIONS, "batchmean")

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of log-probabilities and of probabilities, of one shape."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(Loss):
    """Minus the log-probability of counts: `nn.functional.poisson_nll_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.PoissonNLLLoss.html

    >>> PoissonNLLLoss()(Tensor([0.0]), Tensor([3.0]))
    Tensor(1.)
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Any, target: Any) -> Any:
        """The loss of expected counts, or their logarithms, and of counts, of one shape."""
        return F.poisson_nll_loss(log_input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction)


class GaussianNLLLoss(Loss):
    """Minus the log-density of measurements with predicted variances: `nn.functional.gaussian_nll_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html

    >>> GaussianNLLLoss()(Tensor([1.0]), Tensor([3.0]), Tensor([1.0]))
    Tensor(2.)
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Any, target: Any, var: Any) -> Any:
        """The loss of expected values, measurements and variances."""
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class HingeEmbeddingLoss(Loss):
    """A distance small where the target is 1, at least `margin` where it is -1: `nn.functional.hinge_embedding_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.HingeEmbeddingLoss.html

    >>> HingeEmbeddingLoss()(Tensor([0.25, 0.25]), Tensor([1.0, -1.0]))
    Tensor(0.5)
    """

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of distances and of targets 1 or -1, of one shape."""
        return F.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class SoftMarginLoss(Loss):
    """log(1 + exp(-target input)) with targets 1 or -1: `nn.functional.soft_margin_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.SoftMarginLoss.html

    >>> SoftMarginLoss()(Tensor([-1000.0]), Tensor([1.0]))
    Tensor(1000.)
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of scores and of targets 1 or -1, of one shape."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MarginRankingLoss(Loss):
    """The first larger than the second by `margin` where the target is 1: `nn.functional.margin_ranking_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.MarginRankingLoss.html

    >>> MarginRankingLoss()(Tensor([3.0, 3.0]), Tensor([1.0, 1.0]), Tensor([1.0, -1.0]))
    Tensor(1.)
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """The loss of two scores and of targets 1 or -1, of one shape."""
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(Loss):
    """Vectors that point the same way where the target is 1, apart where -1: `nn.functional.cosine_embedding_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html

    >>> CosineEmbeddingLoss()(Tensor([[1.0, 0.0]]), Tensor([[0.0, 2.0]]), Tensor([1.0]))
    Tensor(1.)
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """The loss of vectors of shape (N, D) and of targets 1 or -1 of shape (N,)."""
        return F.cosine_embedding_loss(input1, input2, target, self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """The anchor nearer to the positive than to the negative by `margin`: `nn.functional.triplet_margin_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.TripletMarginLoss.html

    >>> loss = TripletMarginLoss()(Tensor([[0.0, 0.0]]), Tensor([[0.0, 3.0]]), Tensor([[2.0, 0.0]]))
    >>> round(loss.item(), 4)
    2.0
    """

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, *, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """The loss of three vectors, or of rows of them, of one shape."""
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )


class MultiMarginLoss(WeightedLoss):
    """The score of the right class above all others by `margin`: `nn.functional.multi_margin_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiMarginLoss.html

    >>> MultiMarginLoss()(Tensor([[0.5, 1.0, -1.0, 0.0]]), Tensor([0]))
    Tensor(0.5)
    """

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, *, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.p, self.margin = p, margin

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of rows of scores and of class indices."""
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


class MultiLabelMarginLoss(Loss):
    """The scores of the right classes above all others by 1: `nn.functional.multilabel_margin_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiLabelMarginLoss.html

    >>> round(MultiLabelMarginLoss()(Tensor([[0.1, 0.2, 0.4, 0.8]]), Tensor([[3, 0, -1, 1]])).item(), 4)
    0.85
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of rows of scores and of rows of class indices, ended by -1."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """Binary cross-entropy from logits for several labels a row: `nn.functional.multilabel_soft_margin_loss`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiLabelSoftMarginLoss.html

    >>> round(MultiLabelSoftMarginLoss()(Tensor([[0.0, 0.0]]), Tensor([[1.0, 0.0]])).item(), 4)
    0.6931
    """

    def __init__(self, weight: Any = None, *, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of rows of logits and of rows of answers, 1 for each label that applies."""
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)
