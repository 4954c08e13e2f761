"""Cases of `ops.conv`."""

from tests.cases.case import Case

CASES: list[Case] = []
