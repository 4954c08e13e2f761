"""Libraries in processes of their own, taking turns: their threads spin against each other in one process."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

Ask = Callable[[int], tuple[float, float]]

ANSWER = """
import sys, time
for line in sys.stdin:  # a line a round
    result = step()
    start = time.perf_counter()
    for _ in range(int(line)):
        result = step()
    print((time.perf_counter() - start) / int(line), float(result), flush=True)
"""
"""What a program ends with that defines `step`, which returns a number."""


@contextmanager
def process(program: str) -> Iterator[Ask]:
    """A process that, asked for a number of steps, answers with the seconds of one, and the last number."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603 - the programs of the benchmarks
        stdin, stdout = running.stdin, running.stdout
        assert stdin is not None
        assert stdout is not None

        def ask(calls: int) -> tuple[float, float]:
            stdin.write(f"{calls}\n")
            stdin.flush()
            took, result = map(float, stdout.readline().split())
            return took, result

        yield ask
        stdin.close()


def in_turn(programs: Sequence[str], calls: int, rounds: int) -> list[list[tuple[float, float]]]:
    """For each round the answer of each program; before each its threads have stopped spinning."""
    with ExitStack() as stack:
        asked = [stack.enter_context(process(program + ANSWER)) for program in programs]
        answers: list[list[tuple[float, float]]] = []
        for _ in range(rounds):
            answers.append([])
            for ask in asked:
                time.sleep(0.05)
                answers[-1].append(ask(calls))
    return answers


def ratio_of(answers: list[list[tuple[float, float]]], a: int, b: int) -> float:
    """The median over the rounds of how long program `a` took beside program `b`."""
    return statistics.median(row[a][0] / row[b][0] for row in answers)
