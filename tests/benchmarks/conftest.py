"""Ratios rather than seconds: each benchmark runs its reference in turn with the engine, in the same process and run.

`python -m pytest tests/benchmarks --benchmark-enable` measures and prints them; without the option every benchmark
runs once, so that it stays right.
"""

import ctypes
import gc
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

Work = Callable[[], Any]
RATIOS = pytest.StashKey[list[tuple[str, float, float, float, float]]]()


def seconds(work: Work, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls


@pytest.fixture(scope="session", autouse=True)
def memory_is_kept(request: pytest.FixtureRequest) -> None:
    """Have the C library keep freed memory rather than hand it back to the system and fetch it anew, page by page.

    For arrays of 0.8 MB it does that or not by how many are alive at once and what lies behind them: the same line,
    by hand or not, took 36 us or 560 us from one run to the next. Both sides are measured without it.
    """
    if request.config.getoption("benchmark_enable") and sys.platform == "linux":
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD, at its largest
        mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD


@pytest.fixture
def ratio(benchmark: Any, request: pytest.FixtureRequest) -> Callable[..., None]:
    """`ratio(ours, reference, goal)`: alternating rounds; the median of the ratios of neighbours is reported."""

    def measure(ours: Work, reference: Work, goal: float, calls: int = 1000, rounds: int = 41) -> None:
        if benchmark.disabled:
            ours()
            reference()
            benchmark(lambda: None)
            return
        for work in (ours, reference):
            seconds(work, max(calls // 10, 1))
        gc.collect()  # and left on, as learners have it: a peer that makes cycles pays for them
        pairs = [(seconds(ours, calls), seconds(reference, calls)) for _ in range(rounds)]
        median = statistics.median(a / b for a, b in pairs)
        mine, theirs = (statistics.median(column) * 1e6 for column in zip(*pairs, strict=True))
        benchmark.extra_info.update(ratio=median, goal=goal)
        benchmark.pedantic(ours, rounds=5, iterations=calls)
        request.config.stash.setdefault(RATIOS, []).append((request.node.name, mine, theirs, median, goal))

    return measure


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash.get(RATIOS, [])
    if rows:
        terminalreporter.section("ratios to the reference, medians")
        terminalreporter.write_line(f"{'':<52}{'ours us':>12}{'reference us':>14}{'ratio':>8}{'goal':>7}")
        for name, mine, theirs, median, goal in rows:
            terminalreporter.write_line(f"{name:<52}{mine:>12.2f}{theirs:>14.2f}{median:>8.2f}{goal:>7.2f}")
