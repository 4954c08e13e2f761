"""Places without a derivative: what a rule gives there must be a mean of the gradients around.

The gradients at points ever nearer, and all their weighed means, are what Clarke (1975, *Transactions of the American
Mathematical Society* 205) calls the generalised gradient: for |x| at 0 all of -1 ... 1, for max(x, y) of equal numbers
(1, 0), (0, 1) and all between, for the largest of three any three shares that make 1. A convention is one of them: each
number lies between those around, and what holds for all gradients around, as "they make 1", holds for it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.testing.judge import Judge
from tinygrad_edu.testing.subject import Subject, flat, like, moved, quiet, slopes, unit

__all__ = ["Around", "has_corner"]

Array = Any

BESIDE = 1e-5  # how far away the gradients are taken, for numbers of the size 1
ALIKE = 1e-3  # what they may change by over that distance
CHECKED = 4  # of them are compared with differences
TRIES, GIVEN_UP = 12, 3  # how many may bring nothing new in a row, and for how many inputs


class Around:
    """The gradients of one result at points around, by some of the inputs.

    They are those of the rules; `wrong` is whether these do not agree with differences there.
    """

    def __init__(self, subject: Subject, row: int, columns: Array, judge: Judge) -> None:
        self.subject, self.row, self.columns, self.judge = subject, row, columns, judge
        self.random = np.random.default_rng(0)
        self.gradients = np.zeros((0, len(columns)))
        self.wrong = False
        sizes = np.nan_to_num(abs(subject.flat))
        self.beside = BESIDE * np.where(sizes == 0, min(1.0, np.max(sizes) or 1.0), sizes)
        for _ in range(CHECKED):
            self._look(self.random.uniform(-1, 1, subject.size), checked=True)

    def _look(self, towards: Array, checked: bool = False) -> None:
        """Take the gradient at one more point."""
        nearby = moved(self.subject, self.beside * towards)
        try:
            gradient = flat(nearby.gradient(like(self.subject.outputs, unit(self.subject.results, self.row))))
            if checked:
                direction = self.beside * self.random.choice([-1.0, 1.0], self.subject.size)
                parts = like(self.subject.points, direction)
                along = nearby.moved(parts)
                found = slopes(nearby, parts, 0.1, lambda t: along(t)[self.row : self.row + 1])
                numeric, error = float(found.value[0]), float(found.error[0])
                kind = "kink" if found.kink[0] else self.judge(float(gradient @ direction), numeric, error)
                self.wrong |= kind == "wrong"
                if kind != "right":
                    return
        except (ArithmeticError, ValueError):
            return
        if np.isfinite(gradient[self.columns]).all():
            self.gradients = np.vstack([self.gradients, gradient[self.columns]])

    @property
    def alike(self) -> float:
        """How much gradients around may differ where there is no kink."""
        return ALIKE * float(np.max(abs(self.gradients), initial=1e-9))

    def range(self, convention: Array) -> tuple[Array, Array]:
        """The least and the largest number around for each column, looked for until the convention is between them.

        A column is moved above and below all others, and then from one to the next of them, so that it is once in every
        place of an order; then all are moved at random, for orders of rows. Where three columns have been in vain, the
        others are not looked at: -inf and inf.
        """
        in_vain: list[int] = []
        for column in range(len(self.columns)):
            others = self.random.uniform(-1, 1, self.subject.size)
            places = np.sort([*others, *-others, -1, 1])  # of both signs, for what turns an input round
            ways = [1.5, -1.5, *(2 * places[1:] + places[:-1]) / 3]  # not the middle, which may be here
            for way in [*ways, *[None] * (3 * TRIES)]:
                if self._within(convention)[column] or len(in_vain) == GIVEN_UP:
                    break
                if way is None:
                    others = self.random.uniform(-1, 1, self.subject.size)
                else:
                    others[self.columns[column]] = way
                self._look(others)
            else:
                in_vain.append(column)
        seen = self._within(convention)
        seen[in_vain] = True
        least, most = np.min(self.gradients, axis=0), np.max(self.gradients, axis=0)
        return np.where(seen, least, -np.inf), np.where(seen, most, np.inf)

    def _within(self, convention: Array) -> Array:
        above = convention >= np.min(self.gradients, axis=0) - self.alike
        within: Array = above & (convention <= np.max(self.gradients, axis=0) + self.alike)
        return within

    def beyond_what_holds(self, convention: Array) -> tuple[Array, Array]:
        """What the convention has beyond sums and differences of the gradients around: 0, or a direction; and them."""
        idle = 0
        while True:
            middle = self.gradients.mean(axis=0)
            _, sizes, directions = np.linalg.svd(self.gradients - middle, full_matrices=False)
            spanned = directions[sizes > self.alike]
            left = convention - middle
            left = left - spanned.T @ (spanned @ left)
            if np.max(abs(left)) <= self.alike or idle == TRIES:
                return np.where(abs(left) <= self.alike, 0.0, left), convention - left
            self._look(self.random.uniform(-1, 1, self.subject.size))
            new = self.gradients[-1] - middle
            idle = 0 if np.max(abs(new - spanned.T @ (spanned @ new))) > self.alike else idle + 1

    def unbounded(self) -> bool:
        """Whether there are ever steeper slopes the nearer one looks, or none to be seen."""
        nearer = Around(self.subject, self.row, self.columns, self.judge)
        nearer.gradients, nearer.beside = nearer.gradients[:0], self.beside / 1e4
        for _ in range(2 * CHECKED):
            nearer._look(self.random.uniform(-1, 1, self.subject.size))
        if not len(self.gradients) or not len(nearer.gradients):
            return True
        return bool(np.max(abs(nearer.gradients)) > 3 * np.max(abs(self.gradients)))


def has_corner(function: Callable[..., Any], *inputs: Any) -> bool:
    """Whether the slope of a result along some direction is not the sum of its slopes by each input.

    A median of many equal numbers does not change when one of them moves, and does when all of them do.
    """
    with quiet():
        subject = Subject(function, inputs)
        units = [like(subject.points, row) for row in np.eye(subject.size)]
        by = np.array([slopes(subject, one, 1.0).value for one in units]).reshape(subject.size, subject.results)
        for direction in (np.ones(subject.size), np.cos(np.arange(subject.size) + 1.0)):
            found = slopes(subject, like(subject.points, direction), 1.0)
            allowed = 1e-5 * (1 + abs(direction) @ abs(by)) + 10 * found.error
            if np.any(found.kink | ~(abs(found.value - direction @ by) <= allowed)):
                return True
        return False
