"""L-BFGS: a step by what the last gradients say about the curvature."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_edu.graph import Array
from tinygrad_edu.mutation import changes
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.recording import enable_grad

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Newton's method with a picture of the inverse Hessian from the last `history_size` steps and gradients.

    For few parameters and the same data in every step. `step(closure)` calls the closure, which sets the gradients to
    None, computes the loss, goes backward and returns it, up to `max_eval` times (1.25 max_iter unless given), for
    `max_iter` steps of length `lr`, the first one shorter. It ends early where no gradient is above `tolerance_grad`,
    or the loss or the weights change by less than `tolerance_change`. There is one group of parameters.

    ValueError for a `line_search_fn`: there is none here, a smaller `lr` is safer. TypeError for a step without a
    closure. Nocedal 1980; Liu, Nocedal 1989; after
    https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html

    >>> from tinygrad_edu import Tensor
    >>> w = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = LBFGS([w], lr=0.5)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (w[0] - 1) ** 2 + 10 * (w[1] - w[0]) ** 2
    ...     loss.backward()
    ...     return loss
    >>> for step in range(3):
    ...     loss = optimizer.step(closure)
    >>> w.detach().round(4)
    Tensor([1., 1.])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if line_search_fn is not None:
            raise ValueError(f"line_search_fn={line_search_fn!r} is not here: leave it out, and take a smaller lr")
        if max_iter < 1 or history_size < 1:
            raise ValueError(f"max_iter={max_iter} and history_size={history_size} are whole numbers above 0")
        options = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, options)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS takes one group of parameters: they share one curvature")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Several steps of the method; the loss of the first call of the closure is returned."""
        if closure is None:
            raise TypeError("LBFGS looks at the loss several times: write optimizer.step(closure)")
        group = self.param_groups[0]
        state = self.state[group["params"][0]].setdefault("memory", {})  # of all parameters together
        lr, tolerance = group["lr"], group["tolerance_change"]
        with enable_grad():
            first = closure()
        loss, calls, g = float(first.detach()), 1, self._gradient()
        state["func_evals"] = state.get("func_evals", 0) + 1
        for step in range(1, group["max_iter"] + 1):
            if abs(g).max() <= group["tolerance_grad"]:
                break
            state["n_iter"] = state.get("n_iter", 0) + 1
            d = self._direction(g, state, group["history_size"])
            t = min(1.0, 1.0 / abs(g).sum()) * lr if state["n_iter"] == 1 else lr
            state.update(d=d, t=t, prev_flat_grad=g.copy(), prev_loss=loss)
            if g @ d > -tolerance:  # it goes no longer down
                break
            self._move(t * d)
            if step == group["max_iter"]:
                break
            with enable_grad():
                loss = float(closure().detach())
            calls, g = calls + 1, self._gradient()
            state["func_evals"] += 1
            change = abs(loss - state["prev_loss"])
            if calls >= group["max_eval"] or abs(t * d).max() <= tolerance or change < tolerance:
                break
        self.steps += 1
        return first

    def _direction(self, g: Array, state: dict[str, Any], history_size: int) -> Array:
        """-H g, H as the two loops over the last steps s and changes of the gradient y make it (Nocedal 1980)."""
        pairs = state.setdefault("pairs", [])  # (y, s)
        if "d" not in state:
            return -g
        y, s = g - state["prev_flat_grad"], state["d"] * state["t"]
        if y @ s > 1e-10:
            pairs.append((y, s))
            del pairs[:-history_size]
            state["H_diag"] = (y @ s) / (y @ y)
        q, shares = -g, []
        for y, s in reversed(pairs):
            shares.append((s @ q) / (y @ s))
            q = q - shares[-1] * y
        d = q * state.get("H_diag", 1.0)
        for (y, s), share in zip(pairs, reversed(shares), strict=True):
            d = d + s * (share - (y @ d) / (y @ s))
        return d

    def _gradient(self) -> Array:
        """All gradients as one vector; zeros where there is none."""
        parts = [p.grad for p in self._parameters()]
        return np.concatenate([
            np.zeros_like(p._value).reshape(-1) if g is None else g._value.reshape(-1)
            for p, g in zip(self._parameters(), parts, strict=True)
        ])  # fmt: skip

    def _move(self, by: Array) -> None:
        """Add a vector to all parameters, in place."""
        start = 0
        for p in self._parameters():
            part = by[start : start + p.size].reshape(p.shape)
            if p.ndim:
                p._value += part.astype(p.dtype, copy=False)
                changes.note(p._value)
            else:
                p._become((p._value + part).astype(p.dtype)[()])
            start += int(p.size)
