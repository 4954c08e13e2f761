"""Whether two numbers agree, as far as the one is known."""

import math
from typing import Any

__all__ = ["Judge"]

Array = Any


class Judge:
    """Whether two numbers agree."""

    def __init__(self, rtol: float, atol: float) -> None:
        self.rtol, self.atol = rtol, atol

    def __call__(self, analytic: float, numeric: float, error: float) -> str:
        """ "right", "wrong" or "undecided"."""
        if not math.isfinite(analytic):
            return "wrong"
        size = max(abs(analytic), abs(numeric))
        allowed = self.atol + self.rtol * size
        if math.isfinite(numeric) and abs(analytic - numeric) <= allowed + min(10 * error, 1e-3 * size + 1e-6):
            return "right"
        if not math.isfinite(error) or (10 * error > allowed and not abs(analytic - numeric) > 100 * error):
            return "undecided"
        return "wrong"
