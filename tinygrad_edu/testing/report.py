"""What a check found: numbers that differ, places without a derivative, and what could not be decided."""

from dataclasses import dataclass, field

__all__ = ["Finding", "GradcheckError", "Report"]


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
        by = f"{_place(self.output, self.output_index)} by {_place(self.input, self.index)}"
        if self.kind == "kink":
            if self.message:
                why = self.message
            elif self.left == self.right or max(abs(self.left), abs(self.right)) > 1e3 or self.left != self.left:
                why = "the slope is infinite, the value jumps, or a side is outside of the domain"
            else:
                why = f"slope {round(self.left, 9):.6g} to the left, {round(self.right, 9):.6g} to the right"
            return f"{by}: not differentiable here ({why}); the convention gives {self.analytic:.6g}"
        if self.kind == "undecided":
            return (
                f"{by}: the rules give {self.analytic:.10g}; differences give {self.numeric:.10g}, good to"
                f" {self.error:.1e} only, which does not decide it: the function is noisy, or changes too fast here"
            )
        return (
            f"{by}: the rules give {self.analytic:.10g}, differences {self.numeric:.10g} (good to {self.error:.1e});"
            f" off by {abs(self.analytic - self.numeric):.3g}"
        )


def _place(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name


@dataclass
class Report:
    """The outcome of a check: true if nothing is wrong and nothing undecided. Printing it says what was found.

    `compared` counts the numbers (or random projections of many) that agree; `wrong`, `kinks` and `undecided` are lists
    of `Finding`.
    """

    what: str
    compared: int = 0
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
        return not self.wrong and not self.undecided

    def __str__(self) -> str:
        said = "agrees with differences" if self else "is WRONG" if self.wrong else "is undecided"
        lines = [f"{self.what} {said}: {self.compared} numbers compared"]
        for title, found in (("wrong", self.wrong), ("undecided", self.undecided), ("kink", self.kinks)):
            lines += [f"  {title}: {finding}" for finding in found[:SHOWN]]
            if len(found) > SHOWN:
                lines.append(f"  ... and {len(found) - SHOWN} more of these")
        return "\n".join(lines)

    __repr__ = __str__

    def check(self) -> "Report":
        """The report itself; raises `GradcheckError` with its text unless it is true."""
        if not self:
            raise GradcheckError(str(self))
        return self


SHOWN = 8
