"""The script that measures on a GPU runs without one, on small sizes; whether it measures rightly only a GPU tells."""

from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import gpu
from tests.duck import as_cupy
from tinygrad_edu import cuda

SMALL = gpu.works("cpu")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("work", SMALL, ids=[work.name for work in SMALL])
def test_every_program_of_the_table_learns_and_copies_nothing(work: gpu.Work, device: str) -> None:
    """On the CPU, and on ducks, which take the place of CuPy."""
    defined: dict[str, Any] = {}
    with as_cupy():
        exec(gpu.OURS + gpu.BEGIN.format(device=device) + work.program, defined)
        with cuda.no_copies():
            results = [defined["step"]().detach() for _ in range(2)]
        numbers = [float(result) for result in results]
    assert all(number == number for number in numbers)
    if "criterion" in defined:
        assert numbers[1] < numbers[0]


def test_a_dry_run_writes_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "works", lambda _: SMALL[:1])
    ended = gpu.main(["--device", "cpu", "--rounds", "1", "--out", str(tmp_path / "gpu.txt")])
    first, names, line = (tmp_path / "gpu.txt").read_text("utf-8").splitlines()
    assert ended == 0
    assert "a dry run: products of matrices" in first
    assert names.split() == ["ours", "ms", "PyTorch", "ms", "ratio", "limit", "ms", "of", "limit"]
    assert line.startswith("784-256-10, batch 8 ")


def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    if cuda.is_available():
        pytest.skip("there is a GPU")
    assert gpu.main([]) == 2
    assert "no GPU" in capsys.readouterr().out


def test_the_limits_count_what_a_step_has_to_do() -> None:
    """By hand for 2 samples and layers of 3 to 4 and 4 to 5: a product of (2, a) and (a, b) is 2 * 2 * a * b steps."""
    work = gpu.dense("", (3, 4, 5), 2, 1)
    forward, back_to_weights, back_to_values = 48 + 80, 48 + 80, 80
    assert work.operations == forward + back_to_weights + back_to_values
    assert work.bytes == 4 * (6 * 32 + 4 * 2 * 12)
