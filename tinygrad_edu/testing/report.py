"""What a check found: numbers that differ, places without a derivative, and what could not be decided."""

import math
from dataclasses import dataclass, field

from tinygrad_edu.testing.numerical import EPS

__all__ = ["Finding", "GradcheckError", "Report", "placed"]


class GradcheckError(AssertionError):
    """A derivative that is not what differences of the function say."""


@dataclass(frozen=True)
class Finding:
    """One number of a derivative: that of `output[output_index]` by `input[index]`.

    `kind`: "wrong", "kink" (there is no derivative here, so the `analytic` number is a convention), "undecided" (the
    differences are too noisy to tell), or "impure" (the function is not the same when called again). `analytic` is what
    the rules gave, `numeric` what differences give, good to `error`; at a kink `left` and `right` are the slopes on
    either side.
    """

    kind: str
    input: str
    index: tuple[int, ...] = ()
    output: str = "the result"
    output_index: tuple[int, ...] = ()
    analytic: float = 0.0
    numeric: float = 0.0
    error: float = 0.0
    left: float = 0.0
    right: float = 0.0
    message: str = ""

    def __str__(self) -> str:
        if self.kind == "impure":
            return self.message
        by = f"{placed(self.output, self.output_index)} by {placed(self.input, self.index)}"
        if self.kind == "kink":
            return f"{by}: not differentiable here ({self._why()}); the convention gives {self.analytic:.6g}"
        told = f"{by}: the rules give {self.analytic:.10g}"
        if self.kind == "undecided":
            if self.message:
                return f"{told}; {self.message}"
            if not math.isfinite(self.error):
                return f"{told}; differences find no slope: the function is noisy, or changes faster than their steps"
            return (
                f"{told}; differences give {self.numeric:.10g}, good to {self.error:.1e} only, which does not decide it"
            )
        if math.isnan(self.numeric):
            return f"{told}; differences do not exist"
        if self.left != self.right:
            return f"{told}; there is a kink, and the slopes around it come no nearer than {self.numeric:.6g}"
        off = abs(self.analytic - self.numeric)
        return f"{told}, differences {self.numeric:.10g} (good to {self.error:.1e}); off by {off:.3g}"

    def _why(self) -> str:
        if self.message:
            return self.message
        sides = [
            f"outside of the domain {side}"
            if math.isnan(slope)
            else f"a jump or an infinite slope {side}"
            if math.isinf(slope)
            else f"slope {round(slope, 9):.6g} {side}"
            for slope, side in ((self.left, "to the left"), (self.right, "to the right"))
        ]
        return ", ".join(sides).replace("left, slope", "left,")


def placed(name: str, index: tuple[int, ...]) -> str:
    """x[0, 1]"""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


@dataclass
class Report:
    """The outcome of a check: true if nothing is wrong and nothing undecided. Printing it says what was found.

    False too where there were numbers and none could be compared, because the function has a kink at all of them.
    `compared` counts the numbers that agree, out of `total` of the Jacobian; those of large ones are compared in `sums`
    of many. `wrong`, `kinks` and `undecided` are lists of `Finding`. `noise` is the part of a result that rounding
    changes.
    """

    what: str
    compared: int = 0
    total: int = 0
    sums: int = 0
    noise: float = EPS
    findings: list[Finding] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Finding]:
        """The findings of some kinds."""
        return [finding for finding in self.findings if finding.kind in kinds]

    @property
    def wrong(self) -> list[Finding]:
        """Numbers that differ, largest error first; a function that changes its inputs counts too."""
        return sorted(self.of("wrong", "impure"), key=lambda f: -abs(f.analytic - f.numeric))

    @property
    def kinks(self) -> list[Finding]:
        """Places that have no derivative, where the rules give a convention."""
        return self.of("kink")

    @property
    def undecided(self) -> list[Finding]:
        """Numbers that differences could not tell."""
        return self.of("undecided")

    def __bool__(self) -> bool:
        return not self.wrong and not self.undecided and (self.compared > 0 or self.total == 0)

    def __str__(self) -> str:
        lines = [f"{self.what} {self._said()}"]
        if self.noise > 100 * EPS:
            lines.append(
                f"  noise: the results are rounded to {self.noise:.0e} of themselves (float32 rounds to 6e-08), so that"
                " differences tell few digits: compute in float64, or allow more, rtol=1e-3"
            )
        for title, found in (("wrong", self.wrong), ("undecided", self.undecided), ("kink", self.kinks)):
            lines += [f"  {title}: {finding}" for finding in found[:SHOWN]]
            if len(found) > SHOWN:
                lines.append(f"  ... and {len(found) - SHOWN} more of these")
        return "\n".join(lines)

    def _said(self) -> str:
        numbers = f"{self.compared:,} number{'s' * (self.compared != 1)} compared"
        numbers += f", in {self.sums:,} sums" if self.sums else ""
        if self.wrong:
            return f"is WRONG: {numbers}"
        if self.undecided:
            return f"is undecided: {numbers}"
        if self.compared:
            return f"agrees with differences: {numbers}"
        if self.total:
            return "could not be compared: it has no derivative by any of these numbers; take others"
        return "has no numbers to compare: an input or the result is empty"

    __repr__ = __str__

    def check(self) -> "Report":
        """The report itself; raises `GradcheckError` with its text unless it is true."""
        if not self:
            raise GradcheckError(str(self))
        return self


SHOWN = 8
