"""Whether two numbers agree, as far as the one is known."""

import math

__all__ = ["Judge"]

LOOSEST = 1e-4  # of a number: differences that may be off by more decide nothing


class Judge:
    """Whether a number of the rules and one of differences agree.

    They do if |a - n| <= atol + rtol max(|a|, |n|) + d, where d is ten times the error that the differences estimate
    for themselves, and they are wrong if it is more than ten times that. In between, or where d is more than 1e-4 of
    the number, it is undecided.
    """

    def __init__(self, rtol: float, atol: float) -> None:
        self.rtol, self.atol = rtol, atol

    def __call__(
        self, analytic: float, numeric: float, error: float, result: float = 0.0, one: float = math.inf
    ) -> str:
        """ "right", "wrong" or "undecided".

        `result` is the size of the value, whose last digit differences do not see; `one` that of one number, where
        these are sums of many.
        """
        if not math.isfinite(analytic):
            return "wrong"
        if not math.isfinite(numeric) or not math.isfinite(error):
            return "undecided"
        off, size, doubt = abs(analytic - numeric), max(abs(analytic), abs(numeric)), 10 * error
        allowed = self.atol + self.rtol * size
        least = 1e-13 * result if analytic == 0 else 0.0
        if off <= allowed + min(doubt, LOOSEST * min(size, one) + least):
            return "right"
        return "undecided" if doubt > allowed and off <= 10 * doubt else "wrong"
