"""Every demo runs, in a folder of its own, and asserts its own figures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DEMOS = sorted((ROOT / "demos").glob("*.py"))


def test_there_are_demos_in_numbered_order() -> None:
    assert [demo.name[:2] for demo in DEMOS] == [f"{i:02}" for i in range(1, len(DEMOS) + 1)]


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.stem)
def test_a_demo_runs(demo: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install scikit-learn")
    done = subprocess.run(  # noqa: S603 - runs this Python on the project's own file
        [sys.executable, str(demo)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},  # several tests share the cores
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"wrote {demo.stem}" in done.stdout
    assert [file.stem for file in tmp_path.iterdir()] == [demo.stem]
